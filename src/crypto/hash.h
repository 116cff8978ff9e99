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
    friend bool operator==(const Hash&, const Hash&) = default;
    /// Of the bytes. The first eight nearly always decide, and maps of coins and transactions
    /// compare little else.
    friend std::strong_ordering operator<=>(const Hash& a, const Hash& b) {
        const std::uint64_t head = a.head();
        const std::uint64_t other = b.head();
        return head != other ? head <=> other : a.bytes <=> b.bytes;
    }

private:
    std::uint64_t head() const {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof value; ++i) {
            value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
        }
        return value;
    }
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
