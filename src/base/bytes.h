#pragma once
// Byte spans as every module passes them, and the text forms of bytes.
//
// Ownership: `Bytes` borrows; a callee reads it before returning and never keeps it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace meshchain::base {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using Buffer = std::vector<std::byte>;

inline Bytes as_bytes(std::string_view text) {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Buffer to_buffer(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// Unsigned byte order, shorter first among equal prefixes: the order of kv keys.
bool less(Bytes a, Bytes b);
bool equal(Bytes a, Bytes b);

/// Lower-case hexadecimal.
std::string to_hex(Bytes bytes);
/// Errors: malformed (odd length or a character that is not a hexadecimal digit, with its offset).
std::expected<Buffer, Error> from_hex(std::string_view text);

}  // namespace meshchain::base
