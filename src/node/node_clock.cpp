#include "node/node_clock.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::node {

using base::Duration;

std::string_view name(ClockSource source) {
    switch (source) {
        case ClockSource::system: return "system";
        case ClockSource::validators: return "validators";
        case ClockSource::synchronised: return "synchronised";
    }
    return "unknown";
}

NodeClock::Relation NodeClock::relation(base::Instant instant, base::WallTime wall) {
    // Whoever states a time beyond these is wrong whatever it is, and may not overflow ours.
    constexpr base::WallTime latest = base::wall_from_unix_ms(7'258'118'400'000);  // the year 2200
    return std::clamp(wall, base::WallTime{}, latest).time_since_epoch() -
           instant.time_since_epoch();
}

NodeClock::NodeClock(Options options, base::Now system)
    : options_(std::move(options)),
      instant_(system.instant),
      relation_(relation(system.instant, system.wall)),
      samples_(options_.stakes.size()) {}

void NodeClock::set_validators(std::vector<wire::Amount> stakes, std::optional<std::size_t> self) {
    options_.stakes = std::move(stakes);
    options_.self = self;
    samples_.resize(options_.stakes.size());
}

base::Now NodeClock::at(base::Instant instant) const {
    const Duration since_1970 = instant.time_since_epoch() + relation_;
    return {instant, base::WallTime{std::chrono::floor<base::Milliseconds>(since_1970)}};
}

void NodeClock::handle_sample(base::Instant now, std::size_t index, base::WallTime stated,
                              Way way) {
    MESH_ASSERT(index < samples_.size());
    Samples& samples = samples_[index];
    if (samples.way != way) {
        // Who is heard over a session needs no air.
        if (way == Way::air && heard(now, samples)) return;
        samples = {.current = {}, .previous = {}, .way = way};
    }
    if (!samples.current || now - samples.current->since >= window(way)) {
        samples.previous = samples.current;
        samples.current = Sample{relation(now, stated), now};
    }
    samples.current->relation = std::max(samples.current->relation, relation(now, stated));
}

std::optional<NodeClock::Relation> NodeClock::heard(base::Instant now,
                                                    const Samples& samples) const {
    std::optional<Relation> latest;
    for (const auto& sample : {samples.current, samples.previous}) {
        if (!sample || now - sample->since >= 2 * window(samples.way)) continue;
        latest = std::max(latest.value_or(Relation::min()), sample->relation);
    }
    return latest;
}

/// This node's own voice in it is what its system says, not what it follows: or two nodes could
/// drive each other on, and one that holds most of the stake could never be set.
std::optional<NodeClock::Median> NodeClock::median(base::Instant now, Relation system) {
    struct Voice {
        Relation relation;
        std::uint64_t stake;
        base::Duration doubt;
    };
    std::vector<Voice> voices;
    std::uint64_t total = 0;
    std::uint64_t heard_stake = 0;
    bool others = false;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
        const std::uint64_t stake = options_.stakes[i].units;
        total += stake;
        const bool own = options_.self == i;
        const auto said = own ? std::optional(system) : heard(now, samples_[i]);
        if (!said) continue;
        others |= !own;
        const bool in_doubt = !own && samples_[i].way == Way::air;
        voices.push_back({*said, stake, in_doubt ? options_.air_doubt : Duration{}});
        heard_stake += stake;
    }
    heard_percent_ = total == 0 ? 0 : static_cast<unsigned>(heard_stake * 100 / total);
    if (!others || 3 * heard_stake <= 2 * total) return std::nullopt;
    std::ranges::sort(voices, {}, &Voice::relation);
    std::uint64_t below = 0;
    for (const Voice& voice : voices) {
        below += voice.stake;
        // Of two halves the later one: time may be made up for, never taken back.
        if (2 * below > heard_stake) return Median{voice.relation, voice.doubt};
    }
    return Median{voices.back().relation, voices.back().doubt};
}

NodeClock::Relation NodeClock::target(Relation system, const std::optional<Median>& median,
                                      bool synchronised) {
    if (median) {
        agreed_ = std::clamp(system, median->relation, median->relation + median->doubt);
    }
    if (synchronised) {
        source_ = ClockSource::synchronised;
        return system;
    }
    // Cut off from the others, the node keeps the time they had agreed on.
    source_ = agreed_ ? ClockSource::validators : ClockSource::system;
    return agreed_.value_or(system);
}

std::optional<Duration> NodeClock::approach(Relation target, Duration elapsed) {
    const Duration error = target - relation_;
    if (error > options_.agreement) {
        relation_ = target;
        return error;
    }
    const bool far_ahead = error < -options_.agreement;
    const Duration slowest =
        far_ahead ? -(elapsed - elapsed / brake_divisor) : -(elapsed / slew_divisor);
    relation_ += std::clamp(error, slowest, elapsed / slew_divisor);
    return std::nullopt;
}

std::optional<Duration> NodeClock::advance(base::Now system, std::optional<Duration> error_max) {
    MESH_ASSERT(system.instant >= instant_);
    const Duration elapsed = system.instant - instant_;
    instant_ = system.instant;
    const Relation said = relation(system.instant, system.wall);
    const auto middle = median(system.instant, said);
    const bool synchronised = error_max && *error_max <= options_.agreement;
    const Relation goal = target(said, middle, synchronised);
    const auto stepped = approach(goal, elapsed);
    validators_offset_.reset();
    if (middle) {
        const Relation nearest =
            std::clamp(relation_, middle->relation, middle->relation + middle->doubt);
        validators_offset_ = nearest - relation_;
    }
    off_ = relation_ - goal > options_.agreement ||
           (validators_offset_ && std::chrono::abs(*validators_offset_) > options_.agreement);
    return stepped;
}

}  // namespace meshchain::node
