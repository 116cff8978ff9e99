#include "ledger/fee_balance.h"

#include <gtest/gtest.h>

#include "ledger/test_payments.h"

namespace meshchain::ledger {
namespace {

TEST(FeeBalanceTest, Element_IsAsSpecified) {
    const base::Buffer bytes = base::from_hex("096d632f666565732f310003000000002a").value();
    EXPECT_EQ(fee_hash({{3}, {42}}), crypto::hash(bytes));
}

TEST(FeeBalanceTest, MovingABalanceToAnotherValidator_IsAnotherState) {
    const Genesis genesis = test::genesis_with(1, 1, 1000, 2);
    crypto::SetHash honest = genesis_state(genesis);
    crypto::SetHash moved = honest;
    add(FeeBalance{{0}, {7}}, honest);
    add(FeeBalance{{1}, {7}}, moved);
    EXPECT_NE(honest.digest(), moved.digest());
    EXPECT_NE(honest.digest(), genesis_state(genesis).digest());
}

TEST(FeeBalanceTest, SplittingABalance_IsAnotherState) {
    crypto::SetHash whole;
    crypto::SetHash split;
    add(FeeBalance{{0}, {7}}, whole);
    add(FeeBalance{{0}, {3}}, split);
    add(FeeBalance{{0}, {4}}, split);
    EXPECT_NE(whole, split);
}

TEST(FeeBalanceTest, Zero_LeavesNoTrace) {
    crypto::SetHash state;
    add(FeeBalance{{5}, {0}}, state);
    remove(FeeBalance{{6}, {0}}, state);
    EXPECT_EQ(state, crypto::SetHash());
}

TEST(FeeBalanceTest, ABlocksEffects_MoveTheProposersBalanceAndBack) {
    crypto::SetHash state;
    add(FeeBalance{{1}, {10}}, state);
    const crypto::SetHash before = state;
    BlockEffects effects;
    effects.proposer = {1};
    effects.fees = {5};
    apply(effects, {10}, {15}, state);
    crypto::SetHash expected;
    add(FeeBalance{{1}, {15}}, expected);
    EXPECT_EQ(state, expected);
    revert(effects, {10}, {15}, state);
    EXPECT_EQ(state, before);
}

}  // namespace
}  // namespace meshchain::ledger
