// What is said about a store that refuses, second by second.

#include "node/refusal_watch.h"

#include <gtest/gtest.h>

namespace meshchain::node {
namespace {

using namespace std::chrono_literals;

TEST(RefusalWatch, SaysWhy_UntilAMinuteHasPassedInWhichSomethingWasWritten) {  // B12
    RefusalWatch watch;
    kv::Stats stats{.commits = 5};
    base::Instant now{};
    const base::Error full{base::Errc::full, "no room", "store.db", "free some"};
    watch.observe(now, stats, {});
    EXPECT_EQ(watch.reason(), "");
    // Every other second something small fits.
    for (int i = 0; i < 200; ++i) {
        ++(i % 2 == 0 ? stats.commits_failed : stats.commits);
        watch.observe(now += 1s, stats, i % 2 == 0 ? std::optional(full) : std::nullopt);
        ASSERT_EQ(watch.reason(), base::sentence(full)) << i;
    }
    watch.observe(now += 50s, stats, {});
    EXPECT_NE(watch.reason(), "");
    ++stats.commits;
    watch.observe(now += 9s, stats, {});
    EXPECT_EQ(watch.reason(), "");
}

TEST(RefusalWatch, WhereNothingIsWritten_ItIsNotTakenForMended) {
    RefusalWatch watch;
    kv::Stats stats{.commits = 5, .commits_failed = 1};
    watch.observe(base::Instant{}, stats, {});
    watch.observe(base::Instant{} + 10h, stats, {});
    EXPECT_EQ(watch.reason(), "a commit was refused");
}

}  // namespace
}  // namespace meshchain::node
