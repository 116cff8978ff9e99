#include "consensus/fork_choice.h"

#include <gtest/gtest.h>

#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

class ForkChoiceTest : public testing::Test {
protected:
    ForkChoiceTest() : validators_(test_validators({1, 1, 1, 1, 1})), choice_(validators_) {
        root_.timely = true;
    }

    /// A child of `parent` that nobody is noted to support.
    BlockRef add(std::uint8_t name, const BlockRef& parent, std::uint32_t slot,
                 std::uint8_t rank = 0, bool timely = true) {
        BlockRef block;
        block.hash.bytes[0] = static_cast<std::byte>(name);
        block.parent = parent.hash;
        block.height = {parent.height.value + 1};
        block.slot = {slot};
        block.rank = rank;
        block.timely = timely;
        EXPECT_TRUE(tree_.add(block).has_value());
        return block;
    }
    void vote(std::uint16_t validator, std::uint32_t round, const BlockRef& target) {
        wire::Vote vote;
        vote.validator = {validator};
        vote.round = {round};
        vote.target = target.hash;
        choice_.note_vote(vote);
    }
    std::uint8_t head(std::uint32_t oldest_that_counts = 0, ValidatorBits equivocators = 0) {
        const BlockNode& head =
            choice_.head(tree_, tree_.root(), wire::Round{oldest_that_counts}, equivocators);
        return std::to_integer<std::uint8_t>(head.ref.hash.bytes[0]);
    }

    ValidatorSet validators_;
    ForkChoice choice_;
    BlockRef root_;
    BlockTree tree_{root_, 64};
};

TEST_F(ForkChoiceTest, HeavierSubtree_WinsOverTheLongerChain) {
    const BlockRef a = add(1, root_, 1);
    const BlockRef b = add(2, a, 2);
    const BlockRef c = add(3, b, 3);
    const BlockRef d = add(4, root_, 4);
    vote(0, 5, c);
    vote(1, 5, d);
    vote(2, 5, d);
    EXPECT_EQ(head(), 4);
}

TEST_F(ForkChoiceTest, EachValidator_CountsOnceWithItsLatest) {
    const BlockRef a = add(1, root_, 1);
    const BlockRef b = add(2, root_, 2);
    for (std::uint32_t round = 3; round < 9; ++round) vote(0, round, a);
    vote(1, 5, b);
    vote(2, 5, b);
    EXPECT_EQ(head(), 2);
    vote(1, 4, a);  // arrives late
    EXPECT_EQ(head(), 2);
    vote(1, 6, a);
    EXPECT_EQ(head(), 1);
}

TEST_F(ForkChoiceTest, OwnBlock_IsItsProposersVote) {
    const BlockRef a = add(1, root_, 1, 1);
    BlockRef b = add(2, root_, 2, 2);
    b.proposer = {3};
    EXPECT_EQ(head(), 1);
    choice_.note_block(b, wire::Round{2});
    EXPECT_EQ(head(), 2);
    vote(3, 2, a);  // of the same round, so before the block
    EXPECT_EQ(head(), 2);
    vote(3, 3, a);
    EXPECT_EQ(head(), 1);
}

TEST_F(ForkChoiceTest, Equivocator_CountsNothing) {
    const BlockRef a = add(1, root_, 1, 1);
    const BlockRef b = add(2, root_, 1, 0);
    vote(0, 2, a);
    EXPECT_EQ(head(), 1);
    EXPECT_EQ(head(0, bit({0})), 2);
    EXPECT_EQ(b.rank, 0);
}

TEST_F(ForkChoiceTest, VotesOfEarlierRounds_HaveExpired) {
    const BlockRef a = add(1, root_, 1);
    const BlockRef b = add(2, root_, 2);
    vote(0, 10, a);
    vote(1, 10, a);
    vote(2, 11, b);
    EXPECT_EQ(head(10), 1);
    EXPECT_EQ(head(11), 2);
}

TEST_F(ForkChoiceTest, Tie_GoesToTheLowerRankThenTheLowerHash) {
    const BlockRef a = add(3, root_, 1, 1);
    const BlockRef b = add(4, root_, 2, 0);
    vote(0, 5, a);
    vote(1, 5, b);
    EXPECT_EQ(head(), 4);
    const BlockRef c = add(2, root_, 3, 0);
    vote(2, 5, c);
    EXPECT_EQ(head(), 2);
}

TEST_F(ForkChoiceTest, LateBlock_LosesOnlyWhileNobodySupportsIt) {
    const BlockRef late = add(1, root_, 1, 0, false);
    add(2, root_, 1, 1, true);
    EXPECT_EQ(head(), 2);
    vote(0, 2, late);
    EXPECT_EQ(head(), 1);
}

TEST_F(ForkChoiceTest, LateBlockOfLowerRank_WinsATieOfSupport) {
    const BlockRef late = add(1, root_, 1, 0, false);
    const BlockRef timely = add(2, root_, 1, 1, true);
    vote(0, 2, late);
    vote(1, 2, timely);
    EXPECT_EQ(head(), 1);
}

TEST_F(ForkChoiceTest, InvalidSubtree_IsNeverChosen) {
    const BlockRef a = add(1, root_, 1);
    add(2, root_, 2);
    for (std::uint16_t i = 0; i < 5; ++i) vote(i, 5, a);
    EXPECT_EQ(head(), 1);
    tree_.mark_invalid(a.hash);
    EXPECT_EQ(head(), 2);
}

}  // namespace
}  // namespace meshchain::consensus::test
