#pragma once
// The civil time a node lives by (row A12). It never runs backwards: what it is wrong by, it makes
// up for by running slower or faster, or, when it is far behind, by one step forward.
//
// Whom it follows, by rank: the system's clock while NTP, GPS or a radio keeps it; else the
// stake-weighted median of what validators say, once more than two thirds of the stake was heard,
// so that the median lies between the clocks of honest ones; else, as long as that never was, the
// system's clock. Slots need agreement within a third of block_time only.
//
// A frame takes a while to arrive and is never early, so of what one validator said lately the
// latest time counts. What is heard on the air alone is heard rarely, and takes a while that nobody
// knows: it counts for longer, and a clock that is ahead of it by no more than that doubt stays as
// it is, or all would follow each other's delays into the past.
//
// Time:   instants must not go backwards; the civil time handed in may do anything.
// Limits: two numbers a validator.
// Errors: none. `is_off()` tells when this clock must not be signed by.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "wire/numbers.h"

namespace meshchain::node {

enum class ClockSource : std::uint8_t { system, validators, synchronised };
std::string_view name(ClockSource source);

class NodeClock {
public:
    struct Options {
        /// Two clocks that differ by less agree: a third of block_time.
        base::Duration agreement;
        /// What a validator said counts for so long, twice at most.
        base::Duration window = std::chrono::seconds(30);
        /// The same of what was heard on the air, and how late that may be without anybody knowing.
        base::Duration air_window = std::chrono::minutes(35);
        base::Duration air_doubt = {};
        std::vector<wire::Amount> stakes;  ///< by validator index
        std::optional<std::size_t> self;   ///< this node's validator, if it is one
    };
    /// At most so much of the time that passes is added or left out to agree again: 1/20.
    static constexpr int slew_divisor = 20;
    /// While it is far ahead, time passes so much slower.
    static constexpr int brake_divisor = 16;

    NodeClock(Options options, base::Now system);

    /// `error_max`: as TimeSource says. Returns by how much the time was stepped forward, if it
    /// was: then the slots of a moment ago say nothing any more.
    std::optional<base::Duration> advance(base::Now system,
                                          std::optional<base::Duration> error_max);
    /// This clock's time at an instant not before the last advance().
    base::Now at(base::Instant instant) const;

    /// Others vote now, by index as before; what was heard from a seat stays.
    void set_validators(std::vector<wire::Amount> stakes, std::optional<std::size_t> self);

    enum class Way : std::uint8_t { session, air };
    /// Validator `index` stated this time in a fresh signed message.
    void handle_sample(base::Instant now, std::size_t index, base::WallTime stated,
                       Way way = Way::session);

    /// Too far from what the validators say, or from what it should be: nothing may be signed.
    bool is_off() const { return off_; }
    ClockSource source() const { return source_; }
    /// The validators' median less this clock, or zero where that is no more than in doubt; nothing
    /// below two thirds of the stake.
    std::optional<base::Duration> validators_offset() const { return validators_offset_; }
    unsigned heard_percent() const { return heard_percent_; }

private:
    /// A clock, as the civil time it shows at instant zero.
    using Relation = base::Duration;
    struct Sample {
        Relation relation;
        base::Instant since;
    };
    /// The latest of this window and of the one before.
    struct Samples {
        std::optional<Sample> current;
        std::optional<Sample> previous;
        Way way = Way::session;
    };
    struct Median {
        Relation relation;
        base::Duration doubt;
    };

    static Relation relation(base::Instant instant, base::WallTime wall);
    base::Duration window(Way way) const {
        return way == Way::air ? options_.air_window : options_.window;
    }
    std::optional<Relation> heard(base::Instant now, const Samples& samples) const;
    std::optional<Median> median(base::Instant now, Relation system);
    Relation target(Relation system, const std::optional<Median>& median, bool synchronised);
    std::optional<base::Duration> approach(Relation target, base::Duration elapsed);

    Options options_;
    base::Instant instant_;
    Relation relation_;               ///< of this clock, at instant_
    std::optional<Relation> agreed_;  ///< the last median
    std::vector<Samples> samples_;
    std::optional<base::Duration> validators_offset_;
    unsigned heard_percent_ = 0;
    ClockSource source_ = ClockSource::system;
    bool off_ = false;
};

}  // namespace meshchain::node
