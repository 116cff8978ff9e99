// Merges of the index, and checkpoints, which say what has come of them.
//
// Memory goes into the middle run with every checkpoint. Once that costs more than going on (with b
// entries below and m in memory, when the middle run holds the square root of 2 m b), the middle
// run becomes the lower one, which is merged with the base into a new base: a little after each
// commit, as that takes long, and a new middle run begins above it. A checkpoint then names the new
// base in place of both. What was written of it before a crash is given back, and the merge begins
// anew.

#include <algorithm>

#include "base/assert.h"
#include "kv/checksum.h"
#include "kv/flash_log_engine.h"
#include "kv/flash_log_merge.h"

namespace meshchain::kv::flash {
namespace {

/// How many times faster than it need be a merge is.
constexpr std::uint64_t haste = 4;

std::uint64_t root_of(std::uint64_t square) {
    std::uint64_t root = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 31; bit > 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= square) root |= bit;
    }
    return root;
}

}  // namespace

BaseMerge::BaseMerge(Reading reading, const Levels& levels, base::MutableBytes buffer,
                     const FlashLogOptions& options)
    : lower_(levels.lower),
      base_(levels.base),
      epoch_(reading.segments.last_epoch()),
      pace_(1 + haste * levels.below() /
                    (1 + root_of(2 * std::uint64_t{options.memory_entries} * levels.below()))),
      cursor_(reading, {}, inputs()),
      writer_(reading.medium, reading.segments, buffer, options.fences, levels.below()),
      dropped_(reading.segments.size()) {}

std::vector<const Run*> BaseMerge::inputs() const {
    std::vector<const Run*> runs;
    if (lower_) runs.push_back(lower_.get());
    if (base_) runs.push_back(base_.get());
    return runs;
}

/// Of an erase there is no need, as nothing is left below that has to be hidden; and its record is
/// not needed either, unless something above has taken its place already.
BaseMerge::Result BaseMerge::take(Reading reading, const Levels& levels, const Entry& entry) {
    std::optional<Record> erase;
    if (entry.is_erased()) {
        MESH_TRY(erase, reading.records.read(entry.location()));
    }
    if (!erase) {
        ++written_;
        return writer_.add(entry);
    }
    MESH_TRY(const bool is_superseded,
             is_above(reading, levels, Wanted(erase->head.table, erase->key.view())));
    if (!is_superseded) {
        dropped_[reading.geometry().segment_of(entry.location())] +=
            record_bytes(erase->head) / grain_bytes;
    }
    return {};
}

BaseMerge::Result BaseMerge::go_on(Reading reading, const Levels& levels, std::uint64_t entries) {
    if (!has_begun_) MESH_CHECK(cursor_.seek_first());
    has_begun_ = true;
    for (; !is_done_; entries -= std::min<std::uint64_t>(entries, 1)) {
        MESH_TRY(const auto entry, cursor_.next());
        if (!entry) return finish();
        MESH_CHECK(take(reading, levels, *entry));
        if (entries > 1) continue;
        // It stops behind a key that it knows.
        MESH_TRY(const auto record, reading.records.read(entry->location()));
        if (!record) continue;
        last_ = Last{record->head.table, record->key};
        return writer_.pause();
    }
    return {};
}

BaseMerge::Result BaseMerge::finish() {
    MESH_TRY(Run run, writer_.finish());
    // What was opened since it began holds nothing that it names.
    run.epoch = epoch_;
    if (run.entries > 0) result_ = std::make_shared<const Run>(std::move(run));
    is_done_ = true;
    return {};
}

bool BaseMerge::has_passed(const Wanted& wanted) const {
    if (is_done_ || !last_) return is_done_;
    if (wanted.table != last_->table) return wanted.table < last_->table;
    return !base::less(last_->key.view(), wanted.key);
}

void BaseMerge::keep(std::uint32_t segment, std::uint32_t grains) {
    MESH_ASSERT(dropped_[segment] >= grains);
    dropped_[segment] -= grains;
}

void Engine::merge_a_little(std::size_t changes) {
    if (!levels_.lower || segments_.version() < merge_not_before_) return;
    if (!base_merge_) begin_base_merge();
    if (base_merge_->is_done()) return;
    const std::uint64_t entries =
        std::max<std::uint64_t>(base_merge_->pace() * changes, page_entries_max);
    // The commit is done, whatever becomes of this: it is tried again later.
    if (!base_merge_->go_on(reading(), levels_, entries)) abandon_base_merge();
}

void Engine::begin_base_merge() {
    base_merge_ = std::make_unique<BaseMerge>(reading(), levels_, log_.idle_buffer(), options_);
}

Engine::Result Engine::end_base_merge() {
    if (!base_merge_) begin_base_merge();
    auto done = base_merge_->go_on(reading(), levels_, std::uint64_t{1} << 62);
    if (!done) abandon_base_merge();
    return done;
}

void Engine::abandon_base_merge() {
    if (base_merge_->result()) release_run(*base_merge_->result(), 0);
    base_merge_->abandon();
    base_merge_.reset();
    merge_not_before_ = segments_.version() + 1;
}

bool Engine::was_dropped(const Place& place, const Wanted& wanted) const {
    return base_merge_ && place.found && place.found->is_below && !place.found->is_damaged &&
           place.found->entry.is_erased() && base_merge_->has_passed(wanted);
}

struct Engine::Merge {
    std::shared_ptr<const Run> middle;
    std::shared_ptr<const Run> lower;
    std::shared_ptr<const Run> base;
    std::shared_ptr<const Run> fresh;  ///< of these, the one written now
    bool ends_base_merge = false;
    std::vector<std::uint32_t> dropped;  ///< grains of erase records no longer needed, by segment
    std::uint64_t written = 0;
};

/// Whether the base may as well be merged.
bool Engine::is_above_large() const {
    const std::uint64_t above = levels_.above();
    const std::uint64_t below = levels_.below();
    return above * above >= 2 * options_.memory_entries * below || above >= below;
}

Engine::Result Engine::merge_levels(Merge& merge) {
    const bool is_large = is_above_large();
    if (is_large && levels_.lower) MESH_CHECK(end_base_merge());
    merge.middle = levels_.middle;
    merge.lower = levels_.lower;
    merge.base = levels_.base;
    merge.dropped.resize(segments_.size());
    if (base_merge_ && base_merge_->is_done()) {
        merge.lower = nullptr;
        merge.base = base_merge_->result();
        merge.dropped = base_merge_->dropped();
        merge.written = base_merge_->written();
        merge.ends_base_merge = true;
    }
    if (levels_.memory.empty()) return {};
    const bool goes_down = is_large && !merge.lower && !merge.ends_base_merge;
    const bool at_once = goes_down && (!merge.base || levels_.entries() <= options_.merged_at_once);
    MESH_TRY(merge.fresh, write_run(merge, at_once));
    if (at_once) merge.base = merge.fresh;
    if (goes_down && !at_once) merge.lower = merge.fresh;
    merge.middle = goes_down ? nullptr : merge.fresh;
    return {};
}

/// Memory and the middle run, with the base or without.
std::expected<std::shared_ptr<const Run>, base::Error> Engine::write_run(Merge& merge,
                                                                         bool into_base) {
    std::vector<const Run*> runs;
    if (merge.middle) runs.push_back(merge.middle.get());
    if (into_base && merge.base) runs.push_back(merge.base.get());
    MergedCursor cursor(reading(), levels_.memory, runs);
    MESH_CHECK(cursor.seek_first());
    RunWriter writer(medium_, segments_, log_.idle_buffer(), options_.fences,
                     into_base ? levels_.entries() : levels_.above());
    const auto fill = [&]() -> Result {
        for (;;) {
            MESH_TRY(const auto entry, cursor.next());
            if (!entry) return {};
            const Location location = entry->location();
            std::optional<Record> record;
            if (into_base && entry->is_erased()) {
                MESH_TRY(record, records_.read(location));
            }
            if (record) {  // Nothing is left below that has to be hidden.
                merge.dropped[medium_.geometry().segment_of(location)] +=
                    record_bytes(record->head) / grain_bytes;
                continue;
            }
            MESH_CHECK(writer.add(*entry));
            ++merge.written;
        }
    };
    auto done = fill();
    std::expected<Run, base::Error> run;
    if (done) run = writer.finish();
    if (!done || !run) {
        writer.abandon();
        return std::unexpected(done ? run.error() : done.error());
    }
    if (run->entries == 0) return nullptr;
    return std::make_shared<const Run>(*std::move(run));
}

Checkpoint Engine::describe(const Merge& merge, std::uint32_t version) const {
    Checkpoint checkpoint;
    checkpoint.version = version;
    checkpoint.sequence = log_.next_sequence();
    checkpoint.counts = counts_;
    checkpoint.segments.resize(segments_.size());
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
        const Segment& segment = segments_[i];
        checkpoint.segments[i].erases = segment.erases;
        if (!segment.holds_records()) continue;
        const std::uint32_t live = segment.live - std::min(segment.live, merge.dropped[i]);
        if (live == 0 && !log_.is_head(i)) continue;
        checkpoint.segments[i].epoch = segment.epoch;
        checkpoint.segments[i].live = live;
    }
    const auto add_run = [&](const std::shared_ptr<const Run>& run, auto& info) {
        if (!run) return;
        info.emplace();
        info->run = {run->entries, run->epoch, run->stride, {}, run->segments};
        info->fences = static_cast<std::uint32_t>(run->fences.size());
        for (const std::uint32_t segment : run->segments) {
            checkpoint.segments[segment].epoch = segments_[segment].epoch;
        }
    };
    add_run(merge.middle, checkpoint.middle);
    add_run(merge.lower, checkpoint.lower);
    add_run(merge.base, checkpoint.base);
    return checkpoint;
}

std::expected<void, base::Error> Engine::checkpoint() {
    Merge merge;
    MESH_CHECK(merge_levels(merge));
    auto done = write_checkpoint(merge);
    if (!done && merge.fresh && !log_.is_doubtful()) release_run(*merge.fresh, 0);
    return done;
}

void Engine::release_run(const Run& run, std::uint32_t since) {
    for (const std::uint32_t segment : run.segments) segments_.release(segment, since);
}

std::expected<void, base::Error> Engine::write_checkpoint(const Merge& merge) {
    MESH_CHECK(medium_.sync());  // The runs are there before the log says so.
    const std::uint32_t version = segments_.version() + 1;
    const std::size_t size = encode(describe(merge, version)).size();
    MESH_CHECK(log_.reserve(2 * record_bytes(0, size) + commit_bytes));
    const base::Buffer value = encode(describe(merge, version));
    const RecordHead head{.kind = RecordKind::checkpoint,
                          .value_bytes = static_cast<std::uint32_t>(value.size()),
                          .value_checksum = crc32c(value)};
    std::array<Location, 2> places{};
    for (Location& place : places) {
        MESH_TRY(place, log_.append(head, {}, value));
    }
    MESH_CHECK(log_.commit());
    checkpoint_bytes_ = 2 * record_bytes(head) + commit_bytes;
    adopt(merge, places);
    return {};
}

void Engine::adopt(Merge merge, std::array<Location, 2> places) {
    const std::uint32_t version = segments_.version() + 1;
    const std::uint64_t filled = std::max<std::uint64_t>(levels_.memory.size(), 16);
    segments_a_checkpoint_ = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(log_.bytes_since_mark() * options_.memory_entries / filled /
                                    medium_.geometry().segment_bytes,
                                segments_.size()));
    segments_.set_checkpoint(version, places);
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
        if (!segments_[i].holds_records()) continue;
        segments_.remove_live(medium_.geometry().location(i, 0), merge.dropped[i] * grain_bytes);
        if (segments_[i].live == 0 && !log_.is_head(i)) segments_.release(i, version);
    }
    for (const auto& run : {levels_.middle, levels_.lower, levels_.base}) {
        const bool stays = run == merge.middle || run == merge.lower || run == merge.base;
        if (run && !stays) release_run(*run, version);
    }
    levels_.middle = std::move(merge.middle);
    levels_.lower = std::move(merge.lower);
    levels_.base = std::move(merge.base);
    if (merge.ends_base_merge) base_merge_.reset();
    figures_.slow_merges += merge.ends_base_merge;
    levels_.memory.clear();
    if (levels_.memory.capacity() > options_.memory_entries) {
        levels_.memory.shrink_to_fit();
        levels_.memory.reserve(options_.memory_entries);
    }
    log_.mark();
    ++figures_.checkpoints;
    figures_.merged_entries += merge.written;
}

}  // namespace meshchain::kv::flash
