#include "model/finality_model.h"

#include <gtest/gtest.h>

#include "base/test_effort.h"

namespace meshchain::model {
namespace {

Outcome explore(const Scenario& scenario) { return Explorer(scenario).run(); }

/// One set for ever: validators 0 to 2, and 3, which equivocates.
Scenario one_epoch(std::vector<int> parents, int rounds) {
    Scenario scenario;
    scenario.faulty = 0b1000;
    scenario.rounds = rounds;
    std::vector<int> depth{0};
    scenario.blocks.push_back({0, 0, 0, false, {0b1111}});
    for (const int parent : parents) {
        depth.push_back(depth[static_cast<std::size_t>(parent)] + 1);
        scenario.blocks.push_back({parent, depth.back(), 0, false, {0b1111}});
    }
    return scenario;
}

// 0 to 2, and later 3 to 5, are honest; 6 equivocates and has a seat in every set.
constexpr Bits old_set = 0b1000111;
constexpr Bits new_set = 0b1111000;

/// The root is in epoch 1, whose set and the one before are old. Block 1 goes on without a change.
/// Block 2, beside it, raises to epoch 2, whose set is all new: nobody but the faulty one is in
/// both.
Scenario handover(int rounds) {
    Scenario scenario;
    scenario.validators = 7;
    scenario.faulty = 0b1000000;
    scenario.rounds = rounds;
    const std::vector<Bits> sets{old_set, old_set, new_set, new_set};
    scenario.blocks = {{0, 0, 1, false, sets}, {0, 1, 1, false, sets}, {0, 2, 2, true, sets}};
    return scenario;
}

/// The root is in epoch 0. Block 1 goes on; blocks 2, 3 and 4 raise to epochs 1, 2 and 3 beside it.
Scenario race(int rounds) {
    Scenario scenario = handover(rounds);
    const std::vector<Bits> sets{old_set, old_set, new_set, new_set};
    scenario.blocks = {{0, 0, 0, false, sets},
                       {0, 1, 0, false, sets},
                       {0, 2, 1, true, sets},
                       {2, 3, 2, true, sets},
                       {3, 4, 3, true, sets}};
    return scenario;
}

TEST(FinalityModelTest, OneEquivocatorOfFour_NeverFinalisesTwoBranches) {
    for (const auto& parents : {std::vector<int>{0, 0}, {0, 0, 1}, {0, 1, 0}, {0, 0, 1, 2}}) {
        const int rounds = parents.size() == 2 ? test::effort(3, 4) : 3;
        const Outcome outcome = explore(one_epoch(parents, rounds));
        EXPECT_FALSE(outcome.conflict) << *outcome.conflict;
        EXPECT_TRUE(outcome.any_final);
    }
}

TEST(FinalityModelTest, TwoEquivocatorsOfFour_FinaliseBothBranches) {
    Scenario scenario = one_epoch({0, 0}, 3);
    scenario.faulty = 0b1100;
    EXPECT_TRUE(explore(scenario).conflict);
}

TEST(FinalityModelTest, WithoutAnyOneRuleOfVoting_TwoBranchesAreFinal) {
    const auto breaks = [](int rounds, auto&& leave_out) {
        Scenario scenario = one_epoch({0, 0}, rounds);
        leave_out(scenario.rules);
        return explore(scenario).conflict.has_value();
    };
    EXPECT_TRUE(breaks(3, [](Rules& rules) { rules.one_vote_a_round = false; }));
    EXPECT_TRUE(breaks(4, [](Rules& rules) { rules.source_never_falls = false; }));
    EXPECT_TRUE(breaks(4, [](Rules& rules) { rules.exact_source = false; }));
}

TEST(FinalityModelTest, AChangeOfTheWholeSet_NeverFinalisesTwoBranches) {
    const Outcome outcome = explore(handover(2));
    EXPECT_FALSE(outcome.conflict) << *outcome.conflict;
    EXPECT_TRUE(outcome.any_final);
}

TEST(FinalityModelTest, WithoutTheSetOfTheEpochBefore_TheOldAndTheNewFinaliseApart) {
    Scenario scenario = handover(3);
    scenario.rules.previous_set_too = false;
    EXPECT_TRUE(explore(scenario).conflict);
}

TEST(FinalityModelTest, EpochsThatRiseWithoutFinality_LetANewSetFinaliseApart) {
    Scenario scenario = race(2);
    EXPECT_FALSE(explore(scenario).conflict);
    scenario.rules.raise_needs_final = false;
    EXPECT_TRUE(explore(scenario).conflict);
}

}  // namespace
}  // namespace meshchain::model
