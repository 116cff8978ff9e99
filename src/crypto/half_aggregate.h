#pragma once
// Many Ed25519 signatures as little more than one half each (row A6): every signature is a point R
// and a scalar s, and the scalars are added up under random factors, so that n signatures of 64
// bytes become 32 n + 32. Anybody can do it, afterwards and without the signers, and who signed
// stays plain. Source: Chalkias, Garillot, Kondi, Nikolaenko, "Non-interactive half-aggregation of
// EdDSA and variants of Schnorr signatures", CT-RSA 2021.
//
// A forged aggregate would need a forged signature or a collision of the hash behind the factors,
// which covers every point, key and message. Points are taken of prime order only, keys as well
// (PROTOCOL.md P2.5), so no two nodes can judge one aggregate differently.
//
// Costs: four to five times as long to check as the single signatures, since libsodium multiplies
// in constant time. It buys bytes, not time.

#include <optional>
#include <span>
#include <vector>

#include "crypto/signature.h"

namespace meshchain::crypto {

/// A signature's R, encoded.
using NoncePoint = std::array<std::byte, 32>;
/// Below the order of the group, little-endian as in RFC 8032.
using Scalar = std::array<std::byte, 32>;

struct HalfAggregate {
    std::vector<NoncePoint> nonces;  ///< one a signature, in the order of the statements
    Scalar sum{};
    friend bool operator==(const HalfAggregate&, const HalfAggregate&) = default;
};

/// What one key signed.
struct Statement {
    PublicKey key;
    base::Buffer message;
};

/// Of one signature a statement; nothing unless each of them verifies under a key of prime order.
std::optional<HalfAggregate> half_aggregate(std::span<const Statement> statements,
                                            std::span<const Signature> signatures);

/// Whether every statement was signed by its key. False for none at all.
[[nodiscard]] bool verify(std::span<const Statement> statements, const HalfAggregate& aggregate);

}  // namespace meshchain::crypto
