// Five whole nodes that pay each other, lose one and take it back, all in virtual time.

#include <gtest/gtest.h>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WholeNodeTest : public testing::Test {
protected:
    void start_all(World& world) {
        for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
        ASSERT_TRUE(world.run_until(
            [&] {
                for (std::size_t i = 0; i < world.size(); ++i) {
                    if (world[i].status(world.now()).peers + 1 < world.size()) return false;
                }
                return true;
            },
            seconds(20)))
            << "the nodes did not find each other";
        ASSERT_TRUE(world.run_until(
            [&] { return world[0].status(world.now()).slot > wire::Slot{0}; }, seconds(20)));
    }

    static wire::Txid pay(World& world, std::size_t from, std::size_t to, std::uint64_t units) {
        const auto paid = world[from].pay(world.now(), world.payee(to), {units}, std::nullopt);
        EXPECT_TRUE(paid) << (paid ? "" : base::sentence(paid.error()));
        return paid ? paid->txid : wire::Txid{};
    }

    static bool is_final(World& world, std::size_t index, const wire::Txid& txid) {
        const auto view = world[index].transaction(txid);
        return view && view->certainty == node::Certainty::final;
    }

    static bool final_everywhere(World& world, const std::vector<wire::Txid>& payments) {
        for (std::size_t i = 0; i < world.size(); ++i) {
            if (!world.is_alive(i)) continue;
            for (const wire::Txid& txid : payments) {
                if (!is_final(world, i, txid)) return false;
            }
        }
        return true;
    }
};

TEST_F(WholeNodeTest, APayment_IsFinalOnEveryNodeWithinThreeAndAHalfSlots) {
    World world({});
    start_all(world);
    const base::Instant sent = world.now().instant;
    const wire::Txid txid = pay(world, 0, 1, 250);
    ASSERT_TRUE(world.run_until([&] { return final_everywhere(world, {txid}); }, seconds(10)));
    EXPECT_LE(world.now().instant - sent, milliseconds(3500));
    EXPECT_EQ(world[1].wallet()->balance().final.units, 10'250U);
    EXPECT_EQ(world[0].wallet()->balance().final.units, 10'000U - 252U);
}

/// Row F4: a transaction is everywhere within 200 ms, a block within 500 ms of its leader's turn.
TEST_F(WholeNodeTest, PaymentsAndBlocks_AreEverywhereWithinTheTimesOfALan) {
    World world({.delay_max = milliseconds(25)});
    start_all(world);
    for (std::uint64_t units = 1; units <= 8; ++units) {
        const wire::Txid txid = pay(world, units % 5, (units + 1) % 5, units);
        const auto seen_everywhere = [&] {
            for (std::size_t i = 0; i < world.size(); ++i) {
                const auto view = world[i].transaction(txid);
                if (!view || view->certainty == node::Certainty::unknown) return false;
            }
            return true;
        };
        EXPECT_TRUE(world.run_until(seen_everywhere, milliseconds(200))) << units;
        world.run_for(milliseconds(1370));
    }
    for (std::size_t i = 0; i < world.size(); ++i) {
        const chain::ArrivalTimes times = world[i].status(world.now()).arrival_times;
        EXPECT_GT(times.count(), 3U);
        std::uint64_t in_time = 0;
        for (std::size_t bucket = 0; times.ends[bucket] <= milliseconds(500); ++bucket) {
            in_time += times.counts()[bucket];
        }
        EXPECT_EQ(in_time, times.count()) << "node " << i;
    }
}

TEST_F(WholeNodeTest, APaymentBeyondTheBalance_IsRefusedAndChangesNothing) {
    World world({});
    start_all(world);
    const auto paid = world[0].pay(world.now(), world.payee(1), {1'000'000}, std::nullopt);
    ASSERT_FALSE(paid);
    EXPECT_EQ(paid.error().code, base::Errc::full);
    EXPECT_EQ(world[0].mempool().transactions, 0U);
    EXPECT_EQ(world[0].wallet()->balance().final.units, 10'000U);
}

TEST_F(WholeNodeTest, ANodeKilledWhileOthersPay_CatchesUpAndLosesNothing) {
    World world({.seed = 2});
    start_all(world);
    std::vector<wire::Txid> payments;
    for (std::size_t i = 0; i < 5; ++i) payments.push_back(pay(world, i, (i + 1) % 5, 10 + i));
    world.run_for(milliseconds(700));
    world.kill(4);
    for (std::size_t i = 0; i < 12; ++i) {
        payments.push_back(pay(world, i % 4, (i + 1) % 5, 20 + i));
        world.run_for(milliseconds(600));
    }
    ASSERT_TRUE(world.run_until([&] { return final_everywhere(world, payments); }, seconds(60)));

    world.start(4);
    ASSERT_TRUE(world.run_until([&] { return final_everywhere(world, payments); }, seconds(60)));
    const auto reference = world[0].status(world.now());
    for (std::size_t i = 0; i < world.size(); ++i) {
        EXPECT_EQ(world[i].status(world.now()).tip, reference.tip) << "node " << i;
    }
}

TEST_F(WholeNodeTest, AMinority_FinalisesNothingAndJoinsTheOthersAfterwards) {
    World world({.seed = 3});
    start_all(world);
    world.partition({3, 4});
    const wire::Txid cut_off = pay(world, 3, 4, 5);
    const wire::Txid majority = pay(world, 0, 1, 7);
    world.run_for(seconds(40));
    EXPECT_FALSE(is_final(world, 3, cut_off));
    EXPECT_FALSE(is_final(world, 0, cut_off));
    // Three of five equal stakes are not more than two thirds either: nobody finalises.
    EXPECT_FALSE(is_final(world, 0, majority));
    EXPECT_EQ(world[0].transaction(majority)->certainty, node::Certainty::live);
    world.partition({});
    ASSERT_TRUE(world.run_until([&] { return final_everywhere(world, {cut_off, majority}); },
                                seconds(120)));
}

TEST_F(WholeNodeTest, OnALossyNetwork_PaymentsBecomeFinalAllTheSame) {
    for (const std::uint64_t seed : {11U, 12U, 13U}) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World world({.seed = seed, .loss_percent = 15, .delay_max = milliseconds(60)});
        for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
        world.run_for(seconds(30));
        std::vector<wire::Txid> payments;
        for (std::size_t i = 0; i < 10; ++i) {
            payments.push_back(pay(world, i % 5, (i + 2) % 5, 3 + i));
            world.run_for(milliseconds(400));
        }
        EXPECT_TRUE(
            world.run_until([&] { return final_everywhere(world, payments); }, seconds(120)));
    }
}

TEST_F(WholeNodeTest, AnIdleChain_IsSilentButForHeartbeats) {
    World world({.seed = 4});
    start_all(world);
    const wire::Txid txid = pay(world, 0, 1, 5);
    ASSERT_TRUE(world.run_until([&] { return final_everywhere(world, {txid}); }, seconds(10)));
    world.run_for(seconds(10));
    const std::uint64_t before = world.datagrams();
    world.run_for(seconds(60));
    // A heartbeat and a HELLO every five seconds from each of five nodes.
    EXPECT_LE(world.datagrams() - before, 5U * 12U * 2U + 10U);
}

}  // namespace
}  // namespace meshchain::tests
