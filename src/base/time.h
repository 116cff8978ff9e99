#pragma once
// Time as a value. Core code cannot read a clock even by mistake: neither clock has now().
//
// Instant   monotonic, for timers; its origin means nothing outside one run.
// WallTime  civil time in milliseconds since 1970-01-01 UTC, for slots and anything peers compare.

#include <chrono>
#include <cstdint>

namespace meshchain::base {

using Duration = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;

struct Timeline {
    using rep = Duration::rep;
    using period = Duration::period;
    using duration = Duration;
    using time_point = std::chrono::time_point<Timeline>;
    static constexpr bool is_steady = true;
};
using Instant = Timeline::time_point;

struct CivilTimeline {
    using rep = Milliseconds::rep;
    using period = Milliseconds::period;
    using duration = Milliseconds;
    using time_point = std::chrono::time_point<CivilTimeline>;
    static constexpr bool is_steady = false;
};
using WallTime = CivilTimeline::time_point;

/// What poll_timeout() returns when there is nothing to wait for.
inline constexpr Instant never = Instant::max();
inline constexpr WallTime never_wall = WallTime::max();

/// Both clocks read at one moment, as the node hands them down.
struct Now {
    Instant instant;
    WallTime wall;
};

constexpr WallTime wall_from_unix_ms(std::int64_t ms) { return WallTime{Milliseconds{ms}}; }
constexpr std::int64_t unix_ms(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace meshchain::base
