#include "consensus/vote_ledger.h"

#include <gtest/gtest.h>

#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

/// Five validators of stake 1 (four are a quorum) over g ← a ← b ← c, with a fork a ← d.
class VoteLedgerTest : public testing::Test {
protected:
    VoteLedgerTest()
        : epochs_(test_validators({1, 1, 1, 1, 1})),
          ledger_(epochs_, tree_, {{}, {}, root_.hash}, 32) {}

    BlockRef add(std::uint8_t name, const BlockRef& parent, std::uint32_t slot) {
        BlockRef block;
        block.hash.bytes[0] = static_cast<std::byte>(name);
        block.parent = parent.hash;
        block.height = {parent.height.value + 1};
        block.slot = {slot};
        EXPECT_TRUE(tree_.add(block).has_value());
        return block;
    }
    static wire::Checkpoint at(const BlockRef& block, std::uint32_t round) {
        return {{round}, block.slot, block.hash};
    }
    static wire::Vote vote(std::uint16_t validator, const wire::Checkpoint& source,
                           std::uint32_t round, const BlockRef& target) {
        wire::Vote vote;
        vote.validator = {validator};
        vote.round = {round};
        vote.source = source;
        vote.target = target.hash;
        return vote;
    }
    void cast(std::initializer_list<std::uint16_t> by, const wire::Checkpoint& source,
              std::uint32_t round, const BlockRef& target) {
        for (const std::uint16_t i : by)
            EXPECT_TRUE(ledger_.insert(vote(i, source, round, target)));
    }
    void finalise(const wire::Checkpoint& checkpoint) {
        tree_.prune_to(checkpoint.block);
        ledger_.finalise(checkpoint);
    }

    BlockRef root_;
    BlockTree tree_{root_, 64};
    Epochs epochs_;
    VoteLedger ledger_;
    BlockRef a_ = add(1, root_, 1);
    BlockRef b_ = add(2, a_, 2);
    BlockRef c_ = add(3, b_, 3);
    BlockRef d_ = add(4, a_, 4);
    wire::Checkpoint genesis_ = at(root_, 0);
};

TEST_F(VoteLedgerTest, TwoThirdsAreNotEnough_MoreAre) {
    cast({0, 1, 2}, genesis_, 4, b_);
    EXPECT_TRUE(ledger_.evaluate({}).empty());
    cast({3}, genesis_, 4, b_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(b_, 4)});
    EXPECT_EQ(ledger_.justified(), at(b_, 4));
    EXPECT_FALSE(ledger_.find_certificate().has_value());
}

TEST_F(VoteLedgerTest, TargetsThatDiffer_JustifyWhereTheyPart) {
    cast({0, 1}, genesis_, 5, c_);
    cast({2, 3}, genesis_, 5, d_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(a_, 5)});
}

TEST_F(VoteLedgerTest, VoteFromAboveTheBlock_DoesNotCountForIt) {
    cast({0, 1, 2, 3}, genesis_, 4, b_);
    ledger_.evaluate({});
    cast({0, 1}, at(b_, 4), 6, c_);  // spans b … c only
    cast({2, 3}, genesis_, 6, a_);   // spans g … a only
    EXPECT_TRUE(ledger_.evaluate({}).empty());
}

TEST_F(VoteLedgerTest, UnjustifiedSource_CountsForNothingUntilItIsProven) {
    cast({0, 1, 2, 3}, at(a_, 3), 6, c_);
    EXPECT_TRUE(ledger_.evaluate({}).empty());
    EXPECT_EQ(ledger_.unproven_source_rounds(), std::vector{wire::Round{3}});
    cast({0, 1, 2, 3}, genesis_, 3, a_);
    EXPECT_EQ(ledger_.evaluate(wire::Round{3}), (std::vector{at(a_, 3), at(c_, 6)}));
    EXPECT_TRUE(ledger_.unproven_source_rounds().empty());
}

TEST_F(VoteLedgerTest, SourceBelowTheGreatestOfItsRound_IsProvenAsWell) {
    cast({0, 1, 2, 3}, genesis_, 3, b_);
    cast({0, 1, 2, 3}, at(a_, 3), 5, c_);  // its makers had seen one more vote, for a
    ledger_.evaluate({});
    EXPECT_TRUE(ledger_.is_justified(at(a_, 3)));
    EXPECT_EQ(ledger_.justified(), at(c_, 5));
}

TEST_F(VoteLedgerTest, ExactSourceAndNextRound_ProveFinalWithoutTheHistory) {
    cast({0, 1, 2}, at(b_, 7), 8, c_);
    EXPECT_FALSE(ledger_.find_certificate().has_value());
    cast({4}, at(b_, 7), 8, b_);
    const auto certificate = ledger_.find_certificate();
    ASSERT_TRUE(certificate.has_value());
    EXPECT_EQ(certificate->final, at(b_, 7));
    EXPECT_EQ(certificate->votes.size(), 4U);
    finalise(certificate->final);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(b_, 8)});
    ledger_.check_invariants();
}

TEST_F(VoteLedgerTest, SkippedRound_DoesNotFinalise) {
    cast({0, 1, 2, 3}, genesis_, 4, b_);
    ledger_.evaluate({});
    cast({0, 1, 2, 3}, at(b_, 4), 6, c_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(c_, 6)});
    EXPECT_FALSE(ledger_.find_certificate().has_value());
}

TEST_F(VoteLedgerTest, CertificateOfAnUnknownBlock_IsFoundAllTheSame) {
    BlockRef unknown;
    unknown.hash.bytes[0] = std::byte{99};
    unknown.slot = {6};
    cast({0, 1, 2, 3}, at(unknown, 7), 8, unknown);
    ASSERT_TRUE(ledger_.find_certificate().has_value());
    EXPECT_EQ(ledger_.unknown_blocks(8), std::vector{unknown.hash});
}

TEST_F(VoteLedgerTest, SourceOlderThanFinal_CountsAsJustified) {
    cast({0, 1, 2, 3}, genesis_, 3, a_);
    ledger_.evaluate({});
    cast({0, 1, 2, 3}, at(a_, 3), 4, b_);
    const auto certificate = ledger_.find_certificate();
    ASSERT_TRUE(certificate.has_value());
    finalise(certificate->final);
    ledger_.evaluate({});
    cast({0, 1}, genesis_, 9, c_);  // two that have not heard of it
    cast({2, 3}, at(b_, 4), 9, c_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(c_, 9)});
}

TEST_F(VoteLedgerTest, ConflictingVotes_AreProvenWhateverTheirOrder) {
    ledger_.insert(vote(0, at(a_, 2), 4, b_));
    EXPECT_FALSE(ledger_.conflict_with(vote(0, at(a_, 2), 4, b_)).has_value());
    EXPECT_FALSE(ledger_.conflict_with(vote(1, genesis_, 4, c_)).has_value());
    EXPECT_TRUE(ledger_.conflict_with(vote(0, at(a_, 2), 4, c_)).has_value());
    EXPECT_TRUE(ledger_.conflict_with(vote(0, genesis_, 4, b_)).has_value());
    const auto outer = ledger_.conflict_with(vote(0, genesis_, 5, b_));
    ASSERT_TRUE(outer.has_value());
    EXPECT_LT(outer->first.round, outer->second.round);
    EXPECT_TRUE(ledger_.conflict_with(vote(0, at(b_, 3), 3, c_)).has_value());
    EXPECT_FALSE(ledger_.conflict_with(vote(0, at(a_, 2), 7, c_)).has_value());
}

TEST_F(VoteLedgerTest, HeardBitmap_MakesNoOtherVote) {
    wire::Vote one = vote(0, genesis_, 4, b_);
    ledger_.insert(one);
    one.heard = 3;
    EXPECT_NE(ledger_.find_same(one), nullptr);
    EXPECT_FALSE(ledger_.conflict_with(one).has_value());
}

TEST_F(VoteLedgerTest, AtTheLimit_AnEquivocatorsVoteTakesAPlaceOnlyIfItCounts) {
    BlockRef unknown;
    for (std::uint8_t i = 0; i < 8; ++i) {
        unknown.hash.bytes[0] = static_cast<std::byte>(100 + i);
        EXPECT_TRUE(ledger_.insert(vote(0, genesis_, 4, unknown)));
    }
    unknown.hash.bytes[0] = std::byte{99};
    EXPECT_FALSE(ledger_.insert(vote(0, genesis_, 4, unknown)));
    EXPECT_FALSE(ledger_.insert(vote(0, at(c_, 3), 4, c_)));
    cast({1, 2, 3}, genesis_, 4, c_);
    EXPECT_TRUE(ledger_.insert(vote(0, genesis_, 4, c_)));  // the one the others proved b with
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(c_, 4)});
    ledger_.check_invariants();
}

TEST_F(VoteLedgerTest, OfOneBranch_TheVoteThatReachesFurthestIsHeld) {
    EXPECT_TRUE(ledger_.insert(vote(0, genesis_, 4, b_)));
    EXPECT_FALSE(ledger_.insert(vote(0, genesis_, 4, a_))) << "it says less";
    EXPECT_TRUE(ledger_.insert(vote(0, genesis_, 4, d_))) << "another branch";
    EXPECT_TRUE(ledger_.insert(vote(0, genesis_, 4, c_)));
    EXPECT_EQ(ledger_.votes({4}, 1).size(), 2U);
    EXPECT_TRUE(ledger_.insert(vote(0, at(a_, 3), 4, c_))) << "another source, which may be exact";
    cast({1, 2, 3}, genesis_, 4, b_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(b_, 4)});
}

TEST_F(VoteLedgerTest, AtTheLimit_RoundsThatProveNothingGoFirst) {
    cast({0, 1, 2, 3}, genesis_, 4, b_);
    ledger_.evaluate({});
    for (std::uint32_t round = 5; round < 100; ++round) cast({0}, at(b_, 4), round, c_);
    ledger_.check_invariants();
    EXPECT_EQ(ledger_.voters(wire::Round{4}), 0b1111U);
    EXPECT_EQ(ledger_.voters(wire::Round{5}), 0U);
    EXPECT_EQ(ledger_.voters(wire::Round{99}), 1U);
    EXPECT_FALSE(ledger_.insert(vote(2, genesis_, 6, c_)));
}

TEST_F(VoteLedgerTest, AtTheLimit_WhatProvesASourceHasRoomAllTheSame) {
    for (std::uint32_t round = 40; round < 100; ++round) cast({0}, genesis_, round, c_);
    EXPECT_FALSE(ledger_.insert(vote(1, genesis_, 20, b_)));
    cast({1, 2, 3}, at(b_, 20), 99, c_);
    cast({1, 2, 3, 4}, genesis_, 20, b_);
    EXPECT_EQ(ledger_.evaluate({}).front(), at(b_, 20));
    ledger_.check_invariants();
}

TEST_F(VoteLedgerTest, ProofsWaitForTheDiskOnce) {
    cast({0, 1, 2, 3}, genesis_, 4, b_);
    cast({4}, genesis_, 4, d_);  // proves nothing
    EXPECT_TRUE(ledger_.unstored().empty());
    ledger_.evaluate({});
    ASSERT_EQ(ledger_.unstored().size(), 4U);
    for (const wire::Vote& proof : ledger_.unstored()) ledger_.mark_stored(proof);
    EXPECT_TRUE(ledger_.unstored().empty());
}

TEST_F(VoteLedgerTest, OfWhoVotesForMuch_OneVoteForABlockThatIsHereIsTheProof) {
    tree_.mark_executed(c_.hash, true);
    cast({0, 1, 2}, genesis_, 4, c_);
    cast({0, 3}, genesis_, 4, d_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(a_, 4)});
    const auto for_d = [&](const wire::Vote& proof) { return proof.target == d_.hash; };
    EXPECT_EQ(ledger_.unstored().size(), 4U);
    EXPECT_EQ(std::ranges::count_if(ledger_.unstored(), for_d), 1) << "3 has no other";
    cast({4}, genesis_, 4, c_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(c_, 4)});
    EXPECT_EQ(ledger_.unstored().size(), 5U) << "the vote for c is the one that is there already";
}

TEST_F(VoteLedgerTest, WithoutAVoteForABlockThatIsHere_AllAreTheProof) {
    cast({0, 1, 2}, genesis_, 4, c_);
    cast({0, 3}, genesis_, 4, d_);
    EXPECT_EQ(ledger_.evaluate({}), std::vector{at(a_, 4)});
    EXPECT_EQ(ledger_.unstored().size(), 5U);
}

TEST_F(VoteLedgerTest, FrozenSource_IsTheGreatestBelowTheRound) {
    cast({0, 1, 2, 3}, genesis_, 4, b_);
    cast({0, 1, 2, 3}, genesis_, 6, c_);
    ledger_.evaluate({});
    EXPECT_EQ(ledger_.justified_before(wire::Round{4}), genesis_);
    EXPECT_EQ(ledger_.justified_before(wire::Round{5}), at(b_, 4));
    EXPECT_EQ(ledger_.justified_before(wire::Round{7}), at(c_, 6));
}

TEST_F(VoteLedgerTest, Votes_ExpireBehindTheLastButOneRoundInWhichAThirdVoted) {
    EXPECT_EQ(ledger_.oldest_that_counts(), genesis_.round);
    cast({0, 1}, genesis_, 4, b_);
    EXPECT_EQ(ledger_.oldest_that_counts(), genesis_.round);
    cast({2, 3}, genesis_, 40, c_);
    EXPECT_EQ(ledger_.oldest_that_counts(), wire::Round{4}) << "a pause expires nothing";
    cast({0}, genesis_, 41, b_);
    EXPECT_EQ(ledger_.oldest_that_counts(), wire::Round{4}) << "less than a third";
    cast({1}, genesis_, 41, b_);
    EXPECT_EQ(ledger_.oldest_that_counts(), wire::Round{40});
}

}  // namespace
}  // namespace meshchain::consensus::test
