// PROTOCOL.md P2.7: at the undo quota a node stops proposing and applying, keeps relaying and
// voting, and goes on by itself once something becomes final again.

#include <gtest/gtest.h>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using test::Network;
using test::seconds;
using Type = wire::MessageType;

constexpr std::uint32_t quota = 6;

/// Payments in the name of `payer`, one in about two slots, until its coins are used up.
void keep_paying(Network& net, std::uint32_t payer, std::size_t from_coin, std::size_t count) {
    for (std::size_t coin = from_coin; coin < from_coin + count; ++coin) {
        static_cast<void>(net.submit(payer, net.payment(payer, coin, payer, 100)));
        net.run_for(seconds(2));
    }
}

TEST(UndoQuotaTest, APartitionWithoutQuorum_StallsAtTheQuota_AndRelaysAndVotesOn) {
    Network net({.seed = 3, .coins_each = 30, .undo_blocks_max = quota});
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0, 1});
    keep_paying(net, 0, 0, 24);
    for (const std::size_t i : {0U, 1U}) {
        EXPECT_TRUE(net[i].is_stalled()) << i;
        EXPECT_EQ(net[i].undo_blocks(), quota) << i;
        EXPECT_EQ(net[i].fault(), std::nullopt) << "a stalled store is a sound one";
    }
    const auto proposed = net[0].blocks_proposed() + net[1].blocks_proposed();
    const Tip tip = net[1].store().tip();
    const auto votes = net.host(0).votes + net.host(1).votes;

    const wire::Txid waiting = net.pay(0, 25, 1, 100);
    net.run_for(seconds(150));
    EXPECT_TRUE(net[1].mempool().find(waiting)) << "relayed and kept";
    EXPECT_EQ(net[0].blocks_proposed() + net[1].blocks_proposed(), proposed);
    EXPECT_EQ(net[1].store().tip(), tip);
    EXPECT_GT(net.host(0).votes + net.host(1).votes, votes) << "or it could never end";
    net.check();
}

TEST(UndoQuotaTest, BothSidesStalled_HealAndFinalisePaymentsAgain) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        SCOPED_TRACE(seed);
        Network net({.seed = seed, .coins_each = 30, .undo_blocks_max = quota});
        net.start_all();
        net.run_for(seconds(3));
        net.partition({0, 1});
        for (std::size_t coin = 0; coin < 20; ++coin) {
            static_cast<void>(net.pay(0, coin, 0, 100));
            static_cast<void>(net.pay(2, coin, 2, 100));
            net.run_for(seconds(2));
        }
        for (std::size_t i = 0; i < 4; ++i) ASSERT_TRUE(net[i].is_stalled()) << i;
        net.partition({});
        EXPECT_TRUE(net.run_until([&] { return net[0].final_height().value > 0; }, seconds(200)));
        const wire::Txid after = net.pay(1, 29, 3, 100);
        EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(after); }, seconds(100)));
        for (std::size_t i = 0; i < 4; ++i) EXPECT_FALSE(net[i].is_stalled()) << i;
        net.check();
        EXPECT_EQ(net[0].engine().equivocators(), 0U);
    }
}

/// What it had applied alone is taken back to FINAL, by its undo records.
TEST(UndoQuotaTest, AStalledNodeThatComesBack_TakesItsOwnBlocksBackToFinal) {
    Network net({.seed = 5, .coins_each = 40, .undo_blocks_max = quota});
    net.start_all();
    net.run_for(seconds(3));
    const wire::Txid before = net.pay(1, 0, 2, 100);
    ASSERT_TRUE(net.run_until([&] { return net.is_final_everywhere(before); }, seconds(20)));
    const wire::Height final = net[3].final_height();
    net.partition({3});
    for (std::size_t coin = 0; coin < 36; ++coin) {
        static_cast<void>(net.pay(3, coin, 3, 100));
        if (coin < 12) static_cast<void>(net.pay(0, coin, 1, 100));
        net.run_for(seconds(2));
    }
    ASSERT_TRUE(net[3].is_stalled());
    ASSERT_EQ(net[3].final_height(), final);
    ASSERT_GT(net[0].final_height().value, final.value + quota);
    const auto reverted = net.host(3).reverted;
    net.partition({});
    EXPECT_TRUE(
        net.run_until([&] { return net.tips_agree() && !net[3].is_stalled(); }, seconds(120)));
    EXPECT_EQ(net.host(3).reverted - reverted, quota);
    const wire::Txid after = net.pay(3, 38, 1, 100);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(after); }, seconds(60)));
    net.check();
}

TEST(UndoQuotaTest, ARestartAtTheQuota_IsStalledStill_AndHealsAsWell) {
    Network net({.seed = 6, .coins_each = 30, .undo_blocks_max = quota});
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0, 1});
    keep_paying(net, 0, 0, 20);
    ASSERT_TRUE(net[0].is_stalled());
    const Tip tip = net[0].store().tip();
    net.kill(0);
    net.start(0);
    EXPECT_TRUE(net[0].is_stalled());
    EXPECT_EQ(net[0].store().tip(), tip);
    net.partition({});
    const wire::Txid after = net.pay(2, 0, 3, 100);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(after); }, seconds(200)));
    net.check();
}

}  // namespace
}  // namespace meshchain::chain
