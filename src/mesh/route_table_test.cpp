// Learned ways: which is taken, what a failure costs it, and what clears it (row F9).

#include "mesh/route_table.h"

#include <gtest/gtest.h>

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;

crypto::PublicKey key(std::uint32_t number) {
    crypto::PublicKey key;
    base::FixedWriter(key.bytes).u32(number);
    return key;
}

class RouteTableTest : public testing::Test {
protected:
    std::optional<std::uint32_t> best(std::initializer_list<std::uint32_t> unusable = {}) {
        const auto found = table_.best(now_, destination_, [&](const crypto::PublicKey& peer) {
            return std::ranges::none_of(unusable, [&](auto n) { return key(n) == peer; });
        });
        if (!found) return std::nullopt;
        return base::Reader(found->peer.bytes).u32();
    }

    RouteTable table_{100};
    base::Instant now_{1h};
    const crypto::PublicKey destination_ = key(1'000);
};

TEST_F(RouteTableTest, NothingLearned_IsNoWay) { EXPECT_FALSE(best()); }

TEST_F(RouteTableTest, TheShortestUsableWay_IsTaken) {
    table_.learn(now_, destination_, key(1), 4);
    table_.learn(now_, destination_, key(2), 2);
    table_.learn(now_, destination_, key(3), 3);
    EXPECT_EQ(best(), 2U);
    EXPECT_EQ(best({2}), 3U);
    EXPECT_FALSE(best({1, 2, 3}));
}

TEST_F(RouteTableTest, WhatWasLearned_ExpiresUnlessItIsLearnedAgain) {
    table_.learn(now_, destination_, key(1), 2);
    now_ += RouteTable::lifetime - 1s;
    EXPECT_EQ(best(), 1U);
    table_.learn(now_, destination_, key(1), 2);
    now_ += 2s;
    EXPECT_EQ(best(), 1U);
    now_ += RouteTable::lifetime;
    EXPECT_FALSE(best());
}

TEST_F(RouteTableTest, AFailedWay_GivesWayToALongerOneUntilItsPenaltyEnds) {
    table_.learn(now_, destination_, key(1), 2);
    table_.learn(now_, destination_, key(2), 5);
    table_.penalise(now_, destination_, key(1));
    EXPECT_EQ(best(), 2U);
    EXPECT_EQ(best({2}), 1U);  // better than none
    now_ += RouteTable::penalty_min;
    EXPECT_EQ(best(), 1U);
}

TEST_F(RouteTableTest, EachFailureDoublesThePenalty_AReceiptClearsIt) {
    table_.learn(now_, destination_, key(2), 5);
    base::Duration expected = RouteTable::penalty_min;
    for (int failure = 0; failure < 6; ++failure) {
        table_.learn(now_, destination_, key(1), 2);  // what a liar goes on claiming
        table_.penalise(now_, destination_, key(1));
        now_ += expected - 1s;
        table_.learn(now_, destination_, key(1), 2);
        table_.learn(now_, destination_, key(2), 5);
        EXPECT_EQ(best(), 2U) << failure;
        now_ += 1s;
        EXPECT_EQ(best(), 1U) << failure;
        expected = std::min(2 * expected, RouteTable::penalty_max);
    }
    table_.penalise(now_, destination_, key(1));
    table_.confirm(now_, destination_, key(1));
    EXPECT_EQ(best(), 1U);
    table_.penalise(now_, destination_, key(1));
    now_ += RouteTable::penalty_min;
    table_.learn(now_, destination_, key(1), 2);
    EXPECT_EQ(best(), 1U);
}

TEST_F(RouteTableTest, ManyWays_NeverPushOutTheMemoryOfAFailure) {
    table_.learn(now_, destination_, key(1), 1);
    table_.penalise(now_, destination_, key(1));
    for (std::uint32_t i = 2; i < 50; ++i) table_.learn(now_, destination_, key(i), 6);
    table_.learn(now_, destination_, key(1), 1);
    EXPECT_NE(best(), 1U);
}

TEST_F(RouteTableTest, Destinations_AreBounded_TheLeastUsedLeavesFirst) {
    table_.learn(now_, destination_, key(1), 2);
    for (std::uint32_t i = 2'000; i < 4'000; ++i) {
        table_.learn(now_, key(i), key(1), 2);
        EXPECT_TRUE(best());
    }
    EXPECT_EQ(table_.size(), table_.capacity());
}

}  // namespace
}  // namespace meshchain::mesh
