#pragma once
// BLAKE2b-256 (RFC 7693), the one hash of the protocol (PROTOCOL.md P1.1), and the start of every
// signed or hashed preimage: domain string behind its length, chain id, type.

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace meshchain::crypto {

struct Hash {
    static constexpr std::size_t size = 32;
    std::array<std::byte, size> bytes{};

    bool is_zero() const { return *this == Hash{}; }
    base::Bytes span() const { return bytes; }
    friend auto operator<=>(const Hash&, const Hash&) = default;
};

std::string to_hex(const Hash& hash);
/// Errors: malformed (not 64 hexadecimal digits).
std::expected<Hash, base::Error> hash_from_hex(std::string_view text);

Hash hash(base::Bytes message);
/// H(first ‖ second) without joining them.
Hash hash(base::Bytes first, base::Bytes second);

/// Starts a preimage: length of domain (1 byte) ‖ domain ‖ chain id ‖ type.
base::Buffer preimage(std::string_view domain, const Hash& chain, std::uint8_t type);

/// Keyed BLAKE2b of 16 bytes, for address cookies. Compare with `equal_constant_time`.
using Mac = std::array<std::byte, 16>;
using MacKey = std::array<std::byte, 32>;
Mac mac(const MacKey& key, base::Bytes message);
bool equal_constant_time(base::Bytes a, base::Bytes b);

/// SipHash-2-4 (Aumasson and Bernstein), for short ids under a key nobody can grind.
using ShortHashKey = std::array<std::byte, 16>;
std::uint64_t short_hash(const ShortHashKey& key, base::Bytes message);

/// SipHash-2-4-128: as quick, and so long that two messages do not meet by chance.
using WideShortHash = std::array<std::byte, 16>;
WideShortHash wide_short_hash(const ShortHashKey& key, base::Bytes message);

}  // namespace meshchain::crypto
