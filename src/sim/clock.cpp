#include "sim/clock.h"

#include "base/assert.h"

namespace meshchain::sim {
namespace {

constexpr std::int64_t million = 1'000'000;

}  // namespace

base::Duration Clock::passed(base::Instant now) const {
    MESH_ASSERT(now >= true_);
    const base::Duration elapsed = now - true_;
    // In two parts, so that years of nanoseconds do not overflow.
    return elapsed + elapsed / million * drift_ppm_ + elapsed % million * drift_ppm_ / million;
}

void Clock::set_drift(base::Instant now, int drift_ppm) {
    MESH_ASSERT(drift_ppm > -million && drift_ppm < million);
    const base::Now shown = read(now);
    true_ = now;
    local_ = shown.instant;
    wall_ = shown.wall;
    drift_ppm_ = drift_ppm;
}

base::Now Clock::read(base::Instant now) const {
    const base::Duration since = passed(now);
    return {local_ + since, wall_ + std::chrono::duration_cast<base::Milliseconds>(since)};
}

base::Instant Clock::true_time(base::Instant local) const {
    if (local == base::never) return base::never;
    if (local <= local_) return true_;
    const base::Duration wanted = local - local_;
    const std::int64_t rate = million + drift_ppm_;
    base::Instant guess = true_ + wanted / rate * million + wanted % rate * million / rate;
    while (local_ + passed(guess) < local) guess += base::Duration(1);
    return guess;
}

}  // namespace meshchain::sim
