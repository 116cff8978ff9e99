#pragma once
// Bech32m (BIP-350): symbols of five bits as text, with a checksum that finds any four wrong
// characters. Only the newer checksum is spoken; the older one is told apart in the error.
//
// Limits: 90 characters, human-readable part 1 to 83 of printable ASCII.

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace meshchain::wallet {

struct Bech32m {
    std::string prefix;                 ///< lower case
    std::vector<std::uint8_t> symbols;  ///< 0 to 31 each, checksum left out
    friend bool operator==(const Bech32m&, const Bech32m&) = default;
};

inline constexpr std::size_t bech32m_chars_max = 90;

/// Asserts the limits and that `prefix` is lower case.
std::string encode(const Bech32m& content);
/// Errors: malformed (mixed case, a character outside the alphabet with its position, no
/// separator, too short), too_large, bad_signature (the checksum).
std::expected<Bech32m, base::Error> parse_bech32m(std::string_view text);

}  // namespace meshchain::wallet
