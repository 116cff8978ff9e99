#include "sim/stake_tally.h"

#include <gtest/gtest.h>

#include "ledger/test_payments.h"
#include "sim/play.h"

namespace meshchain::sim {
namespace {

class StakeTallyTest : public testing::Test {
protected:
    static ledger::Genesis with_stakes() {
        ledger::Genesis genesis = ledger::test::genesis_with(1, 1, 1000, 4);
        genesis.stakes = ledger::StakeRules{{1}, ledger::StakeRules::unbond_epochs_min, 4};
        return genesis;
    }
    const ledger::GenesisValidator& validator(std::size_t seat) {
        return genesis_.validators[seat];
    }
    /// What a block of this epoch does, alone.
    void block(std::uint32_t epoch, wire::Operation operation) {
        wire::BlockHeader header;
        header.epoch = epoch;
        tally_.begin(header);
        wire::TransactionBody body;
        body.operation = std::move(operation);
        tally_.apply(body, "transaction");
        tally_.end();
    }
    crypto::SigningKey key_of(std::size_t seat) {
        for (std::uint32_t i = 2000; i < 2010; ++i) {
            if (ledger::test::public_key(i) == validator(seat).key) return ledger::test::person(i);
        }
        MESH_ASSERT(false);
        std::abort();
    }
    wire::Report proof_against(std::size_t seat) {
        const crypto::SigningKey key = key_of(seat);
        wire::VoteEvidence evidence;
        for (wire::Vote* vote : {&evidence.first, &evidence.second}) {
            vote->validator.value = static_cast<std::uint16_t>(seat);
            vote->round.value = 5;
        }
        evidence.second.target.bytes[0] = std::byte{9};
        for (wire::Vote* vote : {&evidence.first, &evidence.second}) {
            vote->signature =
                key.sign(wire::preimage(ledger::chain_id(genesis_), *vote, key.public_key()));
        }
        return {wire::encode(wire::Evidence(evidence))};
    }
    std::string first_rule() { return findings_.empty() ? "none" : findings_.kept()[0].rule; }

    ledger::Genesis genesis_ = with_stakes();
    Findings findings_;
    StakeTally tally_{genesis_, {genesis_.validators[3].key}, findings_};
};

TEST_F(StakeTallyTest, StakeThatComesAndGoesByTheRules_IsFine) {
    const auto owner = validator(0).payout;
    block(1, wire::Delegate{validator(1).key, owner, {7}});
    block(1, wire::Unbond{validator(1).key, owner, {7}});
    block(5, wire::Withdraw{validator(1).key, owner, 5, {7}});
    EXPECT_EQ(first_rule(), "none");
    EXPECT_EQ(tally_.operations(), 3U);
}

TEST_F(StakeTallyTest, WhatComesTooEarly_OrWasNeverThere_IsFound) {
    const auto owner = validator(0).payout;
    block(1, wire::Unbond{validator(1).key, owner, {7}});
    EXPECT_EQ(findings_.count(), 1U) << "nothing is bonded there";
    block(1, wire::Unbond{validator(0).key, owner, {7}});
    EXPECT_EQ(findings_.count(), 1U);
    block(4, wire::Withdraw{validator(0).key, owner, 5, {7}});
    EXPECT_EQ(findings_.count(), 2U) << "an epoch too early";
    block(5, wire::Withdraw{validator(0).key, owner, 5, {7}});
    EXPECT_EQ(findings_.count(), 3U) << "it is gone";
    block(5, wire::Claim{validator(0).key, owner, {1}});
    EXPECT_EQ(findings_.count(), 4U) << "it earned nothing";
    EXPECT_EQ(first_rule(), "stake");
}

TEST_F(StakeTallyTest, WhoSignedTwice_LosesItsStakeOnce) {
    block(1, proof_against(3));
    EXPECT_EQ(first_rule(), "none");
    EXPECT_TRUE(tally_.is_slashed(validator(3).key));
    block(1, proof_against(3));
    EXPECT_EQ(first_rule(), "slashed-once");
    block(1, wire::Unbond{validator(3).key, validator(3).payout, {1}});
    EXPECT_EQ(findings_.count(), 2U) << "what was burnt moves";
}

TEST_F(StakeTallyTest, AnHonestValidatorThatIsSlashed_IsFound) {
    block(1, proof_against(0));
    EXPECT_EQ(first_rule(), "slashed-honest");
}

TEST_F(StakeTallyTest, ASlashWithoutProof_IsFound) {
    wire::Report report = proof_against(3);
    report.evidence.back() ^= std::byte{1};
    block(1, report);
    EXPECT_EQ(first_rule(), "slashed-honest");
}

TEST_F(StakeTallyTest, RowsThatDifferFromTheHistory_AreFound) {
    ledger::StakeRows rows = ledger::genesis_stakes(genesis_);
    tally_.compare("machine 0", rows);
    EXPECT_EQ(first_rule(), "none");
    block(1, wire::Delegate{validator(1).key, validator(0).payout, {7}});
    tally_.compare("machine 0", rows);
    EXPECT_EQ(first_rule(), "stake");
}

TEST(PlayStakes, ARelayThatStakes_IsAValidatorAndEarns_AndEverythingAddsUp) {
    const auto scenario = parse_scenario(
        "validators 3\nrelays 1\nstaking 50 4 4\ndisk memory\nhostile 60s\npayments 1s\n"
        "at 10s stake 120 3\nat 12s delegate 60 0 1\nat 20s expect-stake 120 3\n"
        "at 20s expect-stake 160 1\nat 55s claim 3\nat 55s unbond 0 0\n");
    ASSERT_TRUE(scenario.has_value()) << base::sentence(scenario.error());
    const Report report = Play(*scenario, {}).run();
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_EQ(report.stake_operations, 4U) << to_text(report);
}

}  // namespace
}  // namespace meshchain::sim
