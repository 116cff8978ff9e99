#include "wallet/bip39.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "base/resource_guard.h"
#include "crypto/signature.h"
#include "wallet/bip39_words.h"

namespace meshchain::wallet {
namespace {

constexpr unsigned bits_per_word = 11;
constexpr unsigned seed_rounds = 2048;
constexpr std::size_t telling_letters = 4;
constexpr std::size_t word_letters_max = 8;
/// What is read before it is refused: a phrase on several lines with much space.
constexpr std::size_t typed_bytes_max = 4096;

std::unexpected<base::Error> refused(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "seed phrase", std::move(advice));
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < text.size();) {
        if (is_space(text[i])) {
            ++i;
            continue;
        }
        std::size_t end = i;
        while (end < text.size() && !is_space(text[end])) ++end;
        words.push_back(text.substr(i, end - i));
        i = end;
    }
    return words;
}

/// How many letters were changed, left out, added, or exchanged with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, 2 * word_letters_max + 1>;
    std::array<Row, 3> rows{};  // the last three of the usual table
    for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        Row& row = rows[i % 3];
        const Row& above = rows[(i + 2) % 3];
        const Row& two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replaced, above[j] + 1, row[j - 1] + 1});
            const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (exchanged) row[j] = std::min(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

/// A word that is not in the list, as an error names it: shortened, and without what a terminal
/// could take for a command.
std::string quoted(std::string_view typed) {
    std::string text;
    for (const char c : typed.substr(0, 20)) text += c > ' ' && c < 127 ? c : '?';
    return "'" + text + "'";
}

std::unexpected<base::Error> unknown_word(std::size_t place, std::string_view typed) {
    const bool foreign =
        std::ranges::any_of(typed, [](char c) { return lower(c) < 'a' || lower(c) > 'z'; });
    const auto near = foreign ? std::nullopt : suggest_word(typed);
    std::string what =
        "word " + std::to_string(place) + ", " + quoted(typed) + ", " +
        (foreign ? "has characters other than the letters a to z" : "is not in the English list");
    return refused(
        base::Errc::malformed, std::move(what),
        near ? "is '" + std::string(*near) + "' meant?" : "compare it with what was written down");
}

/// The checksum's bits, as many as there are groups of 32 bits of entropy.
unsigned checksum(base::Bytes entropy) {
    return std::to_integer<unsigned>(crypto::sha256(entropy)[0]) >> (8 - entropy.size() / 4);
}

}  // namespace

bool Phrase::is_word_count(std::size_t words) {
    return words >= 12 && words <= words_max && words % 3 == 0;
}

Phrase::~Phrase() { crypto::wipe(entropy_); }

Phrase Phrase::generate(base::Entropy& entropy, std::size_t words) {
    MESH_ASSERT(is_word_count(words));
    Phrase phrase;
    phrase.size_ = words / 3 * 4;
    entropy.fill(base::MutableBytes(phrase.entropy_).first(phrase.size_));
    return phrase;
}

std::expected<Phrase, base::Error> Phrase::from_entropy(base::Bytes entropy) {
    if (entropy.size() % 4 != 0 || !is_word_count(entropy.size() * 3 / 4)) {
        return refused(base::Errc::invalid_argument,
                       std::to_string(entropy.size()) + " bytes of entropy",
                       "allowed: 16, 20, 24, 28 or 32");
    }
    Phrase phrase;
    phrase.size_ = entropy.size();
    std::ranges::copy(entropy, phrase.entropy_.begin());
    return phrase;
}

std::expected<Phrase, base::Error> Phrase::parse(std::string_view text) {
    if (text.size() > typed_bytes_max) {
        return refused(base::Errc::too_large, std::to_string(text.size()) + " bytes",
                       "give 12, 15, 18, 21 or 24 words");
    }
    const std::vector<std::string_view> words = split(text);
    // A wrong word is told before a wrong number: it is often a word that was split or joined.
    Phrase phrase;
    unsigned found_checksum = 0;
    const std::size_t entropy_bits = words.size() * bits_per_word * 32 / 33;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto index = find_word(words[i]);
        if (!index) return unknown_word(i + 1, words[i]);
        for (unsigned bit = 0; bit < bits_per_word && is_word_count(words.size()); ++bit) {
            const unsigned value = *index >> (bits_per_word - 1 - bit) & 1;
            const std::size_t at = i * bits_per_word + bit;
            if (at >= entropy_bits) {
                found_checksum = found_checksum << 1 | value;
            } else {
                phrase.entropy_[at / 8] |= static_cast<std::byte>(value << (7 - at % 8));
            }
        }
    }
    if (!is_word_count(words.size())) {
        return refused(base::Errc::malformed, std::to_string(words.size()) + " words",
                       "a phrase has 12, 15, 18, 21 or 24; count them again");
    }
    phrase.size_ = entropy_bits / 8;
    if (found_checksum != checksum(phrase.entropy())) {
        return refused(base::Errc::bad_signature,
                       "every word is in the list, but they do not belong together",
                       "look for a word that was read wrongly, or two that changed places");
    }
    return phrase;
}

unsigned Phrase::word_index(std::size_t index) const {
    unsigned value = 0;
    for (std::size_t at = index * bits_per_word; at < (index + 1) * bits_per_word; ++at) {
        const unsigned byte = at / 8 < size_ ? std::to_integer<unsigned>(entropy_[at / 8])
                                             : checksum(entropy()) << (8 - size_ / 4);
        value = value << 1 | (byte >> (7 - at % 8) & 1);
    }
    return value;
}

std::string_view Phrase::word(std::size_t index) const {
    MESH_ASSERT(index < word_count());
    return bip39_words()[word_index(index)];
}

void Phrase::write(base::Buffer& out) const {
    out.reserve(out.size() + text_bytes_max);  // growing would leave copies behind
    for (std::size_t i = 0; i < word_count(); ++i) {
        if (i > 0) out.push_back(std::byte{' '});
        const base::Bytes letters = base::as_bytes(word(i));
        out.insert(out.end(), letters.begin(), letters.end());
    }
}

Bip39Seed seed_of(const Phrase& phrase, base::Bytes passphrase) {
    base::Buffer text;
    base::Buffer salt = base::to_buffer(base::as_bytes("mnemonic"));
    const base::ResourceGuard wipe_both([&] {
        crypto::wipe(text);
        crypto::wipe(salt);
    });
    phrase.write(text);
    salt.reserve(salt.size() + passphrase.size());
    salt.insert(salt.end(), passphrase.begin(), passphrase.end());
    return crypto::pbkdf2_sha512(text, salt, seed_rounds);
}

std::optional<unsigned> find_word(std::string_view word) {
    if (word.size() > word_letters_max) return std::nullopt;
    std::array<char, word_letters_max> letters{};
    std::ranges::transform(word, letters.begin(), lower);
    const std::string_view wanted(letters.data(), word.size());
    const auto& words = bip39_words();
    const auto found = std::ranges::lower_bound(words, wanted);
    const bool known = found != words.end() && *found == wanted;
    crypto::wipe(std::as_writable_bytes(std::span(letters)));
    if (!known) return std::nullopt;
    return static_cast<unsigned>(found - words.begin());
}

std::optional<std::string_view> suggest_word(std::string_view typed) {
    if (typed.size() < 3 || typed.size() > 2 * word_letters_max) return std::nullopt;
    std::string wanted(typed);
    std::ranges::transform(wanted, wanted.begin(), lower);
    std::string_view best;
    std::size_t best_distance = 3;
    bool unique = false;
    for (const std::string_view word : bip39_words()) {
        if (wanted.size() >= telling_letters &&
            word.substr(0, telling_letters) == wanted.substr(0, telling_letters)) {
            return word;
        }
        const std::size_t mistakes = distance(wanted, word);
        if (mistakes < best_distance) {
            best = word;
            best_distance = mistakes;
            unique = true;
        } else if (mistakes == best_distance) {
            unique = false;
        }
    }
    if (unique) return best;
    return std::nullopt;
}

}  // namespace meshchain::wallet
