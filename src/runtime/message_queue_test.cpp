#include "runtime/message_queue.h"

#include <gtest/gtest.h>

namespace meshchain::runtime {
namespace {

using namespace std::chrono_literals;
using base::Errc;
using base::Instant;

Instant at(base::Duration since_start) { return Instant{since_start}; }
Message message(std::uint16_t type, std::size_t bytes = 0) {
    return {.type = type, .data = base::Buffer(bytes)};
}

TEST(MessageQueue, Full_RefusesLeavesTheMessageWithTheCallerAndCounts) {
    MessageQueue queue;
    for (std::uint16_t i = 0; i < 100; ++i) ASSERT_TRUE(queue.enqueue(at(0s), message(i)));
    Message late = message(100, 3);
    const auto refused = queue.enqueue(at(0s), std::move(late));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::full);
    EXPECT_EQ(late.data.size(), 3U);
    EXPECT_EQ(queue.statistics().rejected, 1U);
    EXPECT_EQ(queue.statistics().peak, 100U);
}

TEST(MessageQueue, PayloadsOverTheByteLimit_AreRefused) {
    MessageQueue queue({.bytes_max = 10});
    EXPECT_EQ(queue.enqueue(at(0s), message(1, 11)).error().code, Errc::too_large);
    EXPECT_TRUE(queue.enqueue(at(0s), message(2, 6)));
    EXPECT_EQ(queue.enqueue(at(0s), message(3, 5)).error().code, Errc::full);
    EXPECT_TRUE(queue.enqueue(at(0s), message(4, 4)));
    EXPECT_EQ(queue.bytes(), 10U);
    EXPECT_TRUE(queue.dequeue(at(0s)));
    EXPECT_EQ(queue.bytes(), 4U);
}

TEST(MessageQueue, AMessageTooOld_IsNeverHandedOut) {
    MessageQueue queue({.age_max = 10s});
    ASSERT_TRUE(queue.enqueue(at(0s), message(1)));
    ASSERT_TRUE(queue.enqueue(at(5s), message(2)));
    EXPECT_EQ(queue.dequeue(at(10s + 1ns))->type, 2);
    EXPECT_FALSE(queue.dequeue(at(11s)));
    EXPECT_EQ(queue.statistics().expired, 1U);
    EXPECT_EQ(queue.statistics().dequeued, 1U);
}

TEST(MessageQueue, AMessageOfExactlyTheGreatestAge_IsStillHandedOut) {
    MessageQueue queue({.age_max = 10s});
    ASSERT_TRUE(queue.enqueue(at(0s), message(1)));
    EXPECT_TRUE(queue.dequeue(at(10s)));
}

TEST(MessageQueue, OldMessagesMakeRoomForNewOnes) {
    MessageQueue queue({.messages_max = 1, .age_max = 10s});
    ASSERT_TRUE(queue.enqueue(at(0s), message(1)));
    EXPECT_FALSE(queue.enqueue(at(10s), message(2)));
    EXPECT_TRUE(queue.enqueue(at(11s), message(3)));
    EXPECT_EQ(queue.dequeue(at(11s))->type, 3);
}

// P5-17, N-11 of the audit: dequeue polled for a tenth of a second, or hung for ever.
TEST(MessageQueue, P5_17_AnEmptyQueue_AnswersAtOnce) {
    MessageQueue queue;
    EXPECT_FALSE(queue.dequeue(at(0s)));
}

TEST(MessageQueue, KeepsTheOrderOfArrival) {
    MessageQueue queue({.messages_max = 3});
    std::uint16_t next = 0;
    for (std::uint16_t i = 0; i < 50; ++i) {
        ASSERT_TRUE(queue.enqueue(at(0s), message(i)));
        if (i >= 2) {
            EXPECT_EQ(queue.dequeue(at(0s))->type, next++);
        }
    }
}

TEST(MessageQueue, ARetry_GoesToTheEndKeepsItsAgeAndIsLimited) {
    MessageQueue queue({.age_max = 10s, .retries_max = 2});
    ASSERT_TRUE(queue.enqueue(at(0s), message(1)));
    ASSERT_TRUE(queue.enqueue(at(0s), message(2)));
    ASSERT_TRUE(queue.retry(at(1s), *queue.dequeue(at(1s))));
    EXPECT_EQ(queue.dequeue(at(1s))->type, 2);
    std::optional<Message> again = queue.dequeue(at(2s));
    EXPECT_EQ(again->retry_count, 1);
    EXPECT_EQ(again->queued_at, at(0s));
    ASSERT_TRUE(queue.retry(at(2s), *again));
    EXPECT_EQ(queue.retry(at(3s), *queue.dequeue(at(3s))).error().code, Errc::timeout);
    EXPECT_EQ(queue.statistics().retried, 2U);
    EXPECT_EQ(queue.statistics().abandoned, 1U);
    EXPECT_TRUE(queue.empty());
}

TEST(MessageQueue, ARetryWithoutRoom_IsGivenUpAndCounted) {
    MessageQueue queue({.messages_max = 1});
    ASSERT_TRUE(queue.enqueue(at(0s), message(1)));
    Message taken = *queue.dequeue(at(0s));
    ASSERT_TRUE(queue.enqueue(at(0s), message(2)));
    EXPECT_EQ(queue.retry(at(0s), taken).error().code, Errc::full);
    EXPECT_EQ(queue.statistics().abandoned, 1U);
}

}  // namespace
}  // namespace meshchain::runtime
