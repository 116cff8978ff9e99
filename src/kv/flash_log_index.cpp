#include "kv/flash_log_index.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::kv::flash {
namespace {

/// Whether the entry is that of the key; nothing if not.
std::expected<std::optional<Found>, base::Error> probe(Reading reading, const Entry& entry,
                                                       const Wanted& wanted) {
    if (entry.hash() != wanted.hash()) return std::nullopt;
    MESH_TRY(const auto record, reading.records.read(entry.location()));
    if (!record) return Found{.entry = entry, .head = {}, .is_damaged = true};
    if (record->head.table != wanted.table || !base::equal(record->key.view(), wanted.key)) {
        return std::nullopt;
    }
    return Found{.entry = entry, .head = record->head};
}

std::expected<std::optional<Found>, base::Error> find_in(Reading reading, const Run& run,
                                                         const Wanted& wanted) {
    MESH_TRY(std::uint32_t index, reading.pages.lower_bound(run, wanted.prefix()));
    for (; index < run.entries; ++index) {
        const std::uint32_t number = index / page_entries_max;
        if (run.begins_above(number, wanted.prefix())) break;
        MESH_TRY(const Page* page, reading.pages.get(run, number));
        const Entry entry = page->entries[index % page_entries_max];
        if (entry.prefix() != wanted.prefix()) break;
        if (run.is_stale(entry, reading.segments, reading.geometry())) continue;
        MESH_TRY(const auto found, probe(reading, entry, wanted));
        if (found) return found;
    }
    return std::nullopt;
}

std::expected<std::optional<Found>, base::Error> find_in_runs(Reading reading, const Levels& levels,
                                                              const Wanted& wanted) {
    for (const Run* run : {levels.middle.get(), levels.lower.get(), levels.base.get()}) {
        if (run == nullptr) continue;
        MESH_TRY(auto found, find_in(reading, *run, wanted));
        if (!found) continue;
        found->is_below = run != levels.middle.get();
        return found;
    }
    return std::nullopt;
}

auto group_of(const std::vector<Entry>& memory, std::uint64_t prefix) {
    return std::ranges::equal_range(memory, prefix, {}, &Entry::prefix);
}

}  // namespace

std::vector<const Run*> Levels::runs() const {
    std::vector<const Run*> runs;
    for (const auto& run : {middle, lower, base}) {
        if (run) runs.push_back(run.get());
    }
    return runs;
}

std::expected<bool, base::Error> is_above(Reading reading, const Levels& levels,
                                          const Wanted& wanted) {
    for (const Entry& entry : group_of(levels.memory, wanted.prefix())) {
        MESH_TRY(const auto found, probe(reading, entry, wanted));
        if (found) return true;
    }
    if (!levels.middle) return false;
    MESH_TRY(const auto found, find_in(reading, *levels.middle, wanted));
    return found.has_value();
}

std::expected<std::optional<Found>, base::Error> find(Reading reading, const Levels& levels,
                                                      const Wanted& wanted) {
    for (const Entry& entry : group_of(levels.memory, wanted.prefix())) {
        MESH_TRY(const auto found, probe(reading, entry, wanted));
        if (found) return found;
    }
    return find_in_runs(reading, levels, wanted);
}

std::expected<Place, base::Error> locate(Reading reading, const Levels& levels,
                                         const Wanted& wanted) {
    const auto group = group_of(levels.memory, wanted.prefix());
    Place place;
    place.position = static_cast<std::size_t>(group.begin() - levels.memory.begin());
    for (const Entry& entry : group) {
        MESH_TRY(place.found, probe(reading, entry, wanted));
        if (place.found) {
            // A damaged one may be another key's: it stays, behind what is newer.
            place.replaces = !place.found->is_damaged;
            return place;
        }
        MESH_TRY(const auto record, reading.records.read(entry.location()));
        if (record && base::less(wanted.key, record->key.view())) break;
        ++place.position;
    }
    MESH_TRY(place.found, find_in_runs(reading, levels, wanted));
    return place;
}

MergedCursor::MergedCursor(Reading reading, std::span<const Entry> memory,
                           std::span<const Run* const> runs)
    : reading_(reading) {
    MESH_ASSERT(runs.size() < levels_.size());
    levels_[count_++].memory = memory;
    for (const Run* run : runs) levels_[count_++].run = run;
}

MergedCursor::Result MergedCursor::load(Level& level) {
    level.key_is_read = false;
    const auto index = static_cast<std::uint32_t>(level.index);
    if (level.run == nullptr) {
        level.entry = level.memory[index];
        return {};
    }
    const std::uint32_t number = index / page_entries_max;
    if (level.page_number != number) {
        level.page_number = none;
        MESH_CHECK(reading_.pages.load(*level.run, number, level.page));
        level.page_number = number;
    }
    level.entry = level.page.entries[index % page_entries_max];
    return {};
}

bool MergedCursor::is_stale(const Level& level) const {
    return level.run != nullptr &&
           level.run->is_stale(level.entry, reading_.segments, reading_.geometry());
}

MergedCursor::Result MergedCursor::settle(Level& level) {
    for (; is_valid(level); level.index += reverse_ ? -1 : 1) {
        MESH_CHECK(load(level));
        if (!is_stale(level)) return {};
    }
    return {};
}

MergedCursor::Result MergedCursor::advance(Level& level) {
    level.index += reverse_ ? -1 : 1;
    return settle(level);
}

MergedCursor::Result MergedCursor::read_key(Level& level) {
    if (level.key_is_read) return {};
    MESH_TRY(const auto record, reading_.records.read(level.entry.location()));
    level.key.reset();
    if (record) level.key = record->key;
    level.key_is_read = true;
    return {};
}

std::expected<std::int64_t, base::Error> MergedCursor::first_of(Level& level,
                                                                std::uint64_t prefix) {
    if (level.run != nullptr) {
        MESH_TRY(const std::uint32_t index, reading_.pages.lower_bound(*level.run, prefix));
        return index;
    }
    const auto found = std::ranges::lower_bound(level.memory, prefix, {}, &Entry::prefix);
    return found - level.memory.begin();
}

/// To the first entry that is not below, or just before it. A damaged one is on the side that is
/// going to be visited.
MergedCursor::Result MergedCursor::place(Level& level, const Wanted& wanted, bool below) {
    reverse_ = false;
    MESH_TRY(level.index, first_of(level, wanted.prefix()));
    MESH_CHECK(settle(level));
    while (is_valid(level) && level.entry.prefix() == wanted.prefix()) {
        MESH_CHECK(read_key(level));
        const bool is_less = level.key ? base::less(level.key->view(), wanted.key) : below;
        if (!is_less) break;
        MESH_CHECK(advance(level));
    }
    if (!below) return {};
    reverse_ = true;
    return advance(level);
}

MergedCursor::Result MergedCursor::seek_first() {
    reverse_ = false;
    for (std::size_t i = 0; i < count_; ++i) {
        levels_[i].index = 0;
        MESH_CHECK(settle(levels_[i]));
    }
    return {};
}

MergedCursor::Result MergedCursor::seek(const Wanted& wanted) {
    for (std::size_t i = 0; i < count_; ++i) MESH_CHECK(place(levels_[i], wanted, false));
    reverse_ = false;
    return {};
}

MergedCursor::Result MergedCursor::seek_below(const Wanted& wanted) {
    for (std::size_t i = 0; i < count_; ++i) MESH_CHECK(place(levels_[i], wanted, true));
    reverse_ = true;
    return {};
}

MergedCursor::Result MergedCursor::seek_last(std::uint8_t table) {
    reverse_ = true;
    const std::uint64_t after = (std::uint64_t{table} + 1) << 48;
    for (std::size_t i = 0; i < count_; ++i) {
        MESH_TRY(levels_[i].index, first_of(levels_[i], after));
        MESH_CHECK(advance(levels_[i]));
    }
    return {};
}

/// A key that cannot be read equals none: both entries stay, the newer in front.
std::expected<int, base::Error> MergedCursor::compare(Level& a, Level& b) {
    const std::uint64_t left = a.entry.prefix();
    const std::uint64_t right = b.entry.prefix();
    if (left != right) return left < right ? -1 : 1;
    MESH_CHECK(read_key(a));
    MESH_CHECK(read_key(b));
    if (!a.key || !b.key) return &a < &b ? -1 : 1;
    if (base::less(a.key->view(), b.key->view())) return -1;
    return base::equal(a.key->view(), b.key->view()) ? 0 : 1;
}

std::expected<std::optional<Entry>, base::Error> MergedCursor::next() {
    Level* best = nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
        Level& level = levels_[i];
        // A merge opens segments while it goes on: what was sound at the last step may be stale.
        if (is_valid(level) && is_stale(level)) MESH_CHECK(advance(level));
        if (!is_valid(level)) continue;
        if (best == nullptr) {
            best = &level;
            continue;
        }
        MESH_TRY(const int order, compare(level, *best));
        if (reverse_ ? order > 0 : order < 0) best = &level;
    }
    if (best == nullptr) return std::nullopt;
    const Entry entry = best->entry;
    for (std::size_t i = 0; i < count_; ++i) {
        Level& level = levels_[i];
        if (&level == best || !is_valid(level)) continue;
        MESH_TRY(const int order, compare(level, *best));
        if (order == 0) MESH_CHECK(advance(level));
    }
    MESH_CHECK(advance(*best));
    return entry;
}

}  // namespace meshchain::kv::flash
