// The checkers outside the nodes must find what they are there for.

#include <gtest/gtest.h>

#include "chain/tables.h"
#include "ledger/test_payments.h"
#include "sim/final_history.h"
#include "sim/signature_watch.h"
#include "sim/village.h"
#include "wire/frame.h"

namespace meshchain::sim {
namespace {

class SignatureWatchTest : public testing::Test {
protected:
    static wire::Checkpoint checkpoint(std::uint32_t round) {
        wire::Checkpoint source;
        source.round.value = round;
        return source;
    }
    /// What `validator` says on the wire.
    void vote(std::uint16_t validator, std::uint32_t source, std::uint32_t round,
              std::uint8_t target) {
        wire::Vote vote;
        vote.validator.value = validator;
        vote.source = checkpoint(source);
        vote.round.value = round;
        vote.target.bytes[0] = static_cast<std::byte>(target);
        const auto& key = keys_.at(validator);
        vote.signature =
            key.sign(wire::preimage(ledger::chain_id(genesis_), vote, key.public_key()));
        wire::FrameHeader header;
        header.type = wire::MessageType::block_ack;
        watch_.handle_datagram(wire::encode_frame(header, wire::encode(vote)));
    }
    static std::vector<crypto::SigningKey> keys_of(const ledger::Genesis& genesis) {
        std::vector<crypto::SigningKey> keys;
        for (const auto& validator : genesis.validators) {
            for (std::uint32_t i = 2000; i < 2010; ++i) {
                if (ledger::test::public_key(i) == validator.key) {
                    keys.push_back(ledger::test::person(i));
                }
            }
        }
        return keys;
    }

    ledger::Genesis genesis_ = ledger::test::genesis_with(1, 1, 1000, 4);
    std::vector<crypto::SigningKey> keys_ = keys_of(genesis_);
    Findings findings_;
    SignatureWatch watch_{genesis_, {genesis_.validators[3].key}, findings_};
};

TEST_F(SignatureWatchTest, VotesInOrder_AreFine_AndARepeatedOneToo) {
    for (std::uint32_t round = 1; round < 9; ++round) vote(0, round - 1, round, 5);
    vote(0, 3, 4, 5);
    EXPECT_TRUE(findings_.empty());
    EXPECT_EQ(watch_.votes(), 8U);
}

TEST_F(SignatureWatchTest, TwoVotesOfARound_AreFound) {
    vote(0, 1, 2, 5);
    vote(0, 1, 2, 6);
    EXPECT_EQ(findings_.count(), 1U);
}

TEST_F(SignatureWatchTest, ASurroundVote_IsFoundInWhicheverOrderItComes) {
    vote(0, 3, 4, 5);
    vote(0, 2, 5, 5);
    EXPECT_EQ(findings_.count(), 1U);
    vote(1, 2, 5, 5);
    vote(1, 3, 4, 5);
    EXPECT_EQ(findings_.count(), 2U);
}

TEST_F(SignatureWatchTest, WhoIsKnownToCheat_IsNotReported) {
    vote(3, 1, 2, 5);
    vote(3, 1, 2, 6);
    EXPECT_TRUE(findings_.empty());
}

class FinalHistoryTest : public testing::Test {
protected:
    static Scenario two() {
        Scenario scenario;
        scenario.stakes = {100, 100};
        scenario.disk = DiskKind::memory;
        return scenario;
    }
};

TEST_F(FinalHistoryTest, AUnitThatIsMissingFromAStore_IsFound) {
    Village village(two(), 1);
    Findings findings;
    FinalHistory history(village.genesis(), village.world().size(), findings);
    ASSERT_TRUE(village.world().switch_on(0).has_value());
    kv::Store& store = village.node(0).store();
    history.check_supply(0, store);
    EXPECT_TRUE(findings.empty());
    base::Buffer first;
    ASSERT_TRUE(store
                    .scan({.table = chain::tables::coins},
                          [&](base::Bytes key, base::Bytes) {
                              first = base::to_buffer(key);
                              return false;
                          })
                    .has_value());
    kv::Batch batch;
    batch.erase(chain::tables::coins, first);
    ASSERT_TRUE(store.commit(batch).has_value());
    history.check_supply(0, store);
    EXPECT_EQ(findings.count(), 1U);
    EXPECT_EQ(findings.kept()[0].rule, "supply");
}

/// Two chains of one genesis, each with a validator that holds more than two thirds alone where it
/// is: what must never happen, and is seen if it does.
TEST_F(FinalHistoryTest, TwoHistories_AreFound) {
    Scenario scenario = two();
    scenario.stakes = {100};
    Findings findings;
    std::optional<FinalHistory> history;
    std::optional<ledger::Genesis> genesis;
    for (const int units : {3, 4}) {
        Village village(scenario, 1);
        if (!history) {
            genesis = village.genesis();
            history.emplace(*genesis, 2, findings);
        }
        World& world = village.world();
        ASSERT_TRUE(world.switch_on(0).has_value());
        world.run_until(village.genesis_time() + std::chrono::seconds(3));
        ASSERT_TRUE(village.node(0).node().pay(world.time_of(0),
                                               village.node(0).credentials().payee(),
                                               {static_cast<std::uint64_t>(units)}, std::nullopt));
        world.wake(0);
        world.run_until(world.now() + std::chrono::seconds(6));
        EXPECT_TRUE(findings.empty());
        history->look(static_cast<std::size_t>(units - 3), village.node(0).node(),
                      world.time_of(0));
        EXPECT_GT(history->height(), 0U);
    }
    ASSERT_FALSE(findings.empty());
    EXPECT_EQ(findings.kept()[0].rule, "final-prefix");
}

}  // namespace
}  // namespace meshchain::sim
