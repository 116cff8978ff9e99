#include "chain/request_turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "ledger/test_payments.h"

namespace meshchain::chain {
namespace {

using Turns = RequestTurns<int>;

crypto::PublicKey peer(int number) {
    return ledger::test::person(static_cast<std::uint32_t>(number)).public_key();
}

TEST(RequestTurnsTest, APeersOwnQueue_IsAllItCanFill) {
    Turns turns;
    for (std::size_t i = 0; i < Turns::requests_max; ++i) EXPECT_TRUE(turns.add(peer(1), 1));
    EXPECT_FALSE(turns.add(peer(1), 1));
    EXPECT_TRUE(turns.add(peer(2), 2));
}

TEST(RequestTurnsTest, MorePeersThanThereIsRoomFor_AreRefused) {
    Turns turns;
    for (std::size_t i = 0; i < Turns::peers_max; ++i) {
        EXPECT_TRUE(turns.add(peer(static_cast<int>(i)), 0));
    }
    EXPECT_FALSE(turns.add(peer(1000), 0));
    turns.forget(peer(3));
    EXPECT_TRUE(turns.add(peer(1000), 0));
}

TEST(RequestTurnsTest, Peers_TakeTurns_EachInItsOwnOrder) {
    Turns turns;
    for (int i = 0; i < 3; ++i) turns.add(peer(1), 10 + i);
    turns.add(peer(2), 20);
    std::vector<int> order;
    while (const auto turn = turns.next()) order.push_back(turn->second);
    EXPECT_EQ(order.size(), 4U);
    EXPECT_LE(std::ranges::find(order, 20) - order.begin(), 1) << "not behind all of the other's";
    std::erase(order, 20);
    EXPECT_EQ(order, (std::vector{10, 11, 12}));
}

TEST(RequestTurnsTest, WorkThatIsDone_EndsTheTurnsUntilItIsRenewed) {
    Turns turns;
    for (int i = 0; i < 3; ++i) turns.add(peer(1), i);
    EXPECT_FALSE(turns.is_held_back());
    ASSERT_TRUE(turns.next());
    turns.spend(Turns::work_max);
    EXPECT_FALSE(turns.next());
    EXPECT_TRUE(turns.is_held_back());
    turns.renew();
    EXPECT_TRUE(turns.next());
}

}  // namespace
}  // namespace meshchain::chain
