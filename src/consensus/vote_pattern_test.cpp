#include "consensus/vote_pattern.h"

#include <gtest/gtest.h>

#include "consensus/clock_check.h"
#include "consensus/test_network.h"
#include "consensus/throttle.h"

namespace meshchain::consensus::test {
namespace {

std::uint32_t voting_rounds(const VotePattern& pattern, std::uint32_t from, std::uint32_t to) {
    std::uint32_t count = 0;
    for (std::uint32_t round = from; round < to; ++round)
        count += pattern.is_voting_round(wire::Round{round}, wire::Round{0}) ? 1U : 0U;
    return count;
}

TEST(VotePattern, Period_DoublesWithTheAgeOfTheOldestBlockUpTo64) {
    const auto period = [](std::uint32_t age) {
        return VotePattern::period(wire::Round{1000 + age}, wire::Round{1000});
    };
    EXPECT_EQ(period(0), 1U);
    EXPECT_EQ(period(15), 1U);
    EXPECT_EQ(period(16), 2U);
    EXPECT_EQ(period(32), 4U);
    EXPECT_EQ(period(511), 32U);
    EXPECT_EQ(period(512), 64U);
    EXPECT_EQ(period(100'000), 64U);
    EXPECT_EQ(VotePattern::period(wire::Round{1}, wire::Round{9}), 1U);
}

TEST(VotePattern, StalledChain_Whispers) {
    const VotePattern pattern;
    EXPECT_EQ(voting_rounds(pattern, 0, 32), 32U);
    EXPECT_EQ(voting_rounds(pattern, 64, 128), 24U);     // 3 in 8
    EXPECT_EQ(voting_rounds(pattern, 1024, 2048), 48U);  // 3 in 64
}

TEST(VotePattern, VoterHeardAfterSilence_WakesEverybodyForEightRounds) {
    VotePattern pattern;
    EXPECT_FALSE(pattern.is_voting_round(wire::Round{1030}, wire::Round{0}));
    pattern.note_vote({2}, wire::Round{1026}, wire::Round{1027}, wire::Round{0});
    EXPECT_TRUE(pattern.is_voting_round(wire::Round{1030}, wire::Round{0}));
    EXPECT_TRUE(pattern.is_voting_round(wire::Round{1034}, wire::Round{0}));
    EXPECT_FALSE(pattern.is_voting_round(wire::Round{1035}, wire::Round{0}));
}

TEST(VotePattern, VoteOutsideThePattern_WakesOnceInSixtyFourRounds) {
    VotePattern pattern;
    pattern.note_vote({2}, wire::Round{1024}, wire::Round{1024}, wire::Round{0});
    pattern.note_vote({2}, wire::Round{1040}, wire::Round{1040}, wire::Round{0});
    EXPECT_FALSE(pattern.is_voting_round(wire::Round{1041}, wire::Round{0}));
    pattern.note_vote({2}, wire::Round{1100}, wire::Round{1100}, wire::Round{0});
    EXPECT_TRUE(pattern.is_voting_round(wire::Round{1101}, wire::Round{0}));
}

TEST(VotePattern, ThosesWhoWhisperWithUs_DoNotWakeUs) {
    VotePattern pattern;
    std::uint32_t voted = 0;
    for (std::uint32_t round = 1024; round < 2048; ++round) {
        if (!pattern.is_voting_round(wire::Round{round}, wire::Round{0})) continue;
        ++voted;
        for (std::uint16_t other = 1; other < 3; ++other)
            pattern.note_vote({other}, wire::Round{round}, wire::Round{round}, wire::Round{0});
    }
    EXPECT_EQ(voted, 48U + 5U);  // the first time they were new: eight rounds, not three
}

TEST(ClockCheck, NeedsMoreThanAThirdOfTheOthers) {
    const ValidatorSet validators = test_validators({1, 1, 1, 1});
    ClockCheck check(wire::ValidatorIndex{0});
    const auto says = [&](std::uint16_t from, std::uint32_t slot) {
        return check.note_sample(validators, {from}, wire::Slot{slot}, wire::Slot{11});
    };
    EXPECT_FALSE(check.is_checked(validators));
    EXPECT_FALSE(says(1, 10));
    EXPECT_FALSE(says(1, 11));  // the same again
    EXPECT_FALSE(says(0, 11));  // ourselves
    EXPECT_FALSE(says(2, 13));  // two apart
    EXPECT_FALSE(check.is_checked(validators));
    EXPECT_TRUE(says(2, 12));
    EXPECT_TRUE(check.is_checked(validators));
    check.reset();
    EXPECT_FALSE(check.is_checked(validators));
}

TEST(ClockCheck, WhoHoldsNearlyAll_NeedsAllOthers_AndTheOnlyOneNobody) {
    const ValidatorSet validators = test_validators({98, 1, 1});
    ClockCheck check(wire::ValidatorIndex{0});
    EXPECT_FALSE(check.note_sample(validators, {1}, wire::Slot{5}, wire::Slot{5}));
    EXPECT_TRUE(check.note_sample(validators, {2}, wire::Slot{5}, wire::Slot{5}));
    const ValidatorSet single = test_validators({7});
    EXPECT_TRUE(ClockCheck(wire::ValidatorIndex{0}).is_checked(single));
    EXPECT_FALSE(ClockCheck(std::nullopt).is_checked(single));
}

TEST(Throttle, AsksAgainAfterThePause_AndAfterAStepBack) {
    Throttle<int> throttle;
    const WallTime noon = test_start;
    EXPECT_TRUE(throttle.may_ask(1, noon, Milliseconds{100}));
    EXPECT_FALSE(throttle.may_ask(1, noon + Milliseconds{99}, Milliseconds{100}));
    EXPECT_TRUE(throttle.may_ask(2, noon, Milliseconds{100}));
    EXPECT_TRUE(throttle.may_ask(1, noon + Milliseconds{100}, Milliseconds{100}));
    EXPECT_TRUE(throttle.may_ask(1, noon - Milliseconds{5}, Milliseconds{100}));
}

}  // namespace
}  // namespace meshchain::consensus::test
