#include "kv/flash_log_segments.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::kv::flash {

SegmentUse use_of(SegmentKind kind) {
    switch (kind) {
        case SegmentKind::log: return SegmentUse::log;
        case SegmentKind::run: return SegmentUse::run;
        case SegmentKind::far: return SegmentUse::far;
    }
    return SegmentUse::free;
}

bool Segments::is_openable(const Segment& segment) const {
    if (segment.use != SegmentUse::free || segment.is_bad) return false;
    if (segment.free_since > version_) return false;
    return std::ranges::none_of(
        pins_, [&](std::uint32_t version) { return version != 0 && version < segment.free_since; });
}

std::uint32_t Segments::openable() const {
    if (!openable_) {
        openable_ = static_cast<std::uint32_t>(
            std::ranges::count_if(table_, [&](const Segment& s) { return is_openable(s); }));
    }
    return *openable_;
}

std::uint32_t Segments::waiting() const {
    return static_cast<std::uint32_t>(std::ranges::count_if(table_, [&](const Segment& s) {
        return s.use == SegmentUse::free && !s.is_bad && !is_openable(s);
    }));
}

/// What is large stays longest, as a rule, so it is laid where wear is high; but not where it is
/// higher than the rest by half of what is allowed, in case this one does not stay.
std::uint32_t Segments::choose(SegmentKind kind) const {
    const std::uint64_t ceiling = wear().sum / table_.size() + wear_gap() / 2;
    std::uint32_t least = none;
    std::uint32_t most = none;
    for (std::uint32_t i = 0; i < size(); ++i) {
        if (!is_openable(table_[i])) continue;
        if (least == none || table_[i].erases < table_[least].erases) least = i;
        if (table_[i].erases > ceiling) continue;
        if (most == none || table_[i].erases > table_[most].erases) most = i;
    }
    return kind == SegmentKind::far && most != none ? most : least;
}

std::uint32_t Segments::wear_gap() const {
    return std::max(12u, static_cast<std::uint32_t>(wear().sum / table_.size() / 16));
}

std::expected<std::uint32_t, base::Error> Segments::open(SegmentKind kind, const LogEnd& previous) {
    const std::uint32_t chosen = choose(kind);
    openable_.reset();
    if (chosen == none) {
        return base::failure(base::Errc::full, "no segment is free", "kv flash log",
                             "prune, or use a larger region");
    }
    if (auto prepared = prepare(chosen, kind, previous); !prepared) {
        table_[chosen].is_bad = prepared.error().code != base::Errc::full;
        return std::unexpected(std::move(prepared).error());
    }
    Segment& segment = table_[chosen];
    segment.use = use_of(kind);
    segment.live = 0;
    segment.shrunk_at = 0;
    segment.is_damaged = false;
    return chosen;
}

std::expected<void, base::Error> Segments::prepare(std::uint32_t index, SegmentKind kind,
                                                   const LogEnd& previous) {
    Segment& segment = table_[index];
    const Geometry& geometry = medium_->geometry();
    // From here on nothing that an index says about the old content counts.
    segment.epoch = ++last_epoch_;
    ++segment.erases;
    MESH_CHECK(medium_->erase(index));
    const HeaderBytes header = encode(SegmentHeader{.kind = kind,
                                                    .segment_bytes = geometry.segment_bytes,
                                                    .index = index,
                                                    .erases = segment.erases,
                                                    .epoch = segment.epoch,
                                                    .previous = previous.segment,
                                                    .previous_epoch = previous.epoch,
                                                    .previous_end = previous.offset,
                                                    .checkpoint = checkpoint_});
    std::array<std::byte, 2 * page_bytes> copies{};
    const std::size_t second = round_up(segment_header_bytes, geometry.program_bytes);
    std::ranges::copy(header, copies.begin());
    std::ranges::copy(header, copies.begin() + static_cast<std::ptrdiff_t>(second));
    return medium_->program(index, 0, base::Bytes(copies).first(2 * second));
}

void Segments::release(std::uint32_t index, std::uint32_t since) {
    openable_.reset();
    Segment& segment = table_[index];
    live_grains_ -= segment.live;
    segment.live = 0;
    segment.use = SegmentUse::free;
    segment.free_since = since;
}

void Segments::add_live(Location location, std::uint32_t bytes) {
    table_[medium_->geometry().segment_of(location)].live += bytes / grain_bytes;
    live_grains_ += bytes / grain_bytes;
}

void Segments::remove_live(Location location, std::uint32_t bytes) {
    Segment& segment = table_[medium_->geometry().segment_of(location)];
    // Less than that is counted only when the medium lies; verify() tells.
    const std::uint32_t grains = std::min(segment.live, bytes / grain_bytes);
    segment.live -= grains;
    segment.shrunk_at = last_epoch_;
    live_grains_ -= grains;
}

void Segments::recount_live() {
    live_grains_ = 0;
    for (const Segment& segment : table_) live_grains_ += segment.live;
}

void Segments::set_checkpoint(std::uint32_t version, std::array<Location, 2> places) {
    openable_.reset();
    version_ = version;
    checkpoint_ = places;
}

std::size_t Segments::pin() {
    const auto unused = std::ranges::find(pins_, 0u);
    MESH_ASSERT(unused != pins_.end() && version_ > 0);
    openable_.reset();
    *unused = version_;
    return static_cast<std::size_t>(unused - pins_.begin());
}

Segments::Wear Segments::wear() const {
    Wear wear{.least = table_[0].erases};
    for (const Segment& segment : table_) {
        wear.least = std::min(wear.least, segment.erases);
        wear.most = std::max(wear.most, segment.erases);
        wear.sum += segment.erases;
    }
    return wear;
}

}  // namespace meshchain::kv::flash
