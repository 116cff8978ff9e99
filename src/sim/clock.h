#pragma once
// The clocks of one machine: a monotonic one whose quartz is off by so many millionths, and a civil
// one that runs on it, starts wrong and may be set.
//
// Time: true instants must not go backwards; what is read never does either.

#include "base/time.h"

namespace meshchain::sim {

class Clock {
public:
    /// Shows the truth at first.
    Clock(base::Instant now, base::WallTime wall) : true_(now), local_(now), wall_(wall) {}

    /// From now on it gains `drift_ppm` millionths; negative: it loses.
    void set_drift(base::Instant now, int drift_ppm);
    /// Somebody sets the civil clock forward, or back.
    void set_forward(base::Milliseconds by) { wall_ += by; }

    base::Now read(base::Instant now) const;
    /// The first true instant at which the monotonic clock shows `local` or more.
    base::Instant true_time(base::Instant local) const;

private:
    base::Duration passed(base::Instant now) const;

    base::Instant true_;  ///< when the drift was set, and what the clocks showed then
    base::Instant local_;
    base::WallTime wall_;
    int drift_ppm_ = 0;
};

}  // namespace meshchain::sim
