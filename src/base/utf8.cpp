#include "base/utf8.h"

#include <algorithm>
#include <optional>

namespace meshchain::base {
namespace {

constexpr bool is_continuation(std::uint32_t byte) { return (byte & 0xC0) == 0x80; }

/// How many bytes a character takes that starts with `first`; 0 for one that starts none.
constexpr std::size_t length_of(std::uint32_t first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

/// Takes one character off the front of `rest`, which is not empty; nothing if it is none.
std::optional<std::uint32_t> take_character(Bytes& rest) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(rest[i]); };
    const std::size_t length = length_of(byte(0));
    if (length == 0 || length > rest.size()) return std::nullopt;
    std::uint32_t character = length == 1 ? byte(0) : byte(0) & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(byte(i))) return std::nullopt;
        character = character << 6 | (byte(i) & 0x3F);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = character >= 0xD800 && character < 0xE000;
    if (character < smallest[length] || is_surrogate || character > 0x10FFFF) return std::nullopt;
    rest = rest.subspan(length);
    return character;
}

constexpr bool is_control(std::uint32_t character) {
    const auto within = [&](std::uint32_t low, std::uint32_t high) {
        return character >= low && character <= high;
    };
    return character < 0x20 || within(0x7F, 0x9F) || within(0x2028, 0x202E) ||
           within(0x2066, 0x2069) || character == 0x061C || within(0x200E, 0x200F);
}

template <class Allowed>
bool is_all(Bytes text, Allowed&& allowed) {
    while (!text.empty()) {
        const auto character = take_character(text);
        if (!character || !allowed(*character)) return false;
    }
    return true;
}

}  // namespace

bool is_utf8(Bytes text) {
    return is_all(text, [](std::uint32_t) { return true; });
}

bool is_displayable(std::string_view text) {
    return is_all(as_bytes(text), [](std::uint32_t character) { return !is_control(character); });
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) {
    std::size_t end = std::min(text.size(), bytes_max);
    while (end > 0 && end < text.size() && is_continuation(std::uint8_t(text[end]))) --end;
    return text.substr(0, end);
}

}  // namespace meshchain::base
