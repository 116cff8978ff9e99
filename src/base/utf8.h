#pragma once
// Text from strangers: is it UTF-8 (RFC 3629), and may it be shown to a person as it is?

#include <string_view>

#include "base/bytes.h"

namespace meshchain::base {

/// No overlong form, no surrogate, nothing above U+10FFFF, nothing cut short.
bool is_utf8(Bytes text);

/// UTF-8 that cannot move a cursor, start a line, or turn the direction of what stands around it:
/// no control characters (C0, DEL, C1), no line or paragraph separators, no bidirectional controls.
bool is_displayable(std::string_view text);

/// The longest prefix of at most `bytes_max` bytes that cuts no character in two.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max);

}  // namespace meshchain::base
