#include "wallet/bech32m.h"

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace meshchain::wallet {
namespace {

constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t checksum_symbols = 6;
constexpr std::size_t prefix_chars_max = 83;
constexpr std::uint32_t constant = 0x2bc830a3;
constexpr std::uint32_t constant_of_bech32 = 1;

/// The checksum's polynomial over GF(32), one symbol at a time.
class Checksum {
public:
    void take(std::uint8_t symbol) {
        static constexpr std::array<std::uint32_t, 5> generator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                                0x3d4233dd, 0x2a1462b3};
        const std::uint32_t top = value_ >> 25;
        value_ = (value_ & 0x1ffffff) << 5 ^ symbol;
        for (std::size_t i = 0; i < generator.size(); ++i) {
            if ((top >> i & 1) != 0) value_ ^= generator[i];
        }
    }
    void take(std::string_view prefix) {
        for (const char c : prefix) take(static_cast<std::uint8_t>(c >> 5));
        take(std::uint8_t{0});
        for (const char c : prefix) take(static_cast<std::uint8_t>(c & 31));
    }
    std::uint32_t value() const { return value_; }

private:
    std::uint32_t value_ = 1;
};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_printable(char c) { return c >= '!' && c <= '~'; }

std::unexpected<base::Error> malformed(std::string what) {
    return base::failure(base::Errc::malformed, std::move(what), "address",
                         "copy the whole address again");
}

std::string at(std::size_t index) { return " at character " + std::to_string(index + 1); }

/// The text in lower case, if its form allows it to be Bech32m at all.
std::expected<std::string, base::Error> normalise(std::string_view text) {
    if (text.size() > bech32m_chars_max) {
        return base::failure(base::Errc::too_large,
                             std::to_string(text.size()) + " characters, of at most " +
                                 std::to_string(bech32m_chars_max),
                             "address", "copy the address alone");
    }
    const auto strange = std::ranges::find_if_not(text, is_printable);
    if (strange != text.end()) {
        return malformed("a space or unprintable character" +
                         at(static_cast<std::size_t>(strange - text.begin())));
    }
    if (std::ranges::any_of(text, is_upper) && std::ranges::any_of(text, is_lower)) {
        return malformed("upper and lower case mixed");
    }
    std::string lower(text);
    for (char& c : lower) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

std::expected<std::vector<std::uint8_t>, base::Error> symbols_of(std::string_view text,
                                                                 std::size_t from) {
    std::vector<std::uint8_t> symbols;
    for (std::size_t i = from; i < text.size(); ++i) {
        const std::size_t symbol = alphabet.find(text[i]);
        if (symbol == std::string_view::npos) {
            return malformed(std::string("no address has a '") + text[i] + "'" + at(i));
        }
        symbols.push_back(static_cast<std::uint8_t>(symbol));
    }
    return symbols;
}

std::expected<void, base::Error> check_sum(const Bech32m& whole) {
    Checksum sum;
    sum.take(whole.prefix);
    for (const std::uint8_t symbol : whole.symbols) sum.take(symbol);
    if (sum.value() == constant) return {};
    const bool older = sum.value() == constant_of_bech32;
    return base::failure(base::Errc::bad_signature,
                         older ? "the checksum is of the older Bech32 form"
                               : "the checksum does not match: a character is wrong",
                         "address", "compare it with the original, or copy it again");
}

}  // namespace

std::string encode(const Bech32m& content) {
    const std::size_t size = content.prefix.size() + 1 + content.symbols.size() + checksum_symbols;
    MESH_ASSERT(!content.prefix.empty() && size <= bech32m_chars_max);
    Checksum sum;
    sum.take(content.prefix);
    std::string text = content.prefix + '1';
    for (const std::uint8_t symbol : content.symbols) {
        MESH_ASSERT(symbol < alphabet.size());
        sum.take(symbol);
        text += alphabet[symbol];
    }
    for (std::size_t i = 0; i < checksum_symbols; ++i) sum.take(std::uint8_t{0});
    const std::uint32_t value = sum.value() ^ constant;
    for (std::size_t i = 0; i < checksum_symbols; ++i) {
        text += alphabet[value >> 5 * (checksum_symbols - 1 - i) & 31];
    }
    return text;
}

std::expected<Bech32m, base::Error> parse_bech32m(std::string_view text) {
    MESH_TRY(const std::string lower, normalise(text));
    const std::size_t separator = lower.rfind('1');
    if (separator == std::string::npos || separator == 0) {
        return malformed("no prefix in front of a '1'");
    }
    if (separator > prefix_chars_max || lower.size() - separator - 1 < checksum_symbols) {
        return malformed("too short for a checksum");
    }
    Bech32m result;
    result.prefix = lower.substr(0, separator);
    MESH_TRY(result.symbols, symbols_of(lower, separator + 1));
    MESH_CHECK(check_sum(result));
    result.symbols.resize(result.symbols.size() - checksum_symbols);
    return result;
}

}  // namespace meshchain::wallet
