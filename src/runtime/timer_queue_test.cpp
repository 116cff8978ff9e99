#include "runtime/timer_queue.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "base/random.h"

namespace meshchain::runtime {
namespace {

using base::Instant;

TimerQueue::Entry entry(std::int64_t due, std::uint32_t order) {
    return {Instant{base::Duration{due}}, order, order};
}

TEST(TimerQueue, FullOrEmpty_MisuseAsserts) {
    TimerQueue queue(1);
    EXPECT_DEATH(queue.pop(), "empty");
    queue.push(entry(1, 1));
    EXPECT_DEATH(queue.push(entry(2, 2)), "full");
}

TEST(TimerQueue, TiesLeaveInOrderOfArrival_EvenWhereTheCounterWraps) {
    TimerQueue queue(100);
    for (std::uint32_t n = 0; n < 100; ++n) queue.push(entry(5, n - 50));
    for (std::uint32_t n = 0; n < 100; ++n) {
        EXPECT_EQ(queue.top().order, n - 50);
        queue.pop();
    }
}

/// The patterns in which entries may come: each draws the due time of the n-th entry.
std::int64_t due_time(unsigned pattern, std::int64_t n, std::int64_t earliest,
                      base::Random& random) {
    switch (pattern) {
        case 0: return static_cast<std::int64_t>(random.below(1'000'000));
        case 1: return n;                                                        // rising
        case 2: return 1'000'000 - n;                                            // falling
        case 3: return static_cast<std::int64_t>(random.below(3));               // nearly all ties
        case 4: return earliest + static_cast<std::int64_t>(random.below(100));  // always near
        default: return n % 2 == 0 ? n : 1'000'000 - n;                          // from both ends
    }
}

TEST(TimerQueue, AnyHistory_LeavesInTheOrderOfASet) {
    for (unsigned pattern = 0; pattern < 6; ++pattern) {
        for (std::uint64_t seed = 1; seed <= 6; ++seed) {
            SCOPED_TRACE("pattern " + std::to_string(pattern) + " seed " + std::to_string(seed));
            base::Random random(seed);
            TimerQueue queue(3000);
            std::set<std::pair<std::int64_t, std::uint32_t>> model;
            const std::uint64_t pushes = 4 + random.below(5);  // of ten steps; the rest pop
            for (std::uint32_t step = 1; step <= 6000; ++step) {
                if (random.below(10) < pushes && !queue.full()) {
                    const std::int64_t earliest = model.empty() ? 0 : model.begin()->first;
                    const std::int64_t due = due_time(pattern, step, earliest, random);
                    queue.push(entry(due, step));
                    model.emplace(due, step);
                } else if (!model.empty()) {
                    queue.pop();
                    model.erase(model.begin());
                }
                if (random.below(2000) == 0) {
                    queue.remove_if([](const auto& each) { return each.order % 3 == 0; });
                    std::erase_if(model, [](const auto& each) { return each.second % 3 == 0; });
                }
                ASSERT_EQ(queue.size(), model.size());
                if (!model.empty()) {
                    ASSERT_EQ(queue.top().order, model.begin()->second);
                }
                if (step % 100 == 0) queue.check_invariants();
            }
        }
    }
}

}  // namespace
}  // namespace meshchain::runtime
