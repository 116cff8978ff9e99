#include "sim/event_queue.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace meshchain::sim {
namespace {

base::Instant at(int seconds) { return base::Instant{std::chrono::seconds(seconds)}; }

TEST(EventQueue, OneInstant_KeepsTheOrderOfAnnouncement) {
    EventQueue<int> queue;
    for (int i = 0; i < 100; ++i) queue.push(at(7), i);
    queue.push(at(3), 100);
    EXPECT_EQ(queue.pop().what, 100);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(queue.pop().what, i);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.next_time(), base::never);
}

TEST(EventQueue, RandomTimes_ComeOutAscending) {
    base::Random random(5);
    EventQueue<int> queue;
    for (int i = 0; i < 1000; ++i) queue.push(at(static_cast<int>(random.below(50))), i);
    auto last = queue.pop();
    while (!queue.empty()) {
        const auto next = queue.pop();
        ASSERT_TRUE(last.at < next.at || (last.at == next.at && last.sequence < next.sequence));
        last = next;
    }
}

TEST(EventQueueDeathTest, AnEventInThePast_IsOurBug) {
    EventQueue<int> queue;
    queue.push(at(7), 1);
    queue.pop();
    EXPECT_DEATH(queue.push(at(6), 2), "taken_");
}

}  // namespace
}  // namespace meshchain::sim
