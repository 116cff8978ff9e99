#pragma once
// The bytes of the flash log: headers of segments, heads of records, entries and pages of its
// index.
//
// Format: docs/formats/flash-log.md
// Errors: what does not parse is nothing; whoever asked knows what that means.

#include <array>
#include <optional>

#include "base/bytes.h"
#include "kv/limits.h"

namespace meshchain::kv::flash {

inline constexpr std::uint32_t grain_bytes = 8;
inline constexpr std::uint32_t segment_header_bytes = 48;  ///< of one of the two copies
inline constexpr std::uint32_t record_head_bytes = 14;
inline constexpr std::uint32_t commit_value_bytes = 12;
inline constexpr std::uint32_t far_place_bytes = 8;
inline constexpr std::uint32_t page_bytes = 512;
inline constexpr std::uint32_t page_entries_max = 42;
inline constexpr std::uint32_t page_fences_max = 63;
inline constexpr std::uint32_t none = 0xffff'ffff;

/// Where a record or page begins, in grains from the start of the region.
using Location = std::uint32_t;

constexpr std::uint32_t round_up(std::uint32_t value, std::uint32_t unit) {
    return (value + unit - 1) / unit * unit;
}

/// The start value of every checksum in a segment: bytes of another place, or of an earlier life of
/// the same place, never match.
std::uint32_t seal_of(std::uint32_t epoch, Location location);

/// Large values lie apart from the log, so that what lives long is not mixed with what dies young.
enum class SegmentKind : std::uint8_t { log = 1, run = 2, far = 3 };

struct SegmentHeader {
    SegmentKind kind{};
    std::uint32_t segment_bytes = 0;
    std::uint32_t index = 0;
    std::uint32_t erases = 0;
    std::uint32_t epoch = 0;  ///< rises with every segment that is opened
    std::uint32_t previous = none;
    std::uint32_t previous_epoch = 0;
    std::uint32_t previous_end = 0;  ///< where the log left the previous segment
    std::array<Location, 2> checkpoint{};
};

using HeaderBytes = std::array<std::byte, segment_header_bytes>;
HeaderBytes encode(const SegmentHeader& header);
std::optional<SegmentHeader> parse_segment_header(base::Bytes bytes);

/// `far` names the location of a put in a far segment.
enum class RecordKind : std::uint8_t { put = 1, erase = 2, commit = 3, checkpoint = 4, far = 5 };

struct RecordHead {
    RecordKind kind{};
    std::uint8_t table = 0;
    std::uint8_t key_bytes = 0;
    std::uint32_t value_bytes = 0;  ///< below 2^24
    std::uint32_t value_checksum = 0;
    friend bool operator==(const RecordHead&, const RecordHead&) = default;
};

constexpr std::uint32_t record_bytes(std::size_t key_bytes, std::size_t value_bytes) {
    return round_up(record_head_bytes + static_cast<std::uint32_t>(key_bytes + value_bytes),
                    grain_bytes);
}
constexpr std::uint32_t record_bytes(const RecordHead& head) {
    return record_bytes(head.key_bytes, head.value_bytes);
}
inline constexpr std::uint32_t commit_bytes = record_bytes(0, commit_value_bytes);

using HeadBytes = std::array<std::byte, record_head_bytes>;
HeadBytes encode(const RecordHead& head, base::Bytes key, std::uint32_t seal);
/// `bytes` begin with the head and may end before the key does: then it is nothing.
std::optional<RecordHead> parse_record_head(base::Bytes bytes, std::uint32_t seal);

struct CommitValue {
    std::uint64_t sequence = 0;
    std::uint32_t records = 0;  ///< of the batch, without this one
};
std::array<std::byte, commit_value_bytes> encode(const CommitValue& value);
std::optional<CommitValue> parse_commit_value(base::Bytes bytes);

/// The epoch is that of the segment there: a life before it may have left a record at the very
/// place, where an erase was torn.
struct FarPlace {
    Location location = 0;
    std::uint32_t epoch = 0;  ///< 0: written by a program that did not say
};
std::array<std::byte, far_place_bytes> encode(const FarPlace& place);
std::optional<FarPlace> parse_far_place(base::Bytes bytes);

/// One key of the index: its table and first six bytes, one byte of its hash, and where its record
/// lies. Order among equal prefixes is by the whole key, which the record has.
struct Entry {
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    std::uint32_t where = 0;

    static constexpr std::uint32_t erased_bit = 0x8000'0000;
    /// In memory alone: no run knows the key, so that erasing it leaves nothing to remember.
    static constexpr std::uint32_t fresh_bit = 0x4000'0000;
    static constexpr std::uint32_t locations = fresh_bit;

    std::uint64_t order() const { return std::uint64_t{high} << 32 | low; }
    std::uint64_t prefix() const { return order() >> 8; }
    std::uint8_t hash() const { return static_cast<std::uint8_t>(low); }
    Location location() const { return where & (locations - 1); }
    bool is_erased() const { return (where & erased_bit) != 0; }
    bool is_fresh() const { return (where & fresh_bit) != 0; }
    friend bool operator==(const Entry&, const Entry&) = default;
};

std::uint64_t order_of(std::uint8_t table, base::Bytes key);
Entry make_entry(std::uint64_t order, Location location, bool is_erased);

/// A page of an index run, decoded.
struct Page {
    std::uint32_t count = 0;
    std::array<Entry, page_entries_max> entries;
};
using PageBytes = std::array<std::byte, page_bytes>;
void encode(const Page& page, std::uint32_t seal, base::MutableBytes out);
bool parse_page(base::Bytes bytes, std::uint32_t seal, Page& page);

struct FencePage {
    std::uint32_t count = 0;
    std::array<std::uint64_t, page_fences_max> fences;
};
void encode(const FencePage& page, std::uint32_t seal, base::MutableBytes out);
bool parse_fence_page(base::Bytes bytes, std::uint32_t seal, FencePage& page);

}  // namespace meshchain::kv::flash
