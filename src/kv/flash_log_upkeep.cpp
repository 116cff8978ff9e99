// Room and collection: what the engine does for itself.

#include <algorithm>
#include <functional>
#include <numeric>

#include "kv/checksum.h"
#include "kv/flash_log_engine.h"

namespace meshchain::kv::flash {
namespace {

/// A segment with less to win is not worth moving.
constexpr std::uint32_t worth_collecting(std::uint32_t body_grains) {
    return body_grains - body_grains / 16;
}

}  // namespace

/// What a checkpoint, a merge and a step of collection may need before they give anything back.
std::uint32_t Engine::whole_reserve_segments() const {
    return segments_for(medium_.geometry(), levels_.entries() + options_.memory_entries) + 4;
}

std::uint32_t Engine::reserve_segments() const {
    const std::uint32_t taken = base_merge_ ? base_merge_->segments() : 0;
    return std::max(whole_reserve_segments(), taken + 4) - taken;
}

std::uint32_t Engine::comfort_segments() const {
    return reserve_segments() + std::max(4u, segments_.size() / 64);
}

/// Below this, collection keeps pace. What the log takes from one checkpoint to the next lies
/// between, so that checkpoints need not be made early.
std::uint32_t Engine::low_segments() const {
    return comfort_segments() + std::clamp(segments_a_checkpoint_, 2u, segments_.size() / 8);
}

std::uint64_t Engine::capacity_bytes() const {
    const std::uint32_t comfort =
        comfort_segments() + whole_reserve_segments() - reserve_segments();
    const std::uint64_t segments = segments_.size() > comfort ? segments_.size() - comfort : 0;
    return segments * medium_.geometry().body_bytes() / 8 * 7;
}

/// Recovery reads what was written since the last checkpoint, and collection cannot free it.
bool Engine::is_log_too_long() const {
    const std::uint64_t longest =
        std::max<std::uint64_t>(4, segments_.size() / 16) * medium_.geometry().segment_bytes;
    return log_.bytes_since_mark() > longest;
}

std::expected<void, base::Error> Engine::make_room(const Batch& batch) {
    const bool overflows = levels_.memory.size() + batch.size() > options_.memory_entries;
    if ((overflows && !levels_.memory.empty()) || is_log_too_long()) MESH_CHECK(checkpoint());
    LogWriter::Estimate estimate(log_);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto operation = batch.operation(i);
        estimate.add(operation.is_put ? RecordKind::put : RecordKind::erase, operation.key.size(),
                     operation.value.size());
    }
    estimate.add(RecordKind::commit, 0, commit_value_bytes);
    MESH_CHECK(collect_a_little(estimate.bytes()));
    const bool may_use_reserve = batch.may_use_reserve() || batch.put_bytes() == 0;
    const std::uint32_t wanted =
        estimate.segments() + (may_use_reserve ? reserve_segments() : comfort_segments());
    auto made = make_room(wanted);
    if (!made && made.error().code == base::Errc::full) {
        full_segments_ = wanted;
        full_live_bytes_ = live_bytes();
        full_put_bytes_ = batch.put_bytes();
    }
    return made;
}

bool Engine::is_full() const {
    if (full_segments_ == 0) return false;
    const std::uint64_t gain =
        std::max<std::uint64_t>(medium_.geometry().body_bytes(), capacity_bytes() / 64);
    return segments_.openable() + dead_segments() < full_segments_ + 2 &&
           live_bytes() + gain > full_live_bytes_;
}

/// Collection keeps pace with what is written, so that no commit has to wait for much of it; and
/// goes no faster, as what is collected later holds less that has to be moved.
std::expected<void, base::Error> Engine::collect_a_little(std::uint64_t batch_bytes) {
    // Only opening a segment makes room scarcer or wear uneven.
    if (seen_epoch_ != segments_.last_epoch()) {
        seen_epoch_ = segments_.last_epoch();
        is_low_ = segments_.openable() + dead_segments() < low_segments();
        // Evening out may cost one segment in four, no more.
        if (victim_ == none && seen_epoch_ >= levelled_epoch_ + 4) {
            begin_victim(least_worn());
            levelled_epoch_ = seen_epoch_;
        }
    }
    owed_bytes_ = is_low_ ? owed_bytes_ + batch_bytes + batch_bytes / 4 : 0;
    if (owed_bytes_ == 0 && victim_ == none) return {};
    const std::uint64_t bytes = std::min<std::uint64_t>(4 * batch_bytes, options_.collect_bytes);
    const std::uint64_t before = won_bytes_;
    const auto collected = collect(static_cast<std::uint32_t>(bytes));
    owed_bytes_ -= std::min(owed_bytes_, won_bytes_ - before);
    if (collected || collected.error().code == base::Errc::full) return {};
    return std::unexpected(collected.error());
}

/// What the next checkpoint lets go.
std::uint32_t Engine::dead_segments() const {
    std::uint32_t dead = 0;
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
        dead += segments_[i].holds_records() && segments_[i].live == 0 && !log_.is_head(i);
    }
    return dead;
}

std::expected<void, base::Error> Engine::make_room(std::uint32_t segments) {
    for (std::uint32_t tries = 0; segments_.openable() < segments; ++tries) {
        bool reclaimed = false;
        if (tries < 2 * segments_.size()) {
            MESH_TRY(reclaimed, reclaim(segments));
        }
        if (reclaimed) continue;
        return base::failure(base::Errc::full,
                             std::to_string(segments_.openable()) + " of " +
                                 std::to_string(segments_.size()) + " segments are free, " +
                                 std::to_string(segments) + " are needed",
                             "kv flash log", "prune, or use a larger region");
    }
    return {};
}

/// Whether the best of so many segments would give back more than the checkpoint takes.
bool Engine::pays_to_collect(std::uint32_t segments) const {
    const std::uint32_t body = medium_.geometry().body_bytes() / grain_bytes;
    std::vector<std::uint32_t> gains;
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
        const Segment& segment = segments_[i];
        if (!segment.holds_records() || log_.is_head(i) || segment.is_damaged) continue;
        if (segment.live > 0 && segment.live < worth_collecting(body)) {
            gains.push_back(body - segment.live);
        }
    }
    std::ranges::sort(gains, std::greater());
    gains.resize(std::min<std::size_t>(gains.size(), segments));
    const std::uint64_t gain = std::accumulate(gains.begin(), gains.end(), std::uint64_t{0});
    return gain > checkpoint_bytes_ / grain_bytes + body / 8;
}

/// One step towards so many free segments; false when there is none. A checkpoint costs room
/// itself, so it is made for as many dead segments as can be had.
std::expected<bool, base::Error> Engine::reclaim(std::uint32_t wanted) {
    const std::uint32_t before = segments_.openable();
    const std::uint32_t dead = dead_segments();
    // Of the reserve, all but one segment and the runs may be filled with what is moved.
    const std::uint32_t victims =
        before + 2 > reserve_segments() ? before + 2 - reserve_segments() : 0;
    if (before + dead >= wanted + 2 || !pays_to_collect(victims)) {
        if (dead == 0) return false;
        MESH_CHECK(checkpoint());
        return segments_.openable() > before;
    }
    const std::uint64_t collected = figures_.segments_collected;
    while (figures_.segments_collected == collected) {
        MESH_TRY(const bool goes_on, collect(options_.collect_bytes));
        if (!goes_on) return false;
    }
    return true;
}

/// What never changes keeps its segment from its share of the wear: the least worn one that lags
/// behind, or none.
std::uint32_t Engine::least_worn() const {
    const Segments::Wear wear = segments_.wear();
    const std::uint32_t gap = segments_.wear_gap();
    std::uint32_t chosen = none;
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
        const Segment& segment = segments_[i];
        if (!segment.holds_records() || log_.is_head(i) || segment.is_damaged) continue;
        if (segment.live == 0 || segment.erases + gap >= wear.most) continue;
        if (chosen == none || segment.erases < segments_[chosen].erases) chosen = i;
    }
    return chosen;
}

/// The one with least to move. What soon dies by itself is moved only where little else can be won:
/// moved, it would be mixed with what is new, and that segment would never be dead as a whole.
std::uint32_t Engine::choose_victim() const {
    const std::uint32_t body = medium_.geometry().body_bytes() / grain_bytes;
    const auto cost = [&](const Segment& segment) {
        return segments_.is_dying(segment) ? std::max(segment.live, body - body / 4) : segment.live;
    };
    std::uint32_t chosen = none;
    for (std::uint32_t i = 0; i < segments_.size(); ++i) {
        const Segment& segment = segments_[i];
        if (!segment.holds_records() || log_.is_head(i) || segment.is_damaged) continue;
        if (segment.live == 0 || segment.live >= worth_collecting(body)) continue;
        if (chosen == none || cost(segment) < cost(segments_[chosen])) chosen = i;
    }
    return chosen;
}

void Engine::begin_victim(std::uint32_t victim) {
    victim_ = victim;
    victim_offset_ = medium_.geometry().body;
    if (victim != none) victim_epoch_ = segments_[victim].epoch;
}

std::expected<bool, base::Error> Engine::is_live(const Record& record, Location location) {
    if (record.head.kind != RecordKind::put && record.head.kind != RecordKind::erase) return false;
    MESH_TRY(const auto found,
             find(reading(), levels_, Wanted(record.head.table, record.key.view())));
    return found && found->entry.location() == location;
}

std::expected<void, base::Error> Engine::gather_moves(std::uint32_t bytes,
                                                      std::vector<Move>& moves) {
    const Geometry& geometry = medium_.geometry();
    const std::size_t moves_max = std::clamp<std::size_t>(bytes / 64, 16, 1024);
    std::uint32_t left = segments_[victim_].live * grain_bytes;
    std::uint32_t gathered = 0;
    const std::uint64_t last = victim_offset_ + std::uint64_t{8} * bytes;
    while (left > 0 && gathered < bytes && moves.size() < moves_max && victim_offset_ < last) {
        if (victim_offset_ + record_head_bytes > geometry.segment_bytes) break;
        const Location location = geometry.location(victim_, victim_offset_);
        MESH_TRY(const auto record, records_.read(location));
        if (!record) {
            victim_offset_ += grain_bytes;
            continue;
        }
        const std::uint32_t size = record_bytes(record->head);
        victim_offset_ += size;
        if (record->head.kind == RecordKind::commit) {
            victim_offset_ =
                geometry.body + round_up(victim_offset_ - geometry.body, geometry.program_bytes);
        }
        MESH_TRY(const bool moves_on, is_live(*record, location));
        if (!moves_on) continue;
        moves.push_back({*record, location});
        gathered += size;
        left -= std::min(left, size);
    }
    return {};
}

std::expected<void, base::Error> Engine::plan_moves(const std::vector<Move>& moves) {
    changes_.clear();
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const RecordHead& head = moves[i].record.head;
        const Wanted wanted(head.table, moves[i].record.key.view());
        MESH_TRY(const Place place, locate(reading(), levels_, wanted));
        changes_.push_back({.order = wanted.order,
                            .position = static_cast<std::uint32_t>(place.position),
                            .source = static_cast<std::uint32_t>(i),
                            .replaces = place.replaces,
                            .is_fresh = is_fresh(place),
                            .is_put = head.kind == RecordKind::put,
                            .had_value = head.kind == RecordKind::put,
                            .was_dropped = was_dropped(place, wanted),
                            .table = head.table,
                            .old_location = moves[i].location,
                            .old_bytes = record_bytes(head),
                            .bytes = record_bytes(head)});
    }
    std::ranges::sort(changes_, [&](const Change& a, const Change& b) {
        if (a.table != b.table) return a.table < b.table;
        return base::less(moves[a.source].record.key.view(), moves[b.source].record.key.view());
    });
    return {};
}

std::expected<void, base::Error> Engine::write_moves(const std::vector<Move>& moves) {
    MESH_CHECK(plan_moves(moves));
    std::size_t kept = 0;
    for (Change change : changes_) {
        const Move& move = moves[change.source];
        auto is_sound = records_.read_value(move.location, move.record.head, moved_value_);
        if (!is_sound) log_.abandon();
        MESH_CHECK(is_sound);
        if (!*is_sound) {  // Stays where it is, to be reported to whoever reads it.
            ++figures_.damage_found;
            continue;
        }
        MESH_TRY(change.location,
                 log_.append(move.record.head, move.record.key.view(), moved_value_));
        changes_[kept++] = change;
        figures_.moved_bytes += change.bytes;
    }
    changes_.resize(kept);
    if (changes_.empty()) return {};
    MESH_CHECK(log_.commit());
    apply();
    return {};
}

std::expected<bool, base::Error> Engine::collect(std::uint32_t bytes) {
    if (victim_ == none || segments_[victim_].epoch != victim_epoch_ ||
        !segments_[victim_].holds_records()) {
        begin_victim(choose_victim());
        if (victim_ == none) return false;
    }
    const std::size_t moves_max = std::clamp<std::size_t>(bytes / 64, 16, 1024);
    if (!levels_.memory.empty() && levels_.memory.size() + moves_max > options_.memory_entries) {
        MESH_CHECK(checkpoint());
        return true;
    }
    const std::uint32_t start = victim_offset_;
    const std::uint64_t moved = figures_.moved_bytes;
    std::vector<Move> moves;
    auto done = gather_moves(bytes, moves);
    if (done) done = write_moves(moves);
    if (!done) {
        victim_offset_ = start;
        return std::unexpected(std::move(done).error());
    }
    const bool at_end = victim_offset_ + record_head_bytes > medium_.geometry().segment_bytes;
    const bool goes_on = segments_[victim_].live > 0 && !at_end;
    const std::uint32_t passed =
        (goes_on ? victim_offset_ : medium_.geometry().segment_bytes) - start;
    won_bytes_ += passed - std::min<std::uint64_t>(passed, figures_.moved_bytes - moved);
    if (goes_on) return true;
    segments_.at(victim_).is_damaged = segments_[victim_].live > 0;
    victim_ = none;
    ++figures_.segments_collected;
    return true;
}

}  // namespace meshchain::kv::flash
