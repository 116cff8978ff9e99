// The bounded work that unverified frames may cause, and who gets it (row A8; PROTOCOL.md P1.6).

#include "mesh/fair_budget.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;
using base::Instant;

constexpr base::Rate rate{.per_minute = 12'000, .burst = 512};
constexpr std::size_t cells = 2'048;

/// Flows as a keyed hash would name them.
std::uint64_t flow(std::uint64_t number) { return base::Random(number).next(); }

struct Load {
    std::uint64_t flows;          ///< that flood
    int frames_a_second;          ///< of all of them together
    base::Duration honest_every;  ///< one frame of the honest flow in this time
};

struct Outcome {
    int honest_sent = 0;
    int honest_passed = 0;
    int flood_passed = 0;
};

/// Two virtual minutes of a flood that is never worth anything, in random order.
Outcome play(const Load& load, std::uint64_t seed) {
    base::Random random(seed);
    Instant now{1h};
    FairBudget budget(now, rate, cells);
    const std::uint64_t honest = flow(1'000'000);
    Outcome outcome;
    Instant honest_next = now + load.honest_every;
    for (int i = 0; i < 120 * load.frames_a_second; ++i) {
        now += base::Duration(1s) / load.frames_a_second;
        outcome.flood_passed += budget.take(now, flow(random.below(load.flows))) ? 1 : 0;
        if (now < honest_next) continue;
        honest_next += load.honest_every;
        ++outcome.honest_sent;
        outcome.honest_passed += budget.take(now, honest) ? 1 : 0;
    }
    return outcome;
}

TEST(FairBudget, FloodUnderOneName_TakesItsRateAndNothingFromTheOthers) {
    const Outcome outcome = play({.flows = 1, .frames_a_second = 2'000, .honest_every = 100ms}, 1);
    EXPECT_EQ(outcome.honest_passed, outcome.honest_sent);
    EXPECT_LE(outcome.flood_passed, 120 * 200 + 512);
}

TEST(FairBudget, FloodUnderAThousandNames_LeavesAnHonestOneItsShare) {
    // 200 a second for 1,001 names: one in five seconds each.
    const Outcome outcome =
        play({.flows = 1'000, .frames_a_second = 5'000, .honest_every = 10s}, 2);
    EXPECT_GE(outcome.honest_passed, outcome.honest_sent - 1);
    const Outcome greedy = play({.flows = 1'000, .frames_a_second = 2'000, .honest_every = 1s}, 3);
    EXPECT_GE(greedy.honest_passed, 120 / 5 * 3 / 4) << "who asks for more gets his share";
}

TEST(FairBudget, MoreNamesThanItCanTellApart_StillCostNoMoreThanTheRate) {
    const Outcome outcome =
        play({.flows = 1'000'000, .frames_a_second = 1'000, .honest_every = 1s}, 4);
    EXPECT_LE(outcome.flood_passed + outcome.honest_passed, 120 * 200 + 512);
}

TEST(FairBudget, UsefulWork_IsPaidBackAndCountsAgainstNobody) {
    Instant now{1h};
    FairBudget budget(now, rate, cells);
    for (int i = 0; i < 100'000; ++i) {
        ASSERT_TRUE(budget.take(now, flow(1)));
        budget.give_back(flow(1));
    }
    int passed = 0;
    while (budget.take(now, flow(1))) ++passed;
    EXPECT_GE(passed, 256);
}

TEST(FairBudget, NetworkOfManyHosts_CountsAsAFewOfThem) {
    base::Random random(5);
    Instant now{1h};
    FairBudget budget(now, rate, cells, FairBudget::Groups::some);
    int honest_passed = 0;
    for (int i = 0; i < 120 * 5'000; ++i) {
        now += 200us;
        // 20,000 hosts of one network: each new to us.
        budget.take(now, flow(random.below(20'000)), flow(7'000'000));
        if (i % 5'000 == 0) honest_passed += budget.take(now, flow(8'000'000), flow(8'000'001));
    }
    EXPECT_GE(honest_passed, 118);
}

TEST(FairBudget, BadHost_DoesNotShutOutItsNeighbours) {
    Instant now{1h};
    FairBudget budget(now, rate, cells, FairBudget::Groups::some);
    int neighbour_passed = 0;
    for (int i = 0; i < 60 * 2'000; ++i) {
        now += 500us;
        budget.take(now, flow(1), flow(7'000'000));
        if (i % 2'000 == 0) neighbour_passed += budget.take(now, flow(2), flow(7'000'000));
    }
    EXPECT_EQ(neighbour_passed, 60);
}

TEST(UsageSketch, Estimate_IsNeverTooLowAndSeldomTooHigh) {
    base::Random random(6);
    UsageSketch sketch(cells);
    std::vector<std::uint32_t> truth(1'000);
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t number = random.below(truth.size());
        sketch.add(flow(number));
        ++truth[number];
    }
    std::size_t exact = 0;
    for (std::uint64_t i = 0; i < truth.size(); ++i) {
        EXPECT_GE(sketch.estimate(flow(i)), truth[i]);
        exact += sketch.estimate(flow(i)) == truth[i] ? 1U : 0U;
    }
    EXPECT_GE(exact, 950U);
    EXPECT_EQ(sketch.total(), 20'000U);
    EXPECT_NEAR(static_cast<double>(sketch.active()), 800, 100);
}

TEST(UsageSketch, WhatIsTakenBack_LeavesNoTrace) {
    UsageSketch sketch(16);
    for (std::uint64_t i = 0; i < 100; ++i) sketch.add(flow(i));
    for (std::uint64_t i = 0; i < 100; ++i) sketch.remove(flow(i));
    for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(sketch.estimate(flow(i)), 0U);
    EXPECT_EQ(sketch.total(), 0U);
    EXPECT_EQ(sketch.active(), 0U);
}

TEST(UsageSketch, Halving_ForgetsWhatIsNotRepeated) {
    UsageSketch sketch(cells);
    for (int i = 0; i < 100; ++i) sketch.add(flow(1));
    sketch.halve();
    EXPECT_EQ(sketch.estimate(flow(1)), 50U);
    for (int i = 0; i < 6; ++i) sketch.halve();
    EXPECT_EQ(sketch.estimate(flow(1)), 0U);
    EXPECT_EQ(sketch.active(), 0U);
    for (int i = 0; i < 70'000; ++i) sketch.add(flow(2));
    EXPECT_EQ(sketch.estimate(flow(2)), 65'535U);
    EXPECT_EQ(sketch.total(), 65'535U);
}

}  // namespace
}  // namespace meshchain::mesh
