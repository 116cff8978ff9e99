#include "base/token_bucket.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace meshchain::base {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, PassesItsBurstThenItsRate) {
    Instant now{1h};
    TokenBucket bucket(now, {.per_minute = 60, .burst = 5});
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(bucket.take(now));
    EXPECT_FALSE(bucket.take(now));
    now += 999ms;
    EXPECT_FALSE(bucket.take(now));
    now += 1ms;
    EXPECT_TRUE(bucket.take(now));
    EXPECT_FALSE(bucket.take(now));
}

TEST(TokenBucket, AskedAtAnyMoments_NeverPassesMoreThanBurstAndRate) {
    Random random(5);
    const Instant start{1h};
    Instant now = start;
    TokenBucket bucket(now, {.per_minute = 120, .burst = 10});
    std::int64_t passed = 0;
    for (int i = 0; i < 50'000; ++i) {
        now += random.between(0ms, 40ms);
        passed += bucket.take(now) ? 1 : 0;
        ASSERT_LE(passed, 10 + (now - start) / 500ms);
    }
    EXPECT_GE(passed, (now - start) / 500ms);
}

TEST(TokenBucket, LongRest_FillsItToTheBurstAndNoFurther) {
    Instant now{1h};
    TokenBucket bucket(now, {.per_minute = 60, .burst = 3});
    now += 24h;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(now));
    EXPECT_FALSE(bucket.take(now));
}

}  // namespace
}  // namespace meshchain::base
