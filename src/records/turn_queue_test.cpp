#include "records/turn_queue.h"

#include <gtest/gtest.h>

#include <vector>

namespace meshchain::records {
namespace {

wire::RecordId named(std::uint8_t number) {
    wire::RecordId id;
    id.bytes[0] = std::byte{number};
    return id;
}

TEST(TurnQueueTest, HigherRanksLeaveFirst_AndOfEqualsThoseThatCameFirst) {
    TurnQueue queue;
    EXPECT_EQ(queue.pop(), std::nullopt);
    queue.push(named(1), 0);
    queue.push(named(2), 3);
    queue.push(named(3), 1);
    queue.push(named(4), 3);
    queue.push(named(1), 3);  // waits already
    queue.push(named(5), 3);
    queue.erase(named(5));
    EXPECT_EQ(queue.size(), 4U);
    std::vector<wire::RecordId> order;
    while (const auto id = queue.pop()) order.push_back(*id);
    EXPECT_EQ(order, (std::vector{named(2), named(4), named(3), named(1)}));
}

TEST(TurnQueueTest, LowOne_LeavesWithinEightTurns_HoweverManyHighOnesCome) {
    TurnQueue queue;
    queue.push(named(0), 0);
    std::uint8_t turns = 0;
    for (; turns < 100 && queue.contains(named(0)); ++turns) {
        queue.push(named(turns + 1), 3);
        queue.push(named(turns + 101), 3);
        queue.pop();
    }
    EXPECT_EQ(turns, TurnQueue::longest_each);
}

TEST(TurnQueueTest, WhatGivesWay_IsTheLowestThatCameLast_AndNothingOfTheSameRank) {
    TurnQueue queue;
    EXPECT_EQ(queue.below(3), std::nullopt);
    queue.push(named(1), 1);
    queue.push(named(2), 2);
    queue.push(named(3), 1);
    EXPECT_EQ(queue.below(1), std::nullopt);
    EXPECT_EQ(queue.below(2), named(3));
}

}  // namespace
}  // namespace meshchain::records
