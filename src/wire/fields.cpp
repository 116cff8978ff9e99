#include "wire/fields.h"

namespace meshchain::wire {

std::expected<void, base::Error> check_version(base::Bytes bytes, std::uint8_t version,
                                               const char* format) {
    if (bytes.empty() || std::to_integer<std::uint8_t>(bytes.front()) == version) return {};
    return base::failure(base::Errc::wrong_version,
                         "version " + std::to_string(std::to_integer<unsigned>(bytes.front())),
                         format, "use a program that knows this version");
}

}  // namespace meshchain::wire
