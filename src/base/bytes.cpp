#include "base/bytes.h"

#include <algorithm>

namespace meshchain::base {

bool less(Bytes a, Bytes b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

bool equal(Bytes a, Bytes b) { return std::ranges::equal(a, b); }

std::string to_hex(Bytes bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        text.push_back(digits[std::to_integer<unsigned>(byte >> 4)]);
        text.push_back(digits[std::to_integer<unsigned>(byte & std::byte{15})]);
    }
    return text;
}

namespace {

int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

}  // namespace

std::expected<Buffer, Error> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return failure(Errc::malformed,
                       "hexadecimal text of odd length " + std::to_string(text.size()), "hex",
                       "give two digits for every byte");
    }
    Buffer bytes(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int value = digit_value(text[i]);
        if (value < 0) {
            return failure(Errc::malformed, "no hexadecimal digit at position " + std::to_string(i),
                           "hex", "use only 0-9 and a-f");
        }
        bytes[i / 2] = (bytes[i / 2] << 4) | static_cast<std::byte>(value);
    }
    return bytes;
}

}  // namespace meshchain::base
