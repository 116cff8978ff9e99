#pragma once
// Seed phrases (BIP-39, English): 12, 15, 18, 21 or 24 words that hold a wallet's entropy and a
// checksum, to be written on paper and typed in again.
//
// Ownership: a Phrase wipes itself. Texts it is made of or written to are the caller's to wipe.
// Errors:    of what people type: they name the word's place and, where one is near, the word that
//            may be meant. They never repeat a word that stands in the list.
// Threads:   no state.

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/entropy.h"
#include "crypto/sha2.h"

namespace meshchain::wallet {

class Phrase {
public:
    static constexpr std::size_t words_max = 24;
    static constexpr std::size_t words_default = 24;
    static constexpr std::size_t entropy_bytes_max = 32;
    /// Every word with a space behind it; of a text to parse, several times as much is taken.
    static constexpr std::size_t text_bytes_max = words_max * 9;

    /// New random words. Asserts that `words` is a number the standard has.
    static Phrase generate(base::Entropy& entropy, std::size_t words = words_default);
    /// Errors: invalid_argument (not 16, 20, 24, 28 or 32 bytes).
    static std::expected<Phrase, base::Error> from_entropy(base::Bytes entropy);
    /// Reads words parted by white space; capital letters do not matter. Anything beyond ASCII must
    /// have been normalised (NFKD) before; what is left of it is refused.
    /// Errors: malformed (number of words, a word not in the list), bad_signature (the checksum),
    /// too_large.
    static std::expected<Phrase, base::Error> parse(std::string_view text);
    static bool is_word_count(std::size_t words);

    Phrase(const Phrase& other) = default;
    Phrase& operator=(const Phrase& other) = default;
    ~Phrase();

    std::size_t word_count() const { return size_ * 3 / 4; }
    std::string_view word(std::size_t index) const;
    base::Bytes entropy() const { return base::Bytes(entropy_).first(size_); }
    /// The words with single spaces between. The caller wipes `out`.
    void write(base::Buffer& out) const;

    friend bool operator==(const Phrase&, const Phrase&) = default;

private:
    Phrase() = default;
    unsigned word_index(std::size_t index) const;

    std::array<std::byte, entropy_bytes_max> entropy_{};
    std::size_t size_ = 0;
};

using Bip39Seed = crypto::Sha512;

/// The seed that keys derive from. `passphrase` is BIP-39's own, often called the 25th word, empty
/// if there is none; it must be in NFKD already (host/unicode.h). Takes 2,048 rounds, some
/// milliseconds. The caller wipes the result.
Bip39Seed seed_of(const Phrase& phrase, base::Bytes passphrase);

/// Its place in the list.
std::optional<unsigned> find_word(std::string_view word);
/// The word of the list that `typed` may be meant as: the only one with its first four letters, or
/// the only nearest within two mistakes.
std::optional<std::string_view> suggest_word(std::string_view typed);

}  // namespace meshchain::wallet
