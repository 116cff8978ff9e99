#include "base/random.h"

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

TEST(Random, FirstDraws_AreThoseOfTheReference) {
    // xoshiro256++ seeded with SplitMix64 from 0, as in the reference code and the rand_xoshiro
    // crate.
    Random random(0);
    EXPECT_EQ(random.next(), 5987356902031041503U);
    EXPECT_EQ(random.next(), 7051070477665621255U);
    EXPECT_EQ(random.next(), 6633766593972829180U);
}

TEST(Random, OneSeed_GivesOneHistory) {
    Random a(42);
    Random b(42);
    Random c(43);
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t draw = a.next();
        EXPECT_EQ(draw, b.next());
        EXPECT_NE(draw, c.next());
    }
}

TEST(Random, Below_StaysBelowAndReachesEverything) {
    Random random(1);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(random.below(1), 0U);
    std::array<int, 7> counts{};
    for (int i = 0; i < 70'000; ++i) ++counts.at(random.below(counts.size()));
    for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(Random, BelowAWideBound_FavoursNoHalf) {
    // 2^64 is 4/3 of this bound: plain modulo would draw the lower third twice as often.
    constexpr std::uint64_t bound = std::uint64_t{3} << 62;
    Random random(2);
    int lower_third = 0;
    for (int i = 0; i < 30'000; ++i) {
        const std::uint64_t draw = random.below(bound);
        ASSERT_LT(draw, bound);
        lower_third += draw < bound / 3 ? 1 : 0;
    }
    EXPECT_NEAR(lower_third, 10'000, 500);
}

TEST(Random, Chance_IsAsLikelyAsItSays) {
    Random random(3);
    int hits = 0;
    for (int i = 0; i < 40'000; ++i) {
        EXPECT_FALSE(random.chance(0, 5));
        EXPECT_TRUE(random.chance(5, 5));
        hits += random.chance(1, 4) ? 1 : 0;
    }
    EXPECT_NEAR(hits, 10'000, 500);
}

TEST(Random, Between_IncludesBothEnds) {
    Random random(4);
    bool low = false;
    bool high = false;
    for (int i = 0; i < 200; ++i) {
        const Duration draw = random.between(Duration{-1}, Duration{2});
        ASSERT_GE(draw, Duration{-1});
        ASSERT_LE(draw, Duration{2});
        low |= draw == Duration{-1};
        high |= draw == Duration{2};
    }
    EXPECT_TRUE(low);
    EXPECT_TRUE(high);
    EXPECT_EQ(random.between(Duration{5}, Duration{5}), Duration{5});
}

TEST(Random, Stream_DependsOnSeedAndNameAlone) {
    Random random(5);
    Random before = random.stream("jitter");
    random.next();
    Random after = random.stream("jitter");
    EXPECT_EQ(before.next(), after.next()) << "draws of the parent must not shift a stream";
    EXPECT_NE(random.stream("jitter").next(), random.stream("loss").next());
    EXPECT_NE(random.stream("jitter").next(), Random(6).stream("jitter").next());
}

TEST(RandomDeathTest, EmptyRange_Asserts) {
    EXPECT_DEATH(Random(1).below(0), "assertion failed");
    EXPECT_DEATH(Random(1).between(Duration{2}, Duration{1}), "assertion failed");
}

}  // namespace
}  // namespace meshchain::base
