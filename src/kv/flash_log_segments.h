#pragma once
// Which segment holds what, how much of it is still needed, and which one is erased next.
//
// A segment that is let go by checkpoint v is erased only when v is durable and no snapshot is
// older than v: the last durable state can be read at any instant, whatever happens to the next.
//
// Limits: one entry of 24 bytes for each segment of the region.

#include <vector>

#include "kv/flash_log_medium.h"

namespace meshchain::kv::flash {

enum class SegmentUse : std::uint8_t { free, log, run, far };

struct Segment {
    std::uint32_t epoch = 0;
    std::uint32_t live = 0;  ///< grains of records that the index still names
    std::uint32_t erases = 0;
    std::uint32_t free_since = 0;  ///< checkpoint that let it go
    std::uint32_t shrunk_at = 0;   ///< the highest epoch when something in it died last
    SegmentUse use = SegmentUse::free;
    bool is_bad = false;      ///< could not be erased or programmed; not tried again until reopened
    bool is_damaged = false;  ///< holds what cannot be moved

    bool holds_records() const { return use == SegmentUse::log || use == SegmentUse::far; }
};

SegmentUse use_of(SegmentKind kind);

/// How a segment of the log hangs on the one before.
struct LogEnd {
    std::uint32_t segment = none;
    std::uint32_t epoch = 0;
    std::uint32_t offset = 0;
};

class Segments {
public:
    explicit Segments(Medium& medium)
        : medium_(&medium), table_(medium.geometry().segments), pins_{} {}

    std::uint32_t size() const { return static_cast<std::uint32_t>(table_.size()); }
    const Segment& operator[](std::uint32_t index) const { return table_[index]; }
    Segment& at(std::uint32_t index) {
        openable_.reset();
        return table_[index];
    }
    std::uint32_t last_epoch() const { return last_epoch_; }
    void note_epoch(std::uint32_t epoch) { last_epoch_ = std::max(last_epoch_, epoch); }

    /// Erases a segment that may be, by its wear, and writes its header. Errors: full (none), io.
    std::expected<std::uint32_t, base::Error> open(SegmentKind kind, const LogEnd& previous = {});
    /// `since` is the checkpoint that no longer needs it; 0 for what no checkpoint ever named.
    void release(std::uint32_t segment, std::uint32_t since);

    /// How many can be opened now, and how many more when checkpoint and snapshots allow.
    std::uint32_t openable() const;
    std::uint32_t waiting() const;

    void add_live(Location location, std::uint32_t bytes);
    void remove_live(Location location, std::uint32_t bytes);
    std::uint64_t live_bytes() const { return live_grains_ * grain_bytes; }
    /// After the entries were set one by one.
    void recount_live();

    std::uint32_t seal(Location location) const {
        return seal_of(table_[medium_->geometry().segment_of(location)].epoch, location);
    }

    /// The last durable checkpoint: its number, and where its two copies lie.
    std::uint32_t version() const { return version_; }
    const std::array<Location, 2>& checkpoint() const { return checkpoint_; }
    void set_checkpoint(std::uint32_t version, std::array<Location, 2> places);

    /// A snapshot of the present version; the pin's number. One must be free.
    std::size_t pin();
    void unpin(std::size_t pin) {
        openable_.reset();
        pins_[pin] = 0;
    }

    struct Wear {
        std::uint32_t least = 0;
        std::uint32_t most = 0;
        std::uint64_t sum = 0;
    };
    Wear wear() const;
    /// Large values that die now die in the order in which they came, as a rule: what is left of
    /// such a segment is soon gone by itself.
    bool is_dying(const Segment& segment) const {
        return segment.use == SegmentUse::far && segment.shrunk_at + dying_epochs >= last_epoch_;
    }
    /// How far a segment's count may lag behind the highest.
    std::uint32_t wear_gap() const;

private:
    /// How many segments are opened while one that is pruned loses nothing.
    static constexpr std::uint32_t dying_epochs = 4;

    std::uint32_t choose(SegmentKind kind) const;
    bool is_openable(const Segment& segment) const;
    std::expected<void, base::Error> prepare(std::uint32_t index, SegmentKind kind,
                                             const LogEnd& previous);

    Medium* medium_;
    std::vector<Segment> table_;
    std::array<std::uint32_t, snapshots_max> pins_;  ///< versions; 0: not in use
    std::uint64_t live_grains_ = 0;
    std::uint32_t last_epoch_ = 0;
    std::uint32_t version_ = 0;
    std::array<Location, 2> checkpoint_{};
    mutable std::optional<std::uint32_t> openable_;  ///< asked by every commit, and counted once
};

}  // namespace meshchain::kv::flash
