#include "wire/fields.h"

namespace meshchain::wire {

std::expected<void, base::Error> check_version(base::Bytes bytes, std::uint8_t version,
                                               const char* format) {
    if (bytes.empty() || std::to_integer<std::uint8_t>(bytes.front()) == version) return {};
    return base::failure(base::Errc::wrong_version,
                         "version " + std::to_string(std::to_integer<unsigned>(bytes.front())),
                         format, "use a program that knows this version");
}

void write_bitmap(base::Writer& out, std::uint64_t bits) {
    for (; bits != 0; bits >>= 8) out.u8(static_cast<std::uint8_t>(bits));
}

std::uint64_t read_last_bitmap(base::Reader& in) {
    std::uint64_t bits = 0;
    std::uint8_t last = 1;
    for (unsigned shift = 0; in.remaining() > 0 && shift < 64; shift += 8) {
        last = in.u8();
        bits |= std::uint64_t{last} << shift;
    }
    if (last == 0) in.fail();
    return bits;
}

}  // namespace meshchain::wire
