#include "kv/flash_log_engine.h"

#include <algorithm>
#include <numeric>

#include "base/assert.h"
#include "kv/checksum.h"

namespace meshchain::kv::flash {

Engine::~Engine() = default;

Engine::Engine(base::Region& region, Geometry geometry, const FlashLogOptions& options)
    : medium_(region, geometry),
      options_(options),
      segments_(medium_),
      records_(medium_, segments_),
      pages_(medium_, segments_, options.cached_pages),
      log_(medium_, segments_, options.buffer_bytes, options.far_bytes),
      places_(options.cached_places) {
    levels_.memory.reserve(options.memory_entries);
}

std::expected<void, base::Error> Engine::format(base::Region& region, std::uint32_t segment_bytes) {
    MESH_TRY(const Geometry geometry, make_geometry(region, segment_bytes));
    Engine engine(region, geometry, FlashLogOptions::device());
    return engine.checkpoint();
}

std::unexpected<base::Error> Engine::damaged(std::uint8_t table, base::Bytes key) {
    ++figures_.damage_found;
    return base::failure(base::Errc::corrupt,
                         "the record of key " + base::to_hex(key) + " in table " +
                             std::to_string(table) + " is damaged",
                         "kv flash log", "fetch it again from peers");
}

std::expected<bool, base::Error> Engine::get(const Levels& levels, std::uint8_t table,
                                             base::Bytes key, base::Buffer& value) {
    const Wanted wanted(table, key);
    const bool is_newest = &levels == &levels_;
    if (is_newest) {
        if (const auto place = places_.get(wanted.order)) {
            MESH_TRY(const auto record, records_.read(*place));
            if (record && record->head.table == table && base::equal(record->key.view(), key)) {
                MESH_TRY(const bool is_sound, records_.read_value(*place, record->head, value));
                if (!is_sound) return damaged(table, key);
                return true;
            }
        }
    }
    MESH_TRY(const auto found, find(reading(), levels, wanted));
    if (found && found->is_damaged) return damaged(table, key);
    if (!found || found->entry.is_erased()) return false;
    const Location location = found->entry.location();
    MESH_TRY(const bool is_sound, records_.read_value(location, found->head, value));
    if (!is_sound) return damaged(table, key);
    if (is_newest) places_.put(wanted.order, location);
    return true;
}

std::expected<std::size_t, base::Error> Engine::scan(const Levels& levels, const Range& range,
                                                     Visitor visit) {
    if (!range.to.empty() && !base::less(range.from, range.to)) return 0;
    const auto table = static_cast<std::uint8_t>(range.table);
    MergedCursor cursor(reading(), levels.memory, levels.runs());
    if (!range.reverse) {
        MESH_CHECK(cursor.seek(Wanted(table, range.from)));
    } else if (range.to.empty()) {
        MESH_CHECK(cursor.seek_last(table));
    } else {
        MESH_CHECK(cursor.seek_below(Wanted(table, range.to)));
    }
    base::Buffer value;
    std::size_t visited = 0;
    while (visited < range.limit) {
        MESH_TRY(const auto entry, cursor.next());
        if (!entry || entry->high >> 24 != table) break;
        MESH_TRY(const auto record, records_.read(entry->location()));
        if (!record) return damaged(table, {});
        if (entry->is_erased()) continue;
        const base::Bytes key = record->key.view();
        if (range.reverse ? base::less(key, range.from)
                          : !range.to.empty() && !base::less(key, range.to)) {
            break;
        }
        MESH_TRY(const bool is_sound, records_.read_value(entry->location(), record->head, value));
        if (!is_sound) return damaged(table, key);
        ++visited;
        if (!visit(key, value)) break;
    }
    return visited;
}

std::expected<void, base::Error> Engine::verify() {
    MergedCursor cursor(reading(), levels_.memory, levels_.runs());
    MESH_CHECK(cursor.seek_first());
    TableCounts counts{};
    std::vector<std::uint32_t> live(segments_.size());
    std::array<std::byte, page_bytes> piece;
    for (;;) {
        MESH_TRY(const auto entry, cursor.next());
        if (!entry) break;
        const auto table = static_cast<std::uint8_t>(entry->high >> 24);
        MESH_TRY(const auto record, records_.read(entry->location()));
        if (!record || table > schema_table) return damaged(table, {});
        MESH_TRY(const bool is_sound, records_.check_value(entry->location(), record->head, piece));
        if (!is_sound) return damaged(table, record->key.view());
        live[medium_.geometry().segment_of(entry->location())] +=
            record_bytes(record->head) / grain_bytes;
        if (!entry->is_erased()) ++counts[table];
    }
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
        if (live[i] <= segments_[i].live && counts == counts_) continue;
        return base::failure(base::Errc::corrupt, "the account of live records is wrong",
                             "kv flash log", "fetch the state again from peers");
    }
    return {};
}

bool Engine::is_fresh(const Place& place) {
    return place.replaces ? place.found->entry.is_fresh() : !place.found;
}

/// What becomes of a key; nothing when that is nothing.
std::expected<std::optional<Engine::Change>, base::Error> Engine::plan(std::uint8_t table,
                                                                       base::Bytes key,
                                                                       bool is_put) {
    const Wanted wanted(table, key);
    MESH_TRY(const Place place, locate(reading(), levels_, wanted));
    const bool is_there =
        place.found && (place.found->is_damaged || !place.found->entry.is_erased());
    if (!is_put && !is_there) return std::nullopt;
    Change change{.order = wanted.order,
                  .position = static_cast<std::uint32_t>(place.position),
                  .replaces = place.replaces,
                  .is_fresh = is_fresh(place),
                  .is_put = is_put,
                  .table = table};
    if (place.found) {
        change.had_value = !place.found->is_damaged && !place.found->entry.is_erased();
        change.old_location = place.found->entry.location();
        change.old_bytes = place.found->bytes();
        change.was_dropped = was_dropped(place, wanted);
    }
    return change;
}

/// In the order of keys, each once, with the last that the batch says about it.
std::expected<void, base::Error> Engine::plan(const Batch& batch) {
    changes_.clear();
    std::vector<std::uint32_t> order(batch.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto compare = [&](std::uint32_t a, std::uint32_t b) {
        const auto left = batch.operation(a);
        const auto right = batch.operation(b);
        if (left.table != right.table) return left.table < right.table ? -1 : 1;
        if (base::less(left.key, right.key)) return -1;
        return base::equal(left.key, right.key) ? 0 : 1;
    };
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
        const int result = compare(a, b);
        return result != 0 ? result < 0 : a < b;
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i + 1 < order.size() && compare(order[i], order[i + 1]) == 0) continue;
        const auto operation = batch.operation(order[i]);
        MESH_TRY(auto change,
                 plan(static_cast<std::uint8_t>(operation.table), operation.key, operation.is_put));
        if (!change) continue;
        change->source = order[i];
        add(*change);
    }
    return {};
}

/// Where an entry cannot be read, keys that may be its own do not find the same place: none goes
/// before the one that it follows.
void Engine::add(Change change) {
    if (!changes_.empty() && !change.replaces) {
        const Change& last = changes_.back();
        change.position = std::max(change.position, last.position + last.replaces);
    }
    changes_.push_back(change);
}

std::expected<void, base::Error> Engine::write(const Batch& batch) {
    for (Change& change : changes_) {
        const auto operation = batch.operation(change.source);
        const RecordHead head{.kind = change.is_put ? RecordKind::put : RecordKind::erase,
                              .table = change.table,
                              .key_bytes = static_cast<std::uint8_t>(operation.key.size()),
                              .value_bytes = static_cast<std::uint32_t>(operation.value.size()),
                              .value_checksum = crc32c(operation.value)};
        MESH_TRY(change.location, log_.append(head, operation.key, operation.value));
        change.bytes = record_bytes(head);
    }
    return log_.commit();
}

std::expected<void, base::Error> Engine::commit(const Batch& batch) {
    MESH_CHECK(make_room(batch));
    MESH_CHECK(plan(batch));
    if (changes_.empty()) return {};
    MESH_CHECK(write(batch));
    const std::size_t count = changes_.size();
    apply();
    merge_a_little(count);
    if (!batch.may_use_reserve() && batch.put_bytes() >= full_put_bytes_) full_segments_ = 0;
    figures_.user_bytes += batch.bytes();
    return {};
}

void Engine::account(const Change& change) {
    if (change.old_bytes > 0) segments_.remove_live(change.old_location, change.old_bytes);
    if (change.was_dropped) {
        base_merge_->keep(medium_.geometry().segment_of(change.old_location),
                          change.old_bytes / grain_bytes);
    }
    if (!change.vanishes()) segments_.add_live(change.location, change.bytes);
    std::uint32_t& count = counts_[std::min<std::size_t>(change.table, schema_table)];
    if (change.had_value && count > 0) --count;
    if (change.is_put) ++count;
    if (change.is_put) {
        places_.put(change.order, change.location);
    } else {
        places_.erase(change.order);
    }
}

/// One pass from the back, as positions are those before the first change.
void Engine::apply() {
    std::vector<Entry>& memory = levels_.memory;
    auto read = static_cast<std::ptrdiff_t>(memory.size());
    const auto added = std::ranges::count(changes_, false, &Change::replaces);
    memory.resize(memory.size() + static_cast<std::size_t>(added));
    auto write = static_cast<std::ptrdiff_t>(memory.size());
    for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
        const auto first = static_cast<std::ptrdiff_t>(change->position) + change->replaces;
        std::move_backward(memory.begin() + first, memory.begin() + read, memory.begin() + write);
        write -= read - first;
        read = change->position;
        if (!change->vanishes()) {
            Entry& entry = memory[static_cast<std::size_t>(--write)];
            entry = make_entry(change->order, change->location, !change->is_put);
            if (change->is_fresh) entry.where |= Entry::fresh_bit;
        }
        account(*change);
    }
    memory.erase(memory.begin() + read, memory.begin() + write);
    changes_.clear();
}

FlashLogFigures Engine::figures() const {
    FlashLogFigures figures = figures_;
    const Segments::Wear wear = segments_.wear();
    figures.programmed_bytes = medium_.counters().programmed_bytes;
    figures.page_reads = medium_.counters().reads;
    figures.syncs = medium_.counters().syncs;
    figures.live_bytes = segments_.live_bytes();
    figures.region_bytes =
        std::uint64_t{medium_.geometry().segment_bytes} * medium_.geometry().segments;
    figures.segments = segments_.size();
    figures.segments_free = segments_.openable();
    figures.erases_least = wear.least;
    figures.erases_most = wear.most;
    figures.erases = wear.sum;
    return figures;
}

}  // namespace meshchain::kv::flash
