#include "kv/checksum.h"

#include <array>

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

}  // namespace

std::uint32_t crc32c(base::Bytes bytes, std::uint32_t checksum) {
    std::uint32_t crc = ~checksum;
    for (; bytes.size() >= slices; bytes = bytes.subspan(slices)) crc = step_8(crc, bytes);
    for (const std::byte byte : bytes) crc = step(crc, byte);
    return ~crc;
}

std::uint32_t entry_checksum(Table table, base::Bytes key, base::Bytes value) {
    const std::array head{static_cast<std::byte>(table), static_cast<std::byte>(key.size())};
    return crc32c(value, crc32c(key, crc32c(head)));
}

}  // namespace meshchain::kv
