#include "mesh/sequence_window.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

#include "base/random.h"

namespace meshchain::mesh {
namespace {

TEST(SequenceWindow, EachNumberOfAShuffledRun_IsTakenExactlyOnce) {
    base::Random random(3);
    for (int run = 0; run < 100; ++run) {
        SequenceWindow window;
        std::vector<std::uint64_t> numbers(40);
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 1'000 + i;
        for (std::size_t i = numbers.size(); i > 1; --i) {
            std::swap(numbers[i - 1], numbers[random.below(i)]);
        }
        for (const std::uint64_t number : numbers) {
            ASSERT_TRUE(window.is_new(number)) << "run " << run;
            window.take(number);
            ASSERT_FALSE(window.is_new(number)) << "run " << run;
        }
        for (const std::uint64_t number : numbers) ASSERT_FALSE(window.is_new(number));
        EXPECT_EQ(window.highest(), 1'039U);
    }
}

TEST(SequenceWindow, AgreesWithASetOfAllThatWasTaken) {
    base::Random random(4);
    SequenceWindow window;
    std::set<std::uint64_t> taken;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t highest = taken.empty() ? 500 : *taken.rbegin();
        const std::uint64_t number = highest + random.below(140) - 70;
        const bool expected = !taken.contains(number) &&
                              (number > highest || highest - number < SequenceWindow::width);
        ASSERT_EQ(window.is_new(number), taken.empty() || expected) << "step " << i;
        if (!window.is_new(number)) continue;
        window.take(number);
        taken.insert(number);
    }
}

TEST(SequenceWindow, ExtremeNumbers_AreHandledLikeOthers) {
    SequenceWindow window;
    constexpr std::uint64_t last = ~std::uint64_t{0};
    window.take(0);
    EXPECT_FALSE(window.is_new(0));
    window.take(last);
    EXPECT_FALSE(window.is_new(last));
    EXPECT_TRUE(window.is_new(last - 63));
    EXPECT_FALSE(window.is_new(last - 64));
    EXPECT_FALSE(window.is_new(0));
}

TEST(SequenceWindow, BegunAtANumber_KnowsNothingOlder) {
    SequenceWindow window;
    window.begin_at(500);
    EXPECT_FALSE(window.is_new(500));
    EXPECT_FALSE(window.is_new(499));
    EXPECT_FALSE(window.is_new(500 - SequenceWindow::width));
    EXPECT_TRUE(window.is_new(501));
    window.take(502);
    EXPECT_TRUE(window.is_new(501));
}

}  // namespace
}  // namespace meshchain::mesh
