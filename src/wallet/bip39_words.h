#pragma once
// The English word list of BIP-39, in its order, which is alphabetical. Its SHA-256, one word a
// line, is 2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda.

#include <array>
#include <string_view>

namespace meshchain::wallet {

inline constexpr std::size_t bip39_words_count = 2048;

/// Any two differ in their first four letters.
const std::array<std::string_view, bip39_words_count>& bip39_words();

}  // namespace meshchain::wallet
