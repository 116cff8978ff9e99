#include "runtime/priority_queue.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/random.h"

namespace meshchain::runtime {
namespace {

TEST(PriorityQueue, Full_RefusesAndKeepsWhatItHolds) {
    PriorityQueue<int> queue(2);
    EXPECT_TRUE(queue.push(1, 10));
    EXPECT_TRUE(queue.push(3, 30));
    EXPECT_FALSE(queue.push(3, 31));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.pop(), 30);
    EXPECT_TRUE(queue.push(0, 0));
    EXPECT_EQ(queue.pop(), 10);
    EXPECT_EQ(queue.pop(), 0);
    EXPECT_TRUE(queue.empty());
}

TEST(PriorityQueue, Empty_PopAsserts) {
    PriorityQueue<int> queue(2);
    EXPECT_DEATH(queue.pop(), "waiting_ != 0");
}

TEST(PriorityQueue, LeavesByPriorityThenByArrival) {
    PriorityQueue<int> queue(8);
    for (const int value : {11, 31, 12, 1, 32, 21}) {
        ASSERT_TRUE(queue.push(static_cast<unsigned>(value / 10), value));
    }
    for (const int expected : {31, 32, 21, 11, 12, 1}) EXPECT_EQ(queue.pop(), expected);
}

TEST(PriorityQueue, AnElementLentByPop_SurvivesPushesUntilTheNextPop) {
    PriorityQueue<int> queue(2);
    ASSERT_TRUE(queue.push(0, 1));
    const int& lent = queue.pop();
    ASSERT_TRUE(queue.push(0, 2));
    ASSERT_TRUE(queue.push(0, 3));
    EXPECT_EQ(lent, 1);
}

TEST(PriorityQueue, UnderAFloodOfUrgentWork_ThePromisedShareGoesToTheOthers) {
    constexpr unsigned patience = PriorityQueue<int>::patience;
    PriorityQueue<int> queue(8);
    for (unsigned level = 0; level < 4; ++level) {
        ASSERT_TRUE(queue.push(level, static_cast<int>(level)));
    }
    std::vector<int> left;
    for (unsigned i = 0; i < patience + 3; ++i) {
        const int value = queue.pop();
        left.push_back(value);
        if (value == 3) {
            ASSERT_TRUE(queue.push(3, 3));
        }
    }
    // The lowest leaves after patience + 2 others, the ones between just before it.
    std::vector<int> expected(patience, 3);
    expected.insert(expected.end(), {2, 1, 0});
    EXPECT_EQ(left, expected);
}

/// Whatever is pushed in whatever mixture: order of arrival within a level, and no head of a level
/// sees more than patience + 2 others leave.
TEST(PriorityQueue, AnyHistory_KeepsArrivalOrderAndTheBoundOnWaiting) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Random random(seed);
        PriorityQueue<int> queue(40);
        std::array<std::deque<int>, 4> model;
        std::array<unsigned, 4> waited{};
        for (int step = 0; step < 5000; ++step) {
            const auto level = static_cast<unsigned>(std::max(random.below(4), random.below(4)));
            const bool room = queue.size() < queue.capacity();
            if (random.chance(11, 20)) {
                ASSERT_EQ(queue.push(level, step), room);
                if (room) model[level].push_back(step);
            } else if (!queue.empty()) {
                const int value = queue.pop();
                unsigned from = 0;
                while (model[from].empty() || model[from].front() != value) ASSERT_LT(++from, 4U);
                model[from].pop_front();
                waited[from] = 0;
                for (unsigned other = 0; other < 4; ++other) {
                    if (other == from || model[other].empty()) continue;
                    ASSERT_LE(++waited[other], PriorityQueue<int>::patience + 2);
                }
            }
        }
    }
}

}  // namespace
}  // namespace meshchain::runtime
