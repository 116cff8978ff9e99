#include "kv/flash_log_recovery.h"

#include <algorithm>

#include "base/assert.h"
#include "kv/checksum.h"

namespace meshchain::kv::flash {

std::unexpected<base::Error> Recovery::corrupt(const std::string& what) {
    ++engine_->figures_.damage_found;
    return base::failure(base::Errc::corrupt, what, "kv flash log",
                         "restore a copy, or fetch everything again from peers");
}

std::expected<std::optional<SegmentHeader>, base::Error> Recovery::read_header(
    std::uint32_t segment) {
    std::array<std::byte, 2 * page_bytes> bytes;
    const std::uint32_t copy = round_up(segment_header_bytes, geometry_.program_bytes);
    MESH_CHECK(medium_->read(segment, 0, base::MutableBytes(bytes).first(2 * std::size_t{copy})));
    std::optional<SegmentHeader> header;
    for (std::size_t at = 0; !header && at <= copy; at += copy) {
        header = parse_segment_header(base::Bytes(bytes).subspan(at));
        if (header &&
            (header->index != segment || header->segment_bytes != geometry_.segment_bytes)) {
            header.reset();
        }
        if (header && at > 0) ++engine_->figures_.damage_found;
    }
    return header;
}

/// Epochs and wear as the medium itself has them, and which segment of the log is the newest.
Recovery::Result Recovery::read_headers() {
    for (std::uint32_t i = 0; i < geometry_.segments; ++i) {
        MESH_TRY(const auto header, read_header(i));
        if (!header) continue;
        Segment& segment = engine_->segments_.at(i);
        segment.epoch = header->epoch;
        segment.erases = header->erases;
        engine_->segments_.note_epoch(header->epoch);
        if (header->kind != SegmentKind::log) continue;
        if (!newest_ || header->epoch > newest_->epoch) newest_ = header;
    }
    if (newest_) return {};
    return base::failure(base::Errc::not_found, "there is no flash log on the medium",
                         "kv flash log", "format it first");
}

std::expected<bool, base::Error> Recovery::read_checkpoint(Location location) {
    MESH_TRY(const auto record, engine_->records_.read(location));
    if (!record || record->head.kind != RecordKind::checkpoint) return false;
    base::Buffer value;
    MESH_TRY(const bool is_sound, engine_->records_.read_value(location, record->head, value));
    auto parsed = is_sound ? parse_checkpoint(value, geometry_) : std::nullopt;
    if (!parsed) return false;
    if (parsed->named > geometry_.segments) {
        return corrupt("the medium had " + std::to_string(parsed->named) + " segments and has " +
                       std::to_string(geometry_.segments) + ": it was cut short");
    }
    checkpoint_ = std::move(parsed);
    return true;
}

/// The one that was durable when the newest segment was opened.
Recovery::Result Recovery::read_pointed_checkpoint() {
    for (std::size_t i = 0; i < places_.size(); ++i) {
        if (newest_->checkpoint[i] == 0) continue;
        MESH_TRY(const bool is_there, read_checkpoint(newest_->checkpoint[i]));
        if (!is_there) {
            ++engine_->figures_.damage_found;
            continue;
        }
        places_ = newest_->checkpoint;
        const std::uint32_t size = (places_[1] - places_[0]) * grain_bytes;
        const std::uint32_t end = geometry_.offset_of(places_[1]) + size + commit_bytes;
        start_.offset = geometry_.body + round_up(end - geometry_.body, geometry_.program_bytes);
        return {};
    }
    return {};
}

/// One that was made since, in that segment. A batch with a checkpoint lies in one segment.
Recovery::Result Recovery::read_later_checkpoint() {
    chain_ = {{newest_->index, geometry_.segment_bytes}};
    Cursor cursor{0, geometry_.body};
    std::vector<Location> seen;
    for (;;) {
        MESH_TRY(const auto step, next(cursor, false));
        if (!step) return {};
        if (step->record.head.kind == RecordKind::checkpoint) seen.push_back(step->location);
        if (step->record.head.kind != RecordKind::commit) continue;
        MESH_TRY(const auto value, commit_value(*step));
        if (value && seen.size() == 2) {
            for (const Location location : seen) {
                const auto before = checkpoint_ ? checkpoint_->version : 0;
                MESH_TRY(const bool is_there, read_checkpoint(location));
                if (!is_there || checkpoint_->version < before) continue;
                places_ = {seen[0], seen[1]};
                start_.offset = cursor.offset;
                break;
            }
        }
        seen.clear();
    }
}

Recovery::Result Recovery::find_checkpoint() {
    MESH_CHECK(read_pointed_checkpoint());
    MESH_CHECK(read_later_checkpoint());
    if (checkpoint_) return {};
    return corrupt("no checkpoint of the log can be read");
}

Recovery::Result Recovery::install_run(const std::optional<RunInfo>& info,
                                       std::shared_ptr<const Run>& run) {
    if (!info) return {};
    auto loaded = std::make_shared<Run>(info->run);
    for (const std::uint32_t segment : loaded->segments) {
        engine_->segments_.at(segment).use = SegmentUse::run;
    }
    MESH_CHECK(engine_->pages_.load_fences(*loaded, info->fences));
    run = std::move(loaded);
    return {};
}

Recovery::Result Recovery::install_checkpoint() {
    Segments& segments = engine_->segments_;
    for (std::uint32_t i = 0; i < segments.size(); ++i) {
        const Checkpoint::SegmentInfo& info = checkpoint_->segments[i];
        Segment& segment = segments.at(i);
        segment.erases = std::max(segment.erases, info.erases);
        if (info.epoch == 0) continue;
        MESH_TRY(const auto header, read_header(i));
        if (header && header->epoch != info.epoch) {
            return corrupt("segment " + std::to_string(i) + " is not the one of the checkpoint");
        }
        if (!header) ++engine_->figures_.damage_found;
        segment.epoch = info.epoch;
        segment.live = info.live;
        segment.use =
            header && header->kind == SegmentKind::far ? SegmentUse::far : SegmentUse::log;
        segments.note_epoch(info.epoch);
    }
    segments.recount_live();
    segments.set_checkpoint(checkpoint_->version, places_);
    engine_->counts_ = checkpoint_->counts;
    MESH_CHECK(install_run(checkpoint_->middle, engine_->levels_.middle));
    MESH_CHECK(install_run(checkpoint_->lower, engine_->levels_.lower));
    return install_run(checkpoint_->base, engine_->levels_.base);
}

/// From the newest segment back to the one with the checkpoint.
Recovery::Result Recovery::follow_chain() {
    chain_.clear();
    const std::uint32_t first = geometry_.segment_of(places_[0]);
    SegmentHeader header = *newest_;
    std::uint32_t end = geometry_.segment_bytes;
    for (;;) {
        chain_.push_back({header.index, end});
        engine_->segments_.at(header.index).use = SegmentUse::log;
        if (header.index == first) break;
        if (header.previous >= geometry_.segments || chain_.size() > geometry_.segments) {
            return corrupt("the chain of the log is broken");
        }
        MESH_TRY(const auto previous, read_header(header.previous));
        if (!previous || previous->epoch != header.previous_epoch ||
            previous->kind != SegmentKind::log) {
            if (engine_->options_.ends_at_damage) {
                // What was written since the checkpoint ends with its segment.
                ++engine_->figures_.damage_found;
                chain_ = {{first, geometry_.segment_bytes}};
                engine_->segments_.at(first).use = SegmentUse::log;
                break;
            }
            return corrupt("segment " + std::to_string(header.previous) +
                           " of the log is not what follows from the next");
        }
        end = header.previous_end;
        header = *previous;
    }
    std::ranges::reverse(chain_);
    start_.link = 0;
    return {};
}

bool Recovery::skip_to_next_segment(Cursor& cursor) const {
    if (cursor.offset != chain_[cursor.link].end || cursor.link + 1 == chain_.size()) return false;
    cursor = {cursor.link + 1, geometry_.body};
    return true;
}

std::expected<std::optional<Recovery::Step>, base::Error> Recovery::next(Cursor& cursor,
                                                                         bool checks_value) {
    while (skip_to_next_segment(cursor)) {
    }
    const Link& link = chain_[cursor.link];
    if (cursor.offset + record_head_bytes > link.end) return std::nullopt;
    const Location location = geometry_.location(link.segment, cursor.offset);
    MESH_TRY(const auto record, engine_->records_.read(location));
    if (!record || cursor.offset + record_bytes(record->head) > link.end) return std::nullopt;
    Step step{.record = *record, .location = location, .value_is_sound = true};
    cursor.offset += record_bytes(record->head);
    if (record->head.kind == RecordKind::commit) {
        cursor.offset =
            geometry_.body + round_up(cursor.offset - geometry_.body, geometry_.program_bytes);
    }
    if (record->head.kind == RecordKind::far) MESH_CHECK(go_far(step));
    if (checks_value && step.value_is_sound) {
        MESH_TRY(step.value_is_sound, engine_->records_.check_value(step.location, step.record.head,
                                                                    engine_->log_.idle_buffer()));
    }
    return step;
}

/// To the record that it names; the value is not sound when that is not there.
Recovery::Result Recovery::go_far(Step& step) {
    step.value_is_sound = false;
    if (step.record.head.value_bytes > far_place_bytes) return {};
    base::Buffer bytes;
    MESH_TRY(const bool is_sound,
             engine_->records_.read_value(step.location, step.record.head, bytes));
    const auto place = is_sound ? parse_far_place(bytes) : std::nullopt;
    if (!place) return {};
    const std::uint32_t segment = geometry_.segment_of(place->location);
    if (segment >= geometry_.segments) return {};
    if (place->epoch != 0 && place->epoch != engine_->segments_[segment].epoch) return {};
    MESH_TRY(const auto record, engine_->records_.read(place->location));
    if (!record || record->head.kind != RecordKind::put) return {};
    step = {.record = *record, .location = place->location, .value_is_sound = true};
    return {};
}

std::expected<std::optional<CommitValue>, base::Error> Recovery::commit_value(const Step& step) {
    if (step.record.head.value_bytes != commit_value_bytes) return std::nullopt;
    base::Buffer value;
    MESH_TRY(const bool is_sound,
             engine_->records_.read_value(step.location, step.record.head, value));
    return is_sound ? parse_commit_value(value) : std::nullopt;
}

/// The last batch counts only whole. One with a damaged value counts if another follows, as then it
/// was durable once.
std::expected<Recovery::Tail, base::Error> Recovery::find_end() {
    Tail tail{.end = start_, .sequence = checkpoint_->sequence};
    Tail doubtful = tail;
    Cursor cursor = start_;
    bool is_sound = true;
    std::uint32_t records = 0;
    for (;;) {
        MESH_TRY(const auto step, next(cursor, true));
        if (!step) break;
        is_sound = is_sound && step->value_is_sound;
        if (step->record.head.kind != RecordKind::commit) {
            ++records;
            continue;
        }
        MESH_TRY(const auto value, commit_value(*step));
        if (value && value->sequence > doubtful.sequence + 1) {
            if (!engine_->options_.ends_at_damage) return corrupt("a batch is missing in the log");
            ++engine_->figures_.damage_found;
            break;
        }
        if (!value || value->sequence <= doubtful.sequence || value->records != records) break;
        doubtful = {.end = cursor, .sequence = value->sequence};
        if (is_sound) tail = doubtful;
        is_sound = true;
        records = 0;
    }
    MESH_TRY(const bool is_followed_by_more, is_followed(cursor, doubtful.sequence + 1));
    if (is_followed_by_more) {
        if (!engine_->options_.ends_at_damage) return corrupt("the log is damaged before its end");
        ++engine_->figures_.damage_found;
    }
    if (cursor.link != tail.end.link || records > 0 || tail.sequence != doubtful.sequence) {
        ++engine_->figures_.batches_dropped;
    }
    return tail;
}

/// Whether a batch after `sequence` was ever committed.
std::expected<bool, base::Error> Recovery::is_followed(Cursor from, std::uint64_t sequence) {
    for (std::size_t link = from.link; link < chain_.size(); ++link) {
        const std::uint32_t offset = link == from.link ? from.offset : geometry_.body;
        MESH_TRY(const bool has_one, has_commit_above(chain_[link].segment, offset, sequence));
        if (has_one) return true;
    }
    return false;
}

std::expected<bool, base::Error> Recovery::has_commit_above(std::uint32_t segment,
                                                            std::uint32_t offset,
                                                            std::uint64_t sequence) {
    constexpr std::size_t whole = record_head_bytes + commit_value_bytes;
    const base::MutableBytes buffer = engine_->log_.idle_buffer();
    while (offset + whole <= geometry_.segment_bytes) {
        const auto window =
            buffer.first(std::min<std::size_t>(buffer.size(), geometry_.segment_bytes - offset));
        MESH_CHECK(medium_->read(segment, offset, window));
        std::size_t at = 0;
        for (; at + whole <= window.size(); at += grain_bytes) {
            const base::Bytes bytes = window.subspan(at, whole);
            if (bytes[8] != static_cast<std::byte>(RecordKind::commit)) continue;
            const Location location =
                geometry_.location(segment, offset + static_cast<std::uint32_t>(at));
            const auto head = parse_record_head(bytes, engine_->segments_.seal(location));
            if (!head || head->value_bytes != commit_value_bytes || head->key_bytes != 0) continue;
            const base::Bytes value = bytes.subspan(record_head_bytes);
            const auto commit = parse_commit_value(value);
            if (crc32c(value) == head->value_checksum && commit && commit->sequence > sequence) {
                return true;
            }
        }
        offset += static_cast<std::uint32_t>(at);
    }
    return false;
}

/// Enters the changes of a batch into memory at once, as its commit did. Its records lie in the
/// order of keys; where they do not, those before are entered first.
Recovery::Result Recovery::replay(const Step& step) {
    const RecordHead& head = step.record.head;
    if (head.kind == RecordKind::far) {
        if (!engine_->options_.ends_at_damage) {
            return corrupt("a value that the log names is damaged");
        }
        ++engine_->figures_.damage_found;  // its key lies beside the value
    }
    if (head.kind == RecordKind::commit) engine_->apply();
    if (head.kind != RecordKind::put && head.kind != RecordKind::erase) return {};
    const base::Bytes key = step.record.key.view();
    const bool is_next = head.table > last_table_ ||
                         (head.table == last_table_ && base::less(last_key_.view(), key));
    if (!is_next) engine_->apply();
    MESH_TRY(auto change, engine_->plan(head.table, key, true));
    change->is_put = head.kind == RecordKind::put;
    change->location = step.location;
    change->bytes = record_bytes(head);
    engine_->add(*change);
    last_table_ = head.table;
    last_key_ = step.record.key;
    return {};
}

Recovery::Result Recovery::replay(const Cursor& end) {
    engine_->changes_.clear();
    Cursor cursor = start_;
    while (cursor.link < end.link || cursor.offset < end.offset) {
        MESH_TRY(const auto step, next(cursor, false));
        if (!step) return corrupt("the log changes while it is read");
        const auto replayed = replay(*step);
        if (!replayed && replayed.error().code == base::Errc::corrupt &&
            engine_->options_.ends_at_damage) {
            // A page of the index cannot be read: the state is that of the batches before.
            ++engine_->figures_.damage_found;
            engine_->changes_.clear();
            return {};
        }
        MESH_CHECK(replayed);
        engine_->log_.count(record_bytes(step->record.head));
    }
    engine_->apply();
    return {};
}

/// Segments of large values that were opened since the checkpoint.
Recovery::Result Recovery::keep_far_segments(const Cursor& end) {
    Cursor cursor = start_;
    while (cursor.link < end.link || cursor.offset < end.offset) {
        MESH_TRY(const auto step, next(cursor, false));
        if (!step) return corrupt("the log changes while it is read");
        if (step->record.head.kind != RecordKind::put) continue;
        Segment& segment = engine_->segments_.at(geometry_.segment_of(step->location));
        if (segment.use == SegmentUse::free) segment.use = SegmentUse::far;
    }
    return {};
}

/// What neither the checkpoint nor the log names may hold anything: it is erased before use, and
/// whatever the index says about it is stale.
Recovery::Result Recovery::free_the_rest() {
    Segments& segments = engine_->segments_;
    std::uint64_t erases = 0;
    std::uint32_t known = 0;
    for (std::uint32_t i = 0; i < segments.size(); ++i) {
        erases += segments[i].erases;
        known += segments[i].erases > 0;
    }
    segments.note_epoch(segments.last_epoch() + 1);
    for (std::uint32_t i = 0; i < segments.size(); ++i) {
        Segment& segment = segments.at(i);
        if (segment.use != SegmentUse::free) continue;
        segment.epoch = segments.last_epoch();
        // A cut in the middle of an erase has taken the count with it; and where the region has
        // grown, the new part starts level, or all would be written there for long.
        const bool is_grown = i >= checkpoint_->named;
        if (segment.erases == 0 && known > 0 && (is_grown || known == segments.size() - 1)) {
            segment.erases = static_cast<std::uint32_t>(erases / known);
        }
    }
    return {};
}

Recovery::Result Recovery::run() {
    MESH_CHECK(read_headers());
    MESH_CHECK(find_checkpoint());
    MESH_CHECK(install_checkpoint());
    MESH_CHECK(follow_chain());
    MESH_TRY(const Tail tail, find_end());
    for (std::size_t link = tail.end.link + 1; link < chain_.size(); ++link) {
        engine_->segments_.release(chain_[link].segment, 0);
    }
    MESH_CHECK(keep_far_segments(tail.end));
    MESH_CHECK(free_the_rest());
    MESH_CHECK(replay(tail.end));
    const std::uint32_t last = chain_[tail.end.link].segment;
    engine_->log_.resume({last, engine_->segments_[last].epoch, tail.end.offset},
                         tail.sequence + 1);
    return {};
}

std::expected<std::uint32_t, base::Error> Recovery::find_segment_bytes(base::Region& region) {
    std::array<std::byte, segment_header_bytes> bytes;
    for (std::uint64_t at = 0; at + bytes.size() <= region.size_bytes();
         at += region.sector_bytes()) {
        MESH_CHECK(region.read(at, bytes));
        const auto header = parse_segment_header(bytes);
        if (header && at == std::uint64_t{header->index} * header->segment_bytes) {
            return header->segment_bytes;
        }
    }
    return base::failure(base::Errc::not_found, "there is no flash log on the medium",
                         "kv flash log", "format it first");
}

std::expected<std::unique_ptr<Engine>, base::Error> Engine::open(base::Region& region,
                                                                 const FlashLogOptions& options) {
    MESH_TRY(const std::uint32_t segment_bytes, Recovery::find_segment_bytes(region));
    MESH_TRY(const Geometry geometry, make_geometry(region, segment_bytes, true));
    std::unique_ptr<Engine> engine(new Engine(region, geometry, options));
    MESH_CHECK(Recovery(*engine).run());
    // A process that was killed may have left a batch that the medium does not have yet; from now
    // on it counts, here and in what others note of it.
    if (!options.read_only) MESH_CHECK(engine->medium_.sync());
    return engine;
}

}  // namespace meshchain::kv::flash
