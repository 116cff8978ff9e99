#include "host/line_filter.h"

namespace meshchain::host {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

/// The line with each number, and each word of hexadecimal digits that has one, as '#'.
std::string kind_of(std::string_view module, std::string_view line) {
    std::string kind(module);
    kind += ' ';
    for (std::size_t i = 0; i < line.size();) {
        std::size_t end = i;
        bool has_digit = false;
        for (; end < line.size() && is_hex(line[end]); ++end) has_digit |= is_digit(line[end]);
        if (has_digit) {
            kind += '#';
            i = end;
        } else {
            kind += line[i++];
        }
    }
    return kind;
}

}  // namespace

std::optional<std::uint64_t> LineFilter::admit(base::Instant now, std::string_view module,
                                               std::string_view line) {
    const std::string key = kind_of(module, line);
    Kind* kind = kinds_.get(key);
    if (kind == nullptr) {
        kinds_.put(key, {.window_start = now});
        kind = kinds_.get(key);
    }
    if (now - kind->window_start >= window) {
        kind->window_start = now;
        kind->passed = 0;
    }
    if (kind->passed == lines_per_window) {
        ++kind->left_out;
        return std::nullopt;
    }
    ++kind->passed;
    return std::exchange(kind->left_out, 0);
}

}  // namespace meshchain::host
