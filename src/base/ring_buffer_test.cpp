#include "base/ring_buffer.h"

#include <memory>

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

TEST(RingBuffer, Full_RefusesAndKeepsItsContent) {
    RingBuffer<int> ring(2);
    EXPECT_TRUE(ring.push(1));
    EXPECT_TRUE(ring.push(2));
    EXPECT_FALSE(ring.push(3));
    EXPECT_EQ(ring.pop(), 1);
    EXPECT_EQ(ring.pop(), 2);
}

TEST(RingBuffer, Empty_HasNothingToGive) {
    RingBuffer<int> ring(1);
    EXPECT_EQ(ring.pop(), std::nullopt);
    ASSERT_TRUE(ring.push(1));
    ring.pop();
    EXPECT_EQ(ring.pop(), std::nullopt);
}

TEST(RingBuffer, Order_SurvivesManyTurnsOfTheRing) {
    RingBuffer<int> ring(3);
    int pushed = 0;
    int popped = 0;
    for (int turn = 0; turn < 100; ++turn) {
        while (ring.push(pushed)) ++pushed;
        EXPECT_EQ(ring.size(), ring.capacity());
        for (int i = 0; i <= turn % 3; ++i) {
            EXPECT_EQ(ring.front(), popped);
            EXPECT_EQ(ring.pop(), popped++);
        }
    }
}

TEST(RingBuffer, Popped_ReleasesWhatItHeld) {
    RingBuffer<std::shared_ptr<int>> ring(2);
    const auto value = std::make_shared<int>(1);
    ASSERT_TRUE(ring.push(value));
    ring.pop();
    EXPECT_EQ(value.use_count(), 1);
}

TEST(RingBufferDeathTest, Misuse_Asserts) {
    EXPECT_DEATH(RingBuffer<int>(0), "assertion failed");
    EXPECT_DEATH((void)RingBuffer<int>(1).front(), "assertion failed");
}

}  // namespace
}  // namespace meshchain::base
