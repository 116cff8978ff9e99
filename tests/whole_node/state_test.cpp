// Whole nodes that begin with a FINAL state, that hold no chain at all, and that go on after a
// quorum was lost for good, in virtual time.

#include <gtest/gtest.h>

#include "chain/consensus_of.h"
#include "chain/final_state.h"
#include "chain/transaction_proof.h"
#include "ledger/successor.h"
#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::seconds;

wire::Txid pay(World& world, std::size_t from, std::size_t to, std::uint64_t units) {
    const auto paid = world[from].pay(world.now(), world.payee(to), {units}, std::nullopt);
    EXPECT_TRUE(paid) << (paid ? "" : base::sentence(paid.error()));
    return paid ? paid->txid : wire::Txid{};
}

bool is_final(World& world, std::size_t index, const wire::Txid& txid) {
    const auto view = world[index].transaction(txid);
    return view && view->certainty == node::Certainty::final;
}

/// The validators run and have made `blocks` blocks.
void make_history(World& world, std::size_t validators, std::uint32_t blocks) {
    for (std::size_t i = 0; i < validators; ++i) world.start(i);
    world.run_for(seconds(12));
    for (std::uint32_t i = 0; i < 3 * blocks; ++i) {
        if (world[0].status(world.now()).final_height.value >= blocks) return;
        pay(world, i % validators, (i + 1) % validators, 1 + i % 7);
        world.run_for(std::chrono::milliseconds(1100));
    }
}

TEST(SnapshotStartTest, ANode_BeginsWithAFinalStateAndFollowsFromThere) {
    World world({.seed = 21, .nodes = 5, .observers = 1, .configure = [](auto index, auto& config) {
                     if (index == 4) config.sync_start = node::SyncStart::snapshot;
                 }});
    make_history(world, 4, 40);
    const auto before = world[0].status(world.now());
    ASSERT_GE(before.final_height.value, 40U);
    world.start(4);
    ASSERT_TRUE(world.run_until(
        [&] { return world[4].status(world.now()).final_height >= before.final_height; },
        seconds(60)));
    ASSERT_TRUE(world.run_until(
        [&] { return world[4].status(world.now()).history_start > wire::Height{30}; },
        seconds(20)));
    const wire::Txid txid = pay(world, 1, 2, 5);
    ASSERT_TRUE(world.run_until([&] { return is_final(world, 4, txid); }, seconds(30)));
    EXPECT_EQ(world[4].status(world.now()).tip, world[0].status(world.now()).tip);
    EXPECT_EQ(world[4].wallet()->balance().final.units, 10'000U) << "found in the state";
    EXPECT_EQ(world[4].block(wire::Height{1}).error().code, base::Errc::not_found);
    EXPECT_TRUE(world[4].blocks({1000}, 1000).has_value());

    // It serves what it has, and goes on after a power cut.
    world.kill(4);
    const wire::Txid missed = pay(world, 2, 3, 5);
    world.run_for(seconds(10));
    world.start(4);
    ASSERT_TRUE(world.run_until([&] { return is_final(world, 4, missed); }, seconds(60)));
    EXPECT_GT(world[4].status(world.now()).history_start, wire::Height{30});
}

TEST(SnapshotStartTest, PowerCutsWhileTheStateComes_EndInTheSameChain) {
    World world({.seed = 22, .nodes = 5, .observers = 1, .configure = [](auto index, auto& config) {
                     if (index == 4) config.sync_start = node::SyncStart::snapshot;
                 }});
    make_history(world, 4, 8);
    for (int cut = 0; cut < 12; ++cut) {
        world.start(4);
        world.run_for(std::chrono::milliseconds(900 + 550 * cut));
        world.kill(4);
    }
    world.start(4);
    const wire::Txid txid = pay(world, 1, 2, 5);
    ASSERT_TRUE(world.run_until([&] { return is_final(world, 4, txid); }, seconds(90)));
    EXPECT_GT(world[4].status(world.now()).history_start, wire::Height{});
}

TEST(SnapshotStartTest, OnAChainThatHasJustBegun_AllBeginAtGenesis) {
    World world({.seed = 23, .configure = [](auto, auto& config) {
                     config.sync_start = node::SyncStart::snapshot;
                 }});
    for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
    ASSERT_TRUE(world.run_until(
        [&] {
            for (std::size_t i = 0; i < world.size(); ++i) {
                if (!world[i].status(world.now()).validator) return false;
            }
            return true;
        },
        seconds(60)));
    world.run_for(seconds(15));
    const wire::Txid txid = pay(world, 0, 1, 5);
    EXPECT_TRUE(world.run_until([&] { return is_final(world, 3, txid); }, seconds(30)));
}

TEST(LightNodeTest, ItFollowsFinalAloneAndProvesAPaymentToAnybodyWithTheGenesis) {
    World world({.seed = 24, .nodes = 5, .observers = 1, .configure = [](auto index, auto& config) {
                     if (index == 4) config.role = wire::Role::light;
                 }});
    make_history(world, 4, 12);
    const wire::Txid old = pay(world, 0, 1, 9);
    world.run_for(seconds(8));
    world.start(4);
    const auto behind = [&] {
        return world[4].status(world.now()).final_height <
               world[0].status(world.now()).final_height;
    };
    ASSERT_TRUE(world.run_until([&] { return !behind(); }, seconds(30)));
    const wire::Txid txid = pay(world, 1, 2, 5);
    ASSERT_TRUE(world.run_until([&] { return is_final(world, 0, txid); }, seconds(20)));
    ASSERT_TRUE(world.run_until([&] { return !behind(); }, seconds(20)));
    EXPECT_EQ(world[4].status(world.now()).height, wire::Height{}) << "it holds no blocks";

    for (const wire::Txid& wanted : {old, txid}) {
        ASSERT_TRUE(world.run_until(
            [&] {
                const auto view = world[4].prove(world.now(), wanted);
                return view && view->proven;
            },
            seconds(30)));
        const auto view = world[4].prove(world.now(), wanted);
        const auto proof = chain::parse_transaction_proof(view->proof);
        ASSERT_TRUE(proof);
        EXPECT_EQ(chain::verify(*proof, ledger::chain_id(world.genesis()),
                                chain::validators_of(world.genesis()))
                      .value(),
                  wanted);
        EXPECT_TRUE(is_final(world, 4, wanted));
        EXPECT_TRUE(world[0].prove(world.now(), wanted)->proven) << "so does a full node";
    }
    const auto listed = world[4].pay(world.now(), world.payee(0), {1}, std::nullopt);
    EXPECT_EQ(listed.error().code, base::Errc::unsupported);
    EXPECT_EQ(world[4].blocks({10}, 5).error().code, base::Errc::unsupported);
    // Nothing that can be asked takes blocks for granted.
    EXPECT_EQ(world[4].validators().size(), 4U);
    EXPECT_EQ(world[4].mempool().transactions, 0U);
    EXPECT_FALSE(world[4].memory().empty());
    EXPECT_TRUE(world[4].fees().normal.amount().units > 0);
    EXPECT_TRUE(world[4].wallet_scan().has_value());
    EXPECT_EQ(world[4].health(world.now()).problems().size(), 1U) << "its wallet is blind";
    EXPECT_FALSE(world[4].transaction({ledger::chain_id(world.genesis())})->height);
    EXPECT_GT(world[4].poll_timeout(world.now()), world.now().instant) << "nothing is to be done";

    // What it has proven is durable.
    const auto proven = world[4].status(world.now()).final_height;
    world.kill(4);
    world.partition({4});
    world.start(4);
    EXPECT_EQ(world[4].status(world.now()).final_height, proven);
}

TEST(LightNodeTest, APaymentHandedToIt_BecomesFinalElsewhere) {
    World world({.seed = 25, .nodes = 5, .observers = 1, .configure = [](auto index, auto& config) {
                     if (index == 4) config.role = wire::Role::light;
                 }});
    for (std::size_t i = 0; i < 5; ++i) world.start(i);
    world.run_for(seconds(15));
    // Signed elsewhere: node 0's wallet makes it, and it reaches the others through node 4 alone.
    world.partition({4, 1, 2, 3});
    const auto paid = world[0].pay(world.now(), world.payee(1), {3}, std::nullopt);
    ASSERT_TRUE(paid);
    const auto transaction = *world[0].transaction(paid->txid)->transaction;
    EXPECT_EQ(world[4].submit(world.now(), transaction).value(), paid->txid);
    world.run_for(seconds(3));
    EXPECT_NE(world[2].transaction(paid->txid)->certainty, node::Certainty::unknown);
    ASSERT_TRUE(world.run_until([&] { return is_final(world, 2, paid->txid); }, seconds(60)));
}

TEST(LostQuorumTest, TwoOfFiveGoOnWithASuccessorThatHandsOutTheFinalState) {
    World old({.seed = 26});
    for (std::size_t i = 0; i < 5; ++i) old.start(i);
    old.run_for(seconds(15));
    std::vector<wire::Txid> payments;
    for (std::size_t i = 0; i < 5; ++i) payments.push_back(pay(old, i, (i + 1) % 5, 100 + i));
    ASSERT_TRUE(old.run_until(
        [&] {
            return std::ranges::all_of(payments, [&](const auto& txid) {
                return is_final(old, 0, txid) && is_final(old, 1, txid);
            });
        },
        seconds(60)));
    for (std::size_t gone = 2; gone < 5; ++gone) old.kill(gone);
    const auto not_final = old[0].pay(old.now(), old.payee(1), {7}, std::nullopt);
    ASSERT_TRUE(not_final);
    old.run_for(seconds(20));
    ASSERT_FALSE(is_final(old, 1, not_final->txid)) << "two of five finalise nothing";
    const auto old_payment = *old[0].transaction(not_final->txid)->transaction;
    const wire::Amount owned = old[0].wallet()->balance().final;
    EXPECT_LT(owned.units, 10'000U);
    old.kill(0);
    old.kill(1);

    // Each of the two who are left reads its own disk, and both come to the same draft.
    const auto final_of = [&](std::size_t index) {
        const auto disk = old.open_disk(index);
        return *chain::read_final_state(*disk, node::tables::consensus, old.genesis());
    };
    ledger::SuccessorPlan plan{old.genesis().start + std::chrono::hours(1), {}, {}};
    for (const std::size_t staying : {0U, 1U}) {
        const auto found =
            std::ranges::find(old.genesis().validators, old.identity_key(staying).public_key(),
                              &ledger::GenesisValidator::identity);
        plan.validators.push_back(*found);
    }
    ledger::SuccessorDraft draft{ledger::make_successor(old.genesis(), final_of(0), plan).value(),
                                 {}};
    ASSERT_TRUE(ledger::check_successor(draft.genesis, old.genesis(), final_of(1)));
    ASSERT_TRUE(ledger::approve(draft, old.identity_key(0)));
    EXPECT_FALSE(ledger::is_approved(draft));
    ASSERT_TRUE(ledger::approve(draft, old.identity_key(1)));
    EXPECT_TRUE(ledger::is_approved(draft));
    EXPECT_EQ(ledger::supply(draft.genesis), ledger::supply(old.genesis()));

    World next({.seed = 26, .genesis = [&](const ledger::Genesis&) { return draft.genesis; }});
    next.start(0);
    next.start(1);
    next.run_for(seconds(20));
    EXPECT_GE(next[0].wallet()->balance().final, owned);
    EXPECT_FALSE(next[0].submit(next.now(), old_payment)) << "it means nothing here";
    const wire::Txid txid = pay(next, 0, 1, 50);
    EXPECT_TRUE(next.run_until([&] { return is_final(next, 1, txid); }, seconds(30)));
}

}  // namespace
}  // namespace meshchain::tests
