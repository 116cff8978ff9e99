// A chain whose disk fails, and chains that are switched off at every stage of a payment.

#include <gtest/gtest.h>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::seconds;
using Type = wire::MessageType;

/// Switched off and on again, it goes on, and nobody ever signed two things that contradict.
void expect_all_recover(Network& net, const std::vector<wire::Txid>& paid) {
    for (const wire::Txid& txid : paid) {
        EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(txid); }, seconds(60)));
    }
    net.check();
    EXPECT_EQ(net[0].engine().equivocators(), 0U);
}

TEST(ChainFaultsTest, PowerLossAtAnyCommit_LosesNothingAndContradictsNothing) {
    for (std::uint64_t sound = 0; sound < 14; ++sound) {
        const auto fault =
            sound % 2 == 0 ? kv::CommitFault::unknown_present : kv::CommitFault::unknown_absent;
        SCOPED_TRACE("after " + std::to_string(sound) + " sound commits");
        Network net({.seed = sound});
        net.start_all();
        net.run_for(seconds(3));
        std::vector<wire::Txid> paid{net.pay(0, 0, 1, 100), net.pay(3, 0, 1, 100)};
        net.host(3).store->fail_commit(sound, fault);
        net.run_for(seconds(2));
        paid.push_back(net.pay(1, 0, 2, 100));
        EXPECT_TRUE(net.run_until([&] { return net.host(3).store->is_read_only(); }, seconds(4)));
        net.kill(3);
        net.run_for(milliseconds(700));
        net.start(3);
        paid.push_back(net.pay(2, 0, 1, 100));
        expect_all_recover(net, paid);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(ChainFaultsTest, AStoreThatFailed_IsSaid_AndNothingIsAppliedProposedOrVotedAnyMore) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    const wire::Txid before = net.pay(3, 0, 1, 100);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(before); }, seconds(10)));
    net.host(3).store->fail_commit(0, kv::CommitFault::unknown_absent);
    const Tip tip = net[3].store().tip();
    const auto votes = net.host(3).votes;
    const auto proposed = net[3].blocks_proposed();
    std::vector<wire::Txid> paid;
    for (std::size_t coin = 1; coin < 6; ++coin) {
        paid.push_back(net.pay(0, coin, 1, 100));
        net.run_for(seconds(2));
    }
    ASSERT_TRUE(net[3].fault().has_value());
    EXPECT_EQ(net[3].store().tip(), tip);
    EXPECT_EQ(net.host(3).votes, votes);
    EXPECT_EQ(net[3].blocks_proposed(), proposed);
    const auto refused = net[3].submit(net.now(), net.payment(3, 1, 1, 100));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, net[3].fault()->code);
    EXPECT_TRUE(net.is_final(0, paid.front())) << "the others go on";

    net.kill(3);
    net.start(3);
    EXPECT_EQ(net[3].fault(), std::nullopt);
    paid.push_back(net.pay(3, 1, 1, 100));
    expect_all_recover(net, paid);
}

/// The store is not read-only: only the fault keeps the node from going on, and from voting.
TEST(ChainFaultsTest, WhileCommitsAreRefused_NothingIsAppliedProposedOrVoted_ThenAllIsAgain) {
    Network net({.seed = 9});
    net.start_all();
    net.run_for(seconds(3));
    std::vector<wire::Txid> paid{net.pay(0, 0, 1, 100)};
    ASSERT_TRUE(net.run_until([&] { return net.is_final_everywhere(paid[0]); }, seconds(20)));
    net.host(3).store->set_full(true);
    paid.push_back(net.pay(0, 1, 1, 100));
    ASSERT_TRUE(net.run_until([&] { return net[3].fault().has_value(); }, seconds(10)));
    const auto votes = net.host(3).votes;
    const auto proposed = net[3].blocks_proposed();
    const Tip tip = net[3].store().tip();
    for (std::size_t coin = 2; coin < 6; ++coin) {
        paid.push_back(net.pay(0, coin, 1, 100));
        net.run_for(seconds(4));
        EXPECT_EQ(net.host(3).votes, votes);
        EXPECT_EQ(net[3].blocks_proposed(), proposed);
        EXPECT_EQ(net[3].store().tip(), tip);
    }
    net.host(3).store->set_full(false);
    EXPECT_TRUE(net.run_until([&] { return !net[3].fault(); }, Chain::retry_pause_max));
    const auto again = net.host(3).votes;
    paid.push_back(net.pay(3, 1, 1, 100));
    expect_all_recover(net, paid);
    EXPECT_GT(net.host(3).votes, again);
}

TEST(ChainFaultsTest, ASingleRefusedCommit_IsTriedAgainAndCostsNothing) {
    for (std::uint64_t sound = 0; sound < 6; ++sound) {
        for (const auto fault : {kv::CommitFault::refused, kv::CommitFault::no_room}) {
            SCOPED_TRACE(sound);
            Network net({.seed = sound});
            net.start_all();
            net.run_for(seconds(3));
            net.host(3).store->fail_commit(sound, fault);
            expect_all_recover(net, {net.pay(3, 0, 1, 100), net.pay(0, 0, 1, 100)});
            EXPECT_EQ(net[3].fault(), std::nullopt);
        }
    }
}

TEST(ChainFaultsTest, AReadThatFails_IsSaid_AndARestartMendsIt) {
    for (const std::uint64_t sound : {0U, 1U, 5U}) {
        Network net({.seed = sound});
        net.start_all();
        net.run_for(seconds(3));
        const wire::Txid txid = net.pay(0, 0, 1, 100);
        net.host(3).store->fail_read(sound, base::Errc::io);
        net.run_for(seconds(6));
        EXPECT_TRUE(net[3].fault().has_value() || net.is_final(3, txid)) << sound;
        net.kill(3);
        net.start(3);
        expect_all_recover(net, {txid});
    }
}

TEST(ChainFaultsTest, AnOwnBlockSignedButNotSent_ReachesTheOthersAfterARestart) {
    Network net({.seed = 4});
    net.start_all();
    net.run_for(seconds(3));
    bool mute = true;
    net.drop_if(
        [&](std::size_t from, std::size_t, const Network::Frame&) { return mute && from == 0; });
    const wire::Txid txid = net.pay(0, 0, 1, 100);
    ASSERT_TRUE(net.run_until([&] { return net[0].blocks_proposed() == 1; }, seconds(30)));
    net.kill(0);
    net.run_for(milliseconds(1500));
    mute = false;
    net.start(0);
    expect_all_recover(net, {txid});
}

TEST(ChainFaultsTest, AnOwnBlockSignedButNotApplied_IsAppliedAfterARestart) {
    Network net({.seed = 2, .chains = 1});
    net.start_all();
    net.run_for(seconds(2));
    net.host(0).store->fail_commit(1, kv::CommitFault::unknown_absent);  // signing is the first
    const wire::Txid txid = net.pay(0, 0, 1, 100);
    ASSERT_TRUE(net.run_until([&] { return net[0].fault().has_value(); }, seconds(5)));
    ASSERT_EQ(net[0].store().tip().height, wire::Height{});
    net.kill(0);
    net.start(0);
    expect_all_recover(net, {txid});
    EXPECT_EQ(net[0].blocks_proposed(), 0U) << "the same block, not a new one";
}

TEST(ChainFaultsTest, ARestartWithBlocksThatAreNotFinal_KeepsThem) {
    Network net({});
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0, 1});
    std::vector<wire::Txid> paid;
    for (std::size_t coin = 0; coin < 3; ++coin) {
        paid.push_back(net.pay(0, coin, 1, 100));
        net.run_for(seconds(4));
    }
    const Tip tip = net[0].store().tip();
    ASSERT_GT(tip.height.value, 0U);
    ASSERT_EQ(net[0].final_height(), wire::Height{});
    for (const std::size_t i : {0U, 1U}) net.kill(i);
    for (const std::size_t i : {0U, 1U}) net.start(i);
    EXPECT_EQ(net[0].store().tip(), tip);
    paid.push_back(net.pay(2, 0, 1, 100));
    net.run_for(seconds(5));
    net.partition({});
    expect_all_recover(net, paid);
}

TEST(ChainFaultsTest, AllSwitchedOffAtOnce_GoOnWhereTheyWere) {
    Network net({.seed = 7});
    net.start_all();
    net.run_for(seconds(3));
    const wire::Txid final_one = net.pay(0, 0, 1, 100);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(final_one); }, seconds(10)));
    const wire::Txid in_a_block = net.pay(1, 0, 2, 100);
    EXPECT_TRUE(net.run_until([&] { return net[2].store().find(in_a_block).value().has_value(); },
                              seconds(10)));
    for (std::size_t i = 0; i < 4; ++i) net.kill(i);
    net.run_for(seconds(30));
    net.start_all();
    EXPECT_TRUE(net.is_final(0, final_one));
    expect_all_recover(net, {final_one, in_a_block});
}

TEST(ChainFaultsTest, TheGenesisOfAnotherChain_IsRefused) {
    Network net({.chains = 1});
    net.start_all();
    net.kill(0);
    Network other({.seed = 2, .chains = 1});
    other.host(0).medium = net.host(0).medium;
    other.host(0).store.reset();
    other.host(0).memory.reset();
    const auto started = other.try_start(0);
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, base::Errc::wrong_chain);
}

}  // namespace
}  // namespace meshchain::chain
