#include "kv/checksum.h"

#include <array>
#include <cstring>

namespace meshchain::kv {
namespace {

constexpr std::uint32_t polynomial_reversed = 0x82f63b78;
/// Eight bytes a step: table s advances a byte that is followed by s more ("slicing by 8",
/// Kounavis and Berry, 2005).
constexpr std::size_t slices = 8;
using SliceTables = std::array<std::array<std::uint32_t, 256>, slices>;

constexpr SliceTables make_tables() {
    SliceTables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * polynomial_reversed);
        tables[0][byte] = crc;
    }
    for (std::size_t slice = 1; slice < slices; ++slice) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xff];
        }
    }
    return tables;
}

constexpr SliceTables tables = make_tables();

std::uint32_t step(std::uint32_t crc, std::byte byte) {
    return (crc >> 8) ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
}

std::uint32_t step_8(std::uint32_t crc, base::Bytes bytes) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < slices; ++i) {
        std::uint32_t byte = std::to_integer<std::uint32_t>(bytes[i]);
        if (i < 4) byte ^= (crc >> (8 * i)) & 0xff;
        next ^= tables[slices - 1 - i][byte];
    }
    return next;
}

std::uint32_t by_tables(std::uint32_t crc, base::Bytes bytes) {
    for (; bytes.size() >= slices; bytes = bytes.subspan(slices)) crc = step_8(crc, bytes);
    for (const std::byte byte : bytes) crc = step(crc, byte);
    return crc;
}

#if defined(__x86_64__)
/// The processor's own instruction, ten times as quick.
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc,
                                                               base::Bytes bytes) {
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
        std::uint64_t eight;
        std::memcpy(&eight, bytes.data(), sizeof eight);
        crc = static_cast<std::uint32_t>(__builtin_ia32_crc32di(crc, eight));
    }
    for (const std::byte byte : bytes) {
        crc = __builtin_ia32_crc32qi(crc, std::to_integer<std::uint8_t>(byte));
    }
    return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(base::Bytes bytes, std::uint32_t checksum) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~by_instruction(~checksum, bytes);
#endif
    return ~by_tables(~checksum, bytes);
}

std::uint32_t crc32c_by_tables(base::Bytes bytes, std::uint32_t checksum) {
    return ~by_tables(~checksum, bytes);
}

std::uint32_t entry_checksum(Table table, base::Bytes key, base::Bytes value) {
    const std::array head{static_cast<std::byte>(table), static_cast<std::byte>(key.size())};
    return crc32c(value, crc32c(key, crc32c(head)));
}

}  // namespace meshchain::kv
