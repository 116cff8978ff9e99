#pragma once
// The monotonic clock as the core's Instant, and back as asio's timers take it.

#include <chrono>

#include "base/time.h"

namespace meshchain::host {

inline base::Instant monotonic_now() {
    return base::Instant(std::chrono::steady_clock::now().time_since_epoch());
}
inline std::chrono::steady_clock::time_point to_steady(base::Instant instant) {
    using Clock = std::chrono::steady_clock;
    return Clock::time_point(
        std::chrono::duration_cast<Clock::duration>(instant.time_since_epoch()));
}

}  // namespace meshchain::host
