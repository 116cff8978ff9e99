#include "host/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace meshchain::host {
namespace {

using std::chrono::seconds;

TEST(Backoff, Pauses_DoubleUpToTheLimit_HalfOfThemRandom) {
    Backoff backoff(seconds(1), seconds(5), base::Random(4));
    std::set<base::Duration> seen;
    for (const int longest : {1, 2, 4, 5, 5, 5}) {
        const base::Duration pause = backoff.next();
        EXPECT_GE(pause, seconds(longest) / 2);
        EXPECT_LE(pause, seconds(longest));
        seen.insert(pause);
    }
    EXPECT_EQ(seen.size(), 6U);
    backoff.reset();
    EXPECT_LE(backoff.next(), seconds(1));
}

}  // namespace
}  // namespace meshchain::host
