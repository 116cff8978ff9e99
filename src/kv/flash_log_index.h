#pragma once
// Where the newest record of every key lies: a sorted array in memory above at most three runs on
// the medium, the small middle one, the lower one, which was the middle one until it was large
// enough to be merged into the base, and the large base one. Newer levels hide what is below.
//
// Keys stay in their records. Entries of equal prefix are told apart by a byte of hash and then by
// reading. A record whose head is damaged may be any key's of that prefix and hash: whoever finds
// none in front of it is told of the damage, and it is neither dropped nor taken for superseded.
//
// Errors: io, corrupt (a page of a run).

#include "kv/flash_log_records.h"
#include "kv/flash_log_run.h"

namespace meshchain::kv::flash {

/// The parts that reading needs, all owned by the engine.
struct Reading {
    Medium& medium;
    Segments& segments;
    Records& records;
    Pages& pages;

    const Geometry& geometry() const { return medium.geometry(); }
};

struct Levels {
    std::vector<Entry> memory;
    std::shared_ptr<const Run> middle;
    std::shared_ptr<const Run> lower;
    std::shared_ptr<const Run> base;

    std::uint64_t entries() const { return above() + below(); }
    /// What the next merge of all begins with, and what it goes into.
    std::uint64_t above() const { return memory.size() + (middle ? middle->entries : 0); }
    std::uint64_t below() const {
        return (lower ? lower->entries : 0) + (base ? base->entries : 0);
    }
    /// The runs that there are, newest first.
    std::vector<const Run*> runs() const;
};

/// A key as it is looked for.
struct Wanted {
    std::uint8_t table;
    base::Bytes key;
    std::uint64_t order;

    Wanted(std::uint8_t of_table, base::Bytes wanted)
        : table(of_table), key(wanted), order(order_of(of_table, wanted)) {}
    std::uint64_t prefix() const { return order >> 8; }
    std::uint8_t hash() const { return static_cast<std::uint8_t>(order); }
};

struct Found {
    Entry entry;
    RecordHead head;
    bool is_damaged = false;  ///< the head does not verify; nothing else in `head` counts
    bool is_below = false;    ///< in the lower run or the base

    std::uint32_t bytes() const { return is_damaged ? 0 : record_bytes(head); }
};

/// Where a key stands in memory, or would.
struct Place {
    std::size_t position = 0;
    bool replaces = false;
    std::optional<Found> found;
};

/// The newest entry of the key, also if that says that it was erased.
std::expected<std::optional<Found>, base::Error> find(Reading reading, const Levels& levels,
                                                      const Wanted& wanted);
/// Whether memory or the middle run has an entry that is the key's, or may be.
std::expected<bool, base::Error> is_above(Reading reading, const Levels& levels,
                                          const Wanted& wanted);
std::expected<Place, base::Error> locate(Reading reading, const Levels& levels,
                                         const Wanted& wanted);

/// Walks the levels as one, each key once, with the newest entry that it has.
class MergedCursor {
public:
    /// Newest level first; `memory` and `runs` outlive the cursor.
    MergedCursor(Reading reading, std::span<const Entry> memory, std::span<const Run* const> runs);

    std::expected<void, base::Error> seek_first();
    /// The first key not below `wanted`.
    std::expected<void, base::Error> seek(const Wanted& wanted);
    /// From now on backwards: the last key below `wanted`, or of `table`.
    std::expected<void, base::Error> seek_below(const Wanted& wanted);
    std::expected<void, base::Error> seek_last(std::uint8_t table);

    /// The next entry, whatever it says; nothing at the end.
    std::expected<std::optional<Entry>, base::Error> next();

private:
    struct Level {
        std::span<const Entry> memory;
        const Run* run = nullptr;
        std::uint32_t page_number = none;
        Page page;
        std::int64_t index = 0;
        Entry entry;
        std::optional<KeyBuffer> key;  ///< nothing: damaged, if it was read
        bool key_is_read = false;

        std::int64_t size() const {
            return run == nullptr ? static_cast<std::int64_t>(memory.size()) : run->entries;
        }
    };
    using Result = std::expected<void, base::Error>;

    Result load(Level& level);
    /// Loads the entry at the index, passing over stale ones.
    Result settle(Level& level);
    Result advance(Level& level);
    bool is_stale(const Level& level) const;
    Result read_key(Level& level);
    bool is_valid(const Level& level) const {
        return level.index >= 0 && level.index < level.size();
    }
    std::expected<std::int64_t, base::Error> first_of(Level& level, std::uint64_t prefix);
    std::expected<int, base::Error> compare(Level& a, Level& b);
    Result place(Level& level, const Wanted& wanted, bool below);

    Reading reading_;
    std::array<Level, 4> levels_;
    std::size_t count_ = 0;
    bool reverse_ = false;
};

}  // namespace meshchain::kv::flash
