#include "sim/clock.h"

#include <gtest/gtest.h>

namespace meshchain::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Instant start{hours(1)};
constexpr base::WallTime wall = base::wall_from_unix_ms(1'800'000'000'000);

TEST(Clock, Untouched_ShowsTheTruth) {
    const Clock clock(start, wall);
    const base::Now shown = clock.read(start + hours(24 * 365 * 5));
    EXPECT_EQ(shown.instant, start + hours(24 * 365 * 5));
    EXPECT_EQ(shown.wall, wall + hours(24 * 365 * 5));
}

TEST(Clock, Drift_GainsItsMillionths_FromThenOn) {
    Clock clock(start, wall);
    clock.set_drift(start + hours(1), 100);
    EXPECT_EQ(clock.read(start + hours(2)).instant - start, hours(2) + milliseconds(360));
    clock.set_drift(start + hours(2), -100);
    EXPECT_EQ(clock.read(start + hours(3)).wall - wall, hours(3));
}

TEST(Clock, SettingIt_MovesCivilTimeAlone) {
    Clock clock(start, wall);
    clock.set_forward(-hours(3));
    const base::Now shown = clock.read(start + seconds(9));
    EXPECT_EQ(shown.instant, start + seconds(9));
    EXPECT_EQ(shown.wall, wall - hours(3) + seconds(9));
}

TEST(Clock, TrueTime_IsTheFirstInstantThatShowsIt) {
    for (const int drift : {-250'000, -37, 0, 1, 100, 250'000}) {
        Clock clock(start, wall);
        clock.set_drift(start, drift);
        for (const base::Duration wait :
             {base::Duration(7), base::Duration(999'983), base::Duration(hours(99))}) {
            const base::Instant wanted = start + wait;
            const base::Instant found = clock.true_time(wanted);
            EXPECT_GE(clock.read(found).instant, wanted) << drift;
            EXPECT_LT(clock.read(found - base::Duration(2)).instant, wanted) << drift;
        }
    }
    EXPECT_EQ(Clock(start, wall).true_time(base::never), base::never);
}

}  // namespace
}  // namespace meshchain::sim
