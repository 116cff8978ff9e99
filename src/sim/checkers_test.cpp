// The checkers outside the nodes must find what they are there for.

#include <gtest/gtest.h>

#include "chain/stored_values.h"
#include "chain/tables.h"
#include "kv/memory_store.h"
#include "ledger/test_payments.h"
#include "sim/final_history.h"
#include "sim/play.h"
#include "sim/signature_watch.h"
#include "sim/tampers.h"
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
    /// A child of genesis in this slot.
    wire::BlockHeader header(std::uint16_t proposer, std::uint32_t slot, std::uint8_t root) const {
        wire::BlockHeader header;
        header.height = {1};
        header.parent = ledger::chain_id(genesis_);
        header.slot = {slot};
        header.proposer = {proposer};
        header.transaction_root.bytes[0] = static_cast<std::byte>(root);
        header.parent_state.bytes[0] = std::byte{9};
        const auto& key = keys_.at(proposer);
        header.signature =
            key.sign(wire::preimage(ledger::chain_id(genesis_), header, key.public_key()));
        return header;
    }
    void say_in_short(const wire::BlockHeader& header) {
        const auto hash = wire::block_hash(ledger::chain_id(genesis_), header,
                                           keys_.at(header.proposer.value).public_key());
        wire::FrameHeader frame;
        frame.type = wire::MessageType::short_block;
        watch_.handle_datagram(wire::encode_frame(
            frame, wire::encode(wire::shorten({header, {}}, hash, 0, {}).value())));
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

// A block is said before anybody has applied it.
TEST_F(SignatureWatchTest, TwoBlocksOfASlotInShort_AreFoundOnceOneIsApplied) {
    const wire::BlockHeader first = header(0, 5, 1);
    std::optional<wire::BlockHeader> applied;
    watch_.expand_block = [&](const wire::ShortBlock& said) {
        return applied && said.signature == applied->signature ? applied : std::nullopt;
    };
    say_in_short(first);
    say_in_short(header(0, 5, 2));
    watch_.retry();
    EXPECT_EQ(watch_.unchecked(), 2U);
    EXPECT_EQ(watch_.blocks(), 0U);
    applied = first;
    watch_.retry();
    EXPECT_EQ(watch_.blocks() + watch_.unchecked(), 2U);
    watch_.retry();
    EXPECT_EQ(watch_.unchecked(), 0U);
    EXPECT_EQ(findings_.count(), 1U);
}

TEST_F(SignatureWatchTest, VoteInShort_IsReadOnceItsBlocksAreKnown) {
    const wire::BlockHeader target = header(1, 5, 1);
    const auto hash = wire::block_hash(ledger::chain_id(genesis_), target, keys_[1].public_key());
    for (const std::uint64_t heard : {1U, 2U}) {
        wire::Vote vote;
        vote.validator = {2};
        vote.round = {3};
        vote.source.block = ledger::chain_id(genesis_);
        vote.target = hash;
        vote.heard = heard;
        vote.signature =
            keys_[2].sign(wire::preimage(ledger::chain_id(genesis_), vote, keys_[2].public_key()));
        wire::FrameHeader frame;
        frame.type = wire::MessageType::short_vote;
        watch_.handle_datagram(
            wire::encode_frame(frame, wire::encode(wire::shorten(vote).value())));
    }
    EXPECT_EQ(watch_.unchecked(), 2U);
    watch_.expand_block = [&](const wire::ShortBlock&) { return target; };
    say_in_short(target);
    watch_.retry();
    EXPECT_EQ(watch_.votes(), 1U) << "what it has heard is no part of what it votes for";
    EXPECT_EQ(watch_.unchecked(), 0U);
}

TEST_F(SignatureWatchTest, WhatNobodyCanTell_IsLimited_AndCounted) {
    const std::uint32_t said = SignatureWatch::waiting_max + 9;
    for (std::uint32_t slot = 1; slot <= said; ++slot) say_in_short(header(0, slot, 1));
    for (int i = 0; i < SignatureWatch::tries_max + 1; ++i) watch_.retry();
    EXPECT_EQ(watch_.unchecked(), said);
    watch_.expand_block = [&](const wire::ShortBlock&) { return header(0, said, 1); };
    watch_.retry();
    EXPECT_EQ(watch_.blocks(), 0U) << "it was tried often enough";
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

/// A village of one validator with a payment that is FINAL.
class OneVillage {
public:
    explicit OneVillage(std::size_t lights = 0) : village(scenario(lights), 1) {
        for (std::size_t i = 0; i < village.nodes(); ++i) {
            MESH_ASSERT(village.world().switch_on(i).has_value());
        }
        village.world().run_until(village.genesis_time() + std::chrono::seconds(3));
        MESH_ASSERT(node()
                        .pay(now(), village.node(0).credentials().payee(), {3}, std::nullopt)
                        .has_value());
        village.world().wake(0);
        village.world().run_until(village.world().now() + std::chrono::seconds(6));
        MESH_ASSERT(node().status(now()).final_height.value > 0);
    }
    node::Node& node() { return village.node(0).node(); }
    base::Now now() { return village.world().time_of(0); }

    Village village;

private:
    static Scenario scenario(std::size_t lights) {
        Scenario one;
        one.stakes = {100};
        one.lights = lights;
        one.disk = DiskKind::memory;
        return one;
    }
};

std::set<std::string> rules_of(const Findings& findings) {
    std::set<std::string> rules;
    for (const Finding& finding : findings.kept()) rules.insert(finding.rule);
    return rules;
}
using Rules = std::set<std::string>;

TEST_F(FinalHistoryTest, WhoTakesFinalBack_IsFound) {
    OneVillage one;
    Findings findings;
    FinalHistory history(one.village.genesis(), 1, findings);
    history.look(0, one.node(), one.now());
    history.look_again(0, one.node(), one.now());
    EXPECT_TRUE(findings.empty());
    // Another disk, of which nobody was told.
    one.village.world().crash(0);
    one.village.node(0).wipe();
    ASSERT_TRUE(one.village.world().switch_on(0).has_value());
    history.look(0, one.node(), one.now());
    EXPECT_EQ(rules_of(findings), Rules{"final-stays"});
}

/// Its last batch of writes may look like one that a power cut tore, and those before cannot.
TEST_F(FinalHistoryTest, WhoTakesTheNewestFinalBack_IsExcusedByARottenDisk_AndMoreIsFound) {
    OneVillage one;
    Findings findings_of_one;
    Findings findings_of_two;
    FinalHistory knows_one(one.village.genesis(), 1, findings_of_one);
    FinalHistory knows_two(one.village.genesis(), 1, findings_of_two);
    knows_one.look(0, one.node(), one.now());
    knows_two.look(0, one.node(), one.now());
    ASSERT_TRUE(one.node()
                    .pay(one.now(), one.village.node(0).credentials().payee(), {4}, std::nullopt)
                    .has_value());
    one.village.world().wake(0);
    one.village.world().run_until(one.village.world().now() + std::chrono::seconds(6));
    knows_two.look(0, one.node(), one.now());
    ASSERT_GT(knows_two.height(), knows_one.height());
    one.village.world().crash(0);
    one.village.node(0).wipe();
    knows_one.expect_damage(0);
    knows_two.expect_damage(0);
    ASSERT_TRUE(one.village.world().switch_on(0).has_value());
    knows_one.look(0, one.node(), one.now());
    EXPECT_TRUE(findings_of_one.empty());
    knows_two.look(0, one.node(), one.now());
    EXPECT_EQ(rules_of(findings_of_two), Rules{"final-stays"});
}

TEST_F(FinalHistoryTest, WhoCannotShowAFinalBlock_IsFound_AlsoOnceAnotherShowedIt) {
    OneVillage one;
    Findings findings;
    FinalHistory history(one.village.genesis(), 2, findings);
    history.look(0, one.node(), one.now());
    ASSERT_GT(history.height(), 0U);
    kv::Store& store = one.village.node(0).store();
    std::vector<base::Buffer> keys;
    ASSERT_TRUE(store
                    .scan({.table = chain::tables::heights},
                          [&](base::Bytes key, base::Bytes) {
                              keys.push_back(base::to_buffer(key));
                              return true;
                          })
                    .has_value());
    kv::Batch batch;
    for (const base::Buffer& key : keys) batch.erase(chain::tables::heights, key);
    ASSERT_TRUE(store.commit(batch).has_value());
    EXPECT_TRUE(findings.empty());
    history.look(1, one.node(), one.now());
    EXPECT_EQ(rules_of(findings), Rules{"final-known"});
}

TEST_F(FinalHistoryTest, ACoinSpentTwice_IsFound) {
    const ledger::Genesis genesis = ledger::test::genesis_with(1, 1, 1000, 4);
    const auto coins = ledger::genesis_coins(genesis);
    Findings findings;
    FinalHistory history(genesis, 1, findings);
    wire::Transaction transaction;
    transaction.body.inputs = {{coins[0].outpoint, coins[0].output.amount}};
    transaction.body.outputs = {coins[0].output};
    wire::Txid txid;
    history.apply(txid, transaction);
    EXPECT_TRUE(findings.empty());
    txid.hash.bytes[0] = std::byte{1};
    history.apply(txid, transaction);
    EXPECT_EQ(rules_of(findings), (Rules{"spent-once", "supply"}));
}

TEST_F(FinalHistoryTest, AProofOfAnotherBlock_IsFound_WhoeverCameFirst) {
    for (const bool is_light_first : {false, true}) {
        OneVillage one;
        Findings findings;
        FinalHistory history(one.village.genesis(), 2, findings);
        if (!is_light_first) history.look(0, one.node(), one.now());
        history.look_at_proof(1, 1, wire::Hash{});
        if (is_light_first) history.look(0, one.node(), one.now());
        EXPECT_EQ(rules_of(findings), Rules{"final-prefix"});
    }
}

TEST_F(FinalHistoryTest, ALightNodeThatAgrees_IsFine) {
    OneVillage one(1);
    Findings findings;
    FinalHistory history(one.village.genesis(), 2, findings);
    one.village.world().run_until(one.village.world().now() + std::chrono::seconds(60));
    const auto& light = one.village.node(1).node();
    EXPECT_GT(light.status(one.village.world().time_of(1)).final_height.value, 0U);
    history.look(1, light, one.village.world().time_of(1));
    history.look(0, one.node(), one.now());
    EXPECT_TRUE(findings.empty());
}

TEST(PaymentBookTest, WhatALostDiskExcuses_IsWhatSpendsItsCoins_AndNothingElse) {
    const ledger::Genesis genesis = ledger::test::genesis_with(1, 1, 1000, 4);
    Findings findings;
    const FinalHistory history(genesis, 1, findings);
    const auto id = [](std::uint8_t number) {
        wire::Txid txid;
        txid.hash.bytes[0] = std::byte{number};
        return txid;
    };
    const auto coin = [&](std::uint8_t of) { return wire::Input{{id(of), 0}, {5}}; };
    PaymentBook book;
    book.note(0, id(1), {coin(100)}, World::start);
    book.excuse(0);
    book.note(0, id(2), {coin(100)}, World::start);  // it did not know that the coin is spent
    book.note(0, id(3), {coin(2)}, World::start);    // spends what that one would have paid
    EXPECT_TRUE(book.is_settled(history));
    book.note(2, id(6), {coin(103)}, World::start);
    book.note(2, id(7), {coin(104)}, World::start);
    book.excuse_unheard(2, [&](const wire::Txid& txid) { return txid == id(7); });
    EXPECT_FALSE(book.is_settled(history)) << "others have the second one";
    book.note(0, id(4), {coin(101)}, World::start);
    book.note(1, id(5), {coin(102)}, World::start);
    EXPECT_FALSE(book.is_settled(history));
    book.complain(history, findings, [](const wire::Txid&) { return std::string{}; });
    EXPECT_EQ(rules_of(findings), Rules{"payment-forgotten"});
    EXPECT_EQ(findings.count(), 3U);
}

TEST(CertificateCheckTest, TwoThirdsOfTheStake_AreTooFew) {
    const ledger::Genesis genesis = ledger::test::genesis_with(1, 1, 1000, 3);
    const auto store = kv::make_memory_store(chain::chain_tables);
    const auto put_final = [&](std::uint8_t number, std::uint16_t voters) {
        wire::Block block;
        block.header.rank = number;
        wire::Certificate certificate;
        certificate.final.block.bytes[0] = std::byte{number};
        for (std::uint16_t i = 0; i < voters; ++i) {
            wire::Vote vote;
            vote.validator.value = i;
            vote.source = certificate.final;
            vote.round.value = 1;
            certificate.votes.push_back(vote);
        }
        kv::Batch batch;
        batch.put(chain::tables::blocks, certificate.final.block.bytes, wire::encode(block));
        batch.put(chain::tables::certificates, chain::height_key({number}),
                  wire::encode(certificate));
        ASSERT_TRUE(store->commit(batch));
    };
    Findings findings;
    CertificateCheck check(genesis, findings);
    put_final(1, 3);
    check.look(0, *store);
    check.look(0, *store);
    EXPECT_TRUE(findings.empty());
    EXPECT_EQ(check.counted(), 1U);
    put_final(2, 2);
    check.look(0, *store);
    EXPECT_EQ(rules_of(findings), Rules{"quorum"});
}

TEST(MemoryCheck, WhatIsOverItsLimit_IsFound) {
    Findings findings;
    std::vector<node::MemoryLimit> limits(2);
    limits[0].count_max = 3;
    limits[0].count = 3;
    check_memory(0, limits, findings);
    EXPECT_TRUE(findings.empty());
    limits[0].count = 4;
    check_memory(0, limits, findings);
    EXPECT_EQ(rules_of(findings), Rules{"memory"});
}

Rules rules_of(const Report& report) {
    Rules rules;
    for (const Finding& finding : report.findings) rules.insert(finding.rule);
    return rules;
}

TEST(PlayChecks, NodesThatDoNotFinaliseAgain_AreFound_WithTheirPayments) {
    const auto scenario =
        parse_scenario("validators 2\ndisk memory\nhostile 15s\npayments 3s\nconverge 10s\n");
    ASSERT_TRUE(scenario.has_value());
    Play play(*scenario, {});
    using enum wire::MessageType;
    play.village().world().machine(1).port().tamper =
        std::make_unique<MuteTamper>(std::set{block, block_ack, vote_request}, std::nullopt);
    EXPECT_EQ(rules_of(play.run()), (Rules{"converge", "payment-forgotten"}));
}

TEST(PlayChecks, AMachineThatDoesNotStart_IsFound) {
    const auto scenario = parse_scenario("validators 1\nhostile 2s\npayments 0s\n");
    ASSERT_TRUE(scenario.has_value());
    Play play(*scenario, {.seed = 2});
    OneVillage another;  // of another chain, whose disk this machine is given
    another.village.world().crash(0);
    play.village().node(0).disk() = another.village.node(0).disk();
    // On an empty disk the key waits, as a restored one does, and nobody else is there.
    EXPECT_TRUE(rules_of(play.run()).contains("no-start"));
}

TEST(PlayChecks, AMachineWhoseDiskIsFull_StartsOnceThereIsRoom) {
    const auto scenario = parse_scenario(
        "validators 4\nhostile 20s\npayments 3s\nat 10s full 1\nat 12s crash 1\nat 13s start 1\n");
    ASSERT_TRUE(scenario.has_value());
    const Report report = Play(*scenario, {}).run();
    EXPECT_TRUE(report.all_right()) << to_text(report);
}

TEST(PlayChecks, ABrokenPromiseOfTheScenario_IsFound) {
    const std::string village = "validators 1\ndisk memory\nhostile 40s\n";
    const auto rules = [&](const std::string& lines) {
        return rules_of(Play(parse_scenario(village + lines).value(), {}).run());
    };
    EXPECT_EQ(rules("payments 0s\nat 30s expect-final 20s\n"), Rules{"promise"});
    EXPECT_EQ(rules("payments 2s\nat 30s expect-still 20s\n"), Rules{"promise"});
    EXPECT_EQ(rules("payments 2s\nat 30s expect-final 20s\n"), Rules{});
    EXPECT_EQ(rules("payments 0s\nat 30s expect-still 20s\n"), Rules{});
    EXPECT_EQ(rules("payments 2s\nat 30s expect-paid 100 10s\n"), Rules{});
    EXPECT_EQ(rules("payments 2s\nat 30s expect-paid 95 200ms\n"), Rules{"promise"});
    EXPECT_EQ(rules("payments 0s\nat 30s expect-paid 1 10s\n"), Rules{"promise"}) << "of none";
    EXPECT_EQ(rules("relays 1\nalerts 2s\nat 30s expect-alerted 100 5s\n"), Rules{});
    EXPECT_EQ(rules("relays 1\nalerts 2s\nat 30s expect-alerted 95 1ms\n"), Rules{"promise"});
    EXPECT_EQ(rules("relays 1\nalerts 2s\nat 5s expect-alerted 1 1s\n"), Rules{"promise"})
        << "of none";
    EXPECT_EQ(rules("relays 1\nalerts 2s\nat 30s expect-refused 1 0\n"), Rules{"promise"});
    EXPECT_EQ(rules("relays 1\nalerts 1s\nat 9s clock 600000 1\nat 30s expect-refused 1 0\n"),
              Rules{});
    EXPECT_EQ(rules("medium SHORT_TURBO\nat 30s expect-channel 1000\n"), Rules{});
    EXPECT_EQ(rules("medium SHORT_TURBO\nat 30s expect-channel 0\n"), Rules{"promise"});
}

TEST(Port, WithoutPower_SendsNothing_AlsoInTheMiddleOfAStep) {
    Port port(0);
    int sent = 0;
    port.post = [&](const Posting&) { ++sent; };
    bool has_power = true;
    port.has_power = [&] { return has_power; };
    EXPECT_TRUE(port.send(std::nullopt, base::as_bytes("with")).has_value());
    has_power = false;
    EXPECT_FALSE(port.send(std::nullopt, base::as_bytes("without")).has_value());
    EXPECT_EQ(sent, 1);
}

TEST(VillageSides, AttackersStandOnASide_TwinsApart) {
    Scenario scenario;
    scenario.stakes = {100, 100, 100, 100};
    scenario.attackers = {{Attacker::Kind::twins, 3}, {Attacker::Kind::spam, 0}};
    const Village village(scenario, 1);
    const auto sides = village.with_attackers({{0, 1}, {2, 3}});
    EXPECT_TRUE(sides[0].contains(4)) << "the second place of validator 3";
    EXPECT_TRUE(sides[0].contains(5) || sides[1].contains(5));
}

}  // namespace
}  // namespace meshchain::sim
