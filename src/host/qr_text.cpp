#include "host/qr_text.h"

#include <qrencode.h>

#include <cerrno>
#include <memory>

namespace meshchain::host {
namespace {

/// The standard asks for four; two are read by every reader tried, and fit small terminals.
constexpr int quiet_zone = 2;

struct FreeCode {
    void operator()(QRcode* code) const { QRcode_free(code); }
};
using Code = std::unique_ptr<QRcode, FreeCode>;

bool is_light(const QRcode& code, int row, int column) {
    if (row < 0 || column < 0 || row >= code.width || column >= code.width) return true;
    return (code.data[row * code.width + column] & 1) == 0;
}

std::string half_blocks(const QRcode& code) {
    std::string text;
    for (int row = -quiet_zone; row < code.width + quiet_zone; row += 2) {
        for (int column = -quiet_zone; column < code.width + quiet_zone; ++column) {
            const bool upper = is_light(code, row, column);
            const bool lower = is_light(code, row + 1, column);
            text += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
        }
        text += '\n';
    }
    return text;
}

std::string ascii(const QRcode& code) {
    std::string text;
    for (int row = -quiet_zone; row < code.width + quiet_zone; ++row) {
        for (int column = -quiet_zone; column < code.width + quiet_zone; ++column) {
            text += is_light(code, row, column) ? "##" : "  ";
        }
        text += '\n';
    }
    return text;
}

}  // namespace

std::expected<std::string, base::Error> qr_text(std::string_view content, QrStyle style) {
    const Code code(QRcode_encodeData(static_cast<int>(content.size()),
                                      reinterpret_cast<const unsigned char*>(content.data()), 0,
                                      QR_ECLEVEL_M));
    if (!code) {
        return base::failure(base::Errc::too_large,
                             std::to_string(content.size()) + " bytes do not fit a QR code", "QR",
                             "shorten the note");
    }
    return style == QrStyle::ascii ? ascii(*code) : half_blocks(*code);
}

}  // namespace meshchain::host
