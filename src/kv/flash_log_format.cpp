#include "kv/flash_log_format.h"

#include "base/assert.h"
#include "base/cursor.h"
#include "kv/checksum.h"

namespace meshchain::kv::flash {
namespace {

constexpr std::uint32_t magic = 0x4d43'666c;  // "MCfl"
constexpr std::uint8_t version = 1;
constexpr std::size_t checksum_bytes = 4;
constexpr std::size_t prefix_key_bytes = 6;
constexpr std::size_t page_payload_bytes = page_bytes - checksum_bytes;

void finish_page(base::FixedWriter& out, std::uint32_t count, std::uint32_t seal,
                 base::MutableBytes bytes) {
    while (out.size() < page_payload_bytes - 2) out.u8(0);
    out.u16(static_cast<std::uint16_t>(count));
    out.u32(crc32c(bytes.first(page_payload_bytes), seal));
}

/// The number of entries; nothing when the checksum fails.
std::optional<std::uint32_t> check_page(base::Bytes bytes, std::uint32_t seal) {
    base::Reader end(bytes.subspan(page_payload_bytes - 2));
    const std::uint32_t count = end.u16();
    if (end.u32() != crc32c(bytes.first(page_payload_bytes), seal)) return std::nullopt;
    return count;
}

}  // namespace

std::uint32_t seal_of(std::uint32_t epoch, Location location) {
    std::array<std::byte, 8> bytes;
    base::FixedWriter(bytes).u32(epoch).u32(location);
    return crc32c(bytes);
}

HeaderBytes encode(const SegmentHeader& header) {
    HeaderBytes bytes;
    base::FixedWriter out(bytes);
    out.u32(magic).u8(version).u8(static_cast<std::uint8_t>(header.kind)).u16(0);
    out.u32(header.segment_bytes).u32(header.index).u32(header.erases).u32(header.epoch);
    out.u32(header.previous).u32(header.previous_epoch).u32(header.previous_end);
    out.u32(header.checkpoint[0]).u32(header.checkpoint[1]);
    out.u32(crc32c(out.written()));
    return bytes;
}

std::optional<SegmentHeader> parse_segment_header(base::Bytes bytes) {
    base::Reader in(bytes.first(segment_header_bytes));
    if (in.u32() != magic || in.u8() != version) return std::nullopt;
    SegmentHeader header;
    header.kind = static_cast<SegmentKind>(in.u8());
    if (in.u16() != 0) return std::nullopt;
    header.segment_bytes = in.u32();
    header.index = in.u32();
    header.erases = in.u32();
    header.epoch = in.u32();
    header.previous = in.u32();
    header.previous_epoch = in.u32();
    header.previous_end = in.u32();
    header.checkpoint = {in.u32(), in.u32()};
    if (in.u32() != crc32c(bytes.first(segment_header_bytes - checksum_bytes))) return std::nullopt;
    if (header.kind < SegmentKind::log || header.kind > SegmentKind::far) return std::nullopt;
    return header;
}

HeadBytes encode(const RecordHead& head, base::Bytes key, std::uint32_t seal) {
    MESH_ASSERT(key.size() == head.key_bytes && head.value_bytes >> 24 == 0);
    HeadBytes bytes;
    base::FixedWriter out(base::MutableBytes(bytes).subspan(checksum_bytes));
    out.u32(head.value_checksum).u8(static_cast<std::uint8_t>(head.kind)).u8(head.table);
    out.u8(head.key_bytes).u8(static_cast<std::uint8_t>(head.value_bytes >> 16));
    out.u16(static_cast<std::uint16_t>(head.value_bytes));
    base::FixedWriter(base::MutableBytes(bytes)).u32(crc32c(key, crc32c(out.written(), seal)));
    return bytes;
}

std::optional<RecordHead> parse_record_head(base::Bytes bytes, std::uint32_t seal) {
    base::Reader in(bytes);
    const std::uint32_t checksum = in.u32();
    RecordHead head;
    head.value_checksum = in.u32();
    const std::uint8_t kind = in.u8();
    head.table = in.u8();
    head.key_bytes = in.u8();
    head.value_bytes = std::uint32_t{in.u8()} << 16;
    head.value_bytes |= in.u16();
    if (!in.ok() || kind < 1 || kind > 5 || head.key_bytes > key_bytes_max) return std::nullopt;
    head.kind = static_cast<RecordKind>(kind);
    const bool has_key = head.kind == RecordKind::put || head.kind == RecordKind::erase;
    if (has_key && head.key_bytes == 0) return std::nullopt;
    if (bytes.size() < record_head_bytes + std::size_t{head.key_bytes}) return std::nullopt;
    const base::Bytes sealed = bytes.subspan(
        checksum_bytes, record_head_bytes - checksum_bytes + std::size_t{head.key_bytes});
    if (crc32c(sealed, seal) != checksum) return std::nullopt;
    return head;
}

std::array<std::byte, commit_value_bytes> encode(const CommitValue& value) {
    std::array<std::byte, commit_value_bytes> bytes;
    base::FixedWriter(bytes).u64(value.sequence).u32(value.records);
    return bytes;
}

std::optional<CommitValue> parse_commit_value(base::Bytes bytes) {
    base::Reader in(bytes);
    CommitValue value;
    value.sequence = in.u64();
    value.records = in.u32();
    if (!in.finish("commit record")) return std::nullopt;
    return value;
}

std::array<std::byte, far_place_bytes> encode(const FarPlace& place) {
    std::array<std::byte, far_place_bytes> bytes;
    base::FixedWriter(bytes).u32(place.location).u32(place.epoch);
    return bytes;
}

std::optional<FarPlace> parse_far_place(base::Bytes bytes) {
    base::Reader in(bytes);
    FarPlace place{.location = in.u32()};
    if (in.remaining() > 0) place.epoch = in.u32();
    if (!in.finish("far record")) return std::nullopt;
    return place;
}

std::uint64_t order_of(std::uint8_t table, base::Bytes key) {
    std::uint64_t order = table;
    for (std::size_t i = 0; i < prefix_key_bytes; ++i) {
        order = order << 8 | (i < key.size() ? std::to_integer<std::uint64_t>(key[i]) : 0);
    }
    return order << 8 | (crc32c(key) & 0xff);
}

Entry make_entry(std::uint64_t order, Location location, bool is_erased) {
    return {.high = static_cast<std::uint32_t>(order >> 32),
            .low = static_cast<std::uint32_t>(order),
            .where = location | (is_erased ? Entry::erased_bit : 0)};
}

void encode(const Page& page, std::uint32_t seal, base::MutableBytes bytes) {
    base::FixedWriter out(bytes);
    for (std::uint32_t i = 0; i < page.count; ++i) {
        out.u32(page.entries[i].high).u32(page.entries[i].low).u32(page.entries[i].where);
    }
    finish_page(out, page.count, seal, bytes);
}

bool parse_page(base::Bytes bytes, std::uint32_t seal, Page& page) {
    const auto count = check_page(bytes, seal);
    if (!count || *count == 0 || *count > page_entries_max) return false;
    page.count = *count;
    base::Reader in(bytes);
    for (std::uint32_t i = 0; i < page.count; ++i) {
        page.entries[i] = {.high = in.u32(), .low = in.u32(), .where = in.u32()};
    }
    return true;
}

void encode(const FencePage& page, std::uint32_t seal, base::MutableBytes bytes) {
    base::FixedWriter out(bytes);
    for (std::uint32_t i = 0; i < page.count; ++i) out.u64(page.fences[i]);
    finish_page(out, page.count, seal, bytes);
}

bool parse_fence_page(base::Bytes bytes, std::uint32_t seal, FencePage& page) {
    const auto count = check_page(bytes, seal);
    if (!count || *count > page_fences_max) return false;
    page.count = *count;
    base::Reader in(bytes);
    for (std::uint32_t i = 0; i < page.count; ++i) page.fences[i] = in.u64();
    return true;
}

}  // namespace meshchain::kv::flash
