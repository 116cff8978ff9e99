#include "consensus/schedule.h"

#include <gtest/gtest.h>

#include <set>

#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

TEST(Schedule, BeforeTheStart_ThereIsNoSlot) {
    const ValidatorSet validators = test_validators({1});
    const Schedule schedule(test_params({}), validators);
    EXPECT_FALSE(schedule.slot_at(test_start - Milliseconds{1}).has_value());
    EXPECT_EQ(schedule.slot_at(test_start), wire::Slot{0});
    EXPECT_EQ(schedule.slot_at(test_start + Milliseconds{999}), wire::Slot{0});
    EXPECT_EQ(schedule.slot_at(test_start + Milliseconds{1000}), wire::Slot{1});
    EXPECT_FALSE(schedule.slot_at(WallTime::max()).has_value());
}

TEST(Schedule, RoundOfThreeSlots_CoversThem) {
    NetworkOptions options;
    options.slots_per_round = 3;
    const ValidatorSet validators = test_validators({1});
    const Schedule schedule(test_params(options), validators);
    EXPECT_EQ(schedule.round_of(wire::Slot{5}), wire::Round{1});
    EXPECT_EQ(schedule.round_of(wire::Slot{6}), wire::Round{2});
    EXPECT_EQ(schedule.first_slot(wire::Round{2}), wire::Slot{6});
    EXPECT_EQ(schedule.round_length(), Milliseconds{3000});
}

TEST(Schedule, RoundWithALead_StartsBeforeItsFirstSlot_AndItsSlotsStayWhereTheyAre) {
    NetworkOptions options;
    options.slots_per_round = 2;
    options.vote_lead = Milliseconds{600};
    const ValidatorSet validators = test_validators({1});
    const Schedule schedule(test_params(options), validators);
    EXPECT_EQ(schedule.start_of(wire::Round{3}), test_start + Milliseconds{5400});
    EXPECT_EQ(schedule.start_of(wire::Slot{6}), test_start + Milliseconds{6000});
    EXPECT_EQ(schedule.first_slot(wire::Round{3}), wire::Slot{6});
    EXPECT_FALSE(schedule.round_at(test_start - Milliseconds{1}).has_value());
    EXPECT_EQ(schedule.round_at(test_start), wire::Round{0});
    EXPECT_EQ(schedule.round_at(test_start + Milliseconds{5399}), wire::Round{2});
    EXPECT_EQ(schedule.round_at(test_start + Milliseconds{5400}), wire::Round{3});
    EXPECT_EQ(schedule.latest_round(test_start + Milliseconds{4399}), wire::Round{2});
    EXPECT_EQ(schedule.latest_round(test_start + Milliseconds{4400}), wire::Round{3});
    EXPECT_FALSE(schedule.round_at(WallTime::max() - Milliseconds{600}).has_value());
}

TEST(Schedule, Leaders_AreDistinctAndAsManyAsThereAre) {
    for (std::size_t count = 1; count <= 5; ++count) {
        const ValidatorSet validators = test_validators(std::vector<std::uint64_t>(count, 7));
        const Schedule schedule(test_params({}), validators);
        for (std::uint32_t slot = 0; slot < 50; ++slot) {
            const Leaders leaders = schedule.leaders(wire::Slot{slot});
            std::set<wire::ValidatorIndex> distinct(leaders.ranked().begin(),
                                                    leaders.ranked().end());
            EXPECT_EQ(distinct.size(), std::min<std::size_t>(count, 3));
            EXPECT_EQ(leaders.ranked().size(), distinct.size());
        }
    }
}

TEST(Schedule, FirstRank_FollowsStake) {
    const ValidatorSet validators = test_validators({60, 30, 10});
    const Schedule schedule(test_params({}), validators);
    std::array<int, 3> first{};
    for (std::uint32_t slot = 0; slot < 10'000; ++slot) {
        ++first[schedule.leaders(wire::Slot{slot}).ranked()[0].value];
    }
    EXPECT_NEAR(first[0], 6000, 200);
    EXPECT_NEAR(first[1], 3000, 200);
    EXPECT_NEAR(first[2], 1000, 150);
}

TEST(Schedule, Leaders_AreTheSameForEverybodyForEver) {
    const ValidatorSet validators = test_validators({5, 4, 3, 2, 1});
    const Schedule schedule(test_params({}), validators);
    std::string drawn;
    for (std::uint32_t slot = 1; slot <= 8; ++slot) {
        const Leaders leaders = schedule.leaders(wire::Slot{slot});
        for (const wire::ValidatorIndex leader : leaders.ranked())
            drawn += std::to_string(leader.value);
        drawn += ' ';
    }
    EXPECT_EQ(drawn, "102 021 102 241 102 024 031 301 ");
}

TEST(Schedule, WithoutStakeLeft_FewerLead) {
    const ValidatorSet validators = test_validators({1, 0, 0});
    const Schedule schedule(test_params({}), validators);
    EXPECT_EQ(schedule.leaders(wire::Slot{1}).ranked().size(), 1U);
}

TEST(Schedule, Acks_GoOutInTheFirstHalfOneAfterTheOther) {
    const ValidatorSet validators = test_validators({1, 1, 1, 1, 1});
    const Schedule schedule(test_params({}), validators);
    std::set<std::vector<std::int64_t>> orders;
    for (std::uint32_t round = 0; round < 20; ++round) {
        std::set<Milliseconds> distinct;
        std::vector<std::int64_t> order;
        for (std::uint16_t i = 0; i < 5; ++i) {
            const Milliseconds offset = schedule.ack_offset(wire::Round{round}, {i});
            EXPECT_GE(offset, Milliseconds{0});
            EXPECT_LT(offset, schedule.round_length() / 2);
            distinct.insert(offset);
            order.push_back(offset.count());
        }
        EXPECT_EQ(distinct.size(), 5U);
        orders.insert(order);
    }
    EXPECT_GT(orders.size(), 10U);
}

TEST(ValidatorSet, Quorum_IsStrictlyMoreThanTwoThirds) {
    const ValidatorSet validators = test_validators({1, 1, 1});
    EXPECT_FALSE(validators.is_quorum({2}));
    EXPECT_TRUE(validators.is_quorum({3}));
    EXPECT_FALSE(validators.is_more_than_third({1}));
    EXPECT_TRUE(validators.is_more_than_third({2}));
}

TEST(ValidatorSet, SixtyFourValidators_FillTheBitmap) {
    const ValidatorSet validators = test_validators(std::vector<std::uint64_t>(64, 3));
    EXPECT_EQ(validators.all(), ~ValidatorBits{0});
    EXPECT_EQ(validators.stake_of(validators.all()).units, 192U);
    EXPECT_EQ(validators.stake_of(bit({63})).units, 3U);
}

}  // namespace
}  // namespace meshchain::consensus::test
