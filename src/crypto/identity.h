#pragma once
// A node's identity is an Ed25519 key kept for life; its id is the first 8 bytes of BLAKE2b-256 of
// the public key. The id is a display and wire abbreviation: tables are keyed by the whole key
// (PROTOCOL.md P1.5).

#include "crypto/signature.h"

namespace meshchain::crypto {

struct NodeId {
    static constexpr std::size_t size = 8;
    std::array<std::byte, size> bytes{};

    friend auto operator<=>(const NodeId&, const NodeId&) = default;
};

NodeId node_id(const PublicKey& identity);
std::string to_hex(const NodeId& id);
std::string to_hex(const PublicKey& key);
/// The X25519 key that goes with an Ed25519 one (RFC 7748, section 4.1), by which radios number a
/// node: whoever knows an identity knows it. Nothing for bytes that are no key.
std::optional<std::array<std::byte, 32>> x25519_key(const PublicKey& identity);
/// Errors: malformed (not 64 hexadecimal digits).
std::expected<PublicKey, base::Error> public_key_from_hex(std::string_view text);

}  // namespace meshchain::crypto
