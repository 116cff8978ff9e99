#pragma once
// A QR code (ISO/IEC 18004) in a terminal, two rows of squares to a line of half-block characters,
// or in plain ASCII where the terminal cannot show them. Light squares are drawn, as terminals are
// mostly dark.
//
// Errors: too_large (more than a code can hold).

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"

namespace meshchain::host {

enum class QrStyle : unsigned char { half_blocks, ascii };

std::expected<std::string, base::Error> qr_text(std::string_view content, QrStyle style);

}  // namespace meshchain::host
