// A node's wallet in virtual time: its events, its lock, the chain it reads, and what fees it asks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using runtime::EventType;
using std::chrono::minutes;
using std::chrono::seconds;

class WholeNodeWalletTest : public testing::Test {
protected:
    /// A world that notes the wallet events of its nodes.
    World::Options noting(std::size_t nodes) {
        World::Options options{.seed = 3, .nodes = nodes};
        options.created = [this](node::Node& node) {
            for (const EventType type : {EventType::wallet_created, EventType::wallet_unlocked,
                                         EventType::wallet_locked}) {
                ASSERT_TRUE(node.events().register_handler(
                    type, [this](base::Instant, const runtime::Event& event) {
                        seen_.push_back(event.type);
                        return runtime::Outcome{};
                    }));
            }
        };
        return options;
    }
    static bool has_begun(World& world) {
        return world[0].status(world.now()).slot > wire::Slot{0};
    }

    std::vector<EventType> seen_;
};

TEST_F(WholeNodeWalletTest, AWallet_TellsWhenItIsMadeUnlockedAndLocked) {
    World world(noting(1));
    world.start(0);
    EXPECT_THAT(seen_, testing::ElementsAre(EventType::wallet_created, EventType::wallet_unlocked));
    seen_.clear();
    world[0].lock_wallet();
    world[0].lock_wallet();
    world.run_for(seconds(1));
    EXPECT_THAT(seen_, testing::ElementsAre(EventType::wallet_locked)) << "once";
    seen_.clear();
    world.kill(0);
    world.start(0);
    EXPECT_THAT(seen_, testing::ElementsAre(EventType::wallet_unlocked)) << "it was made before";
}

TEST_F(WholeNodeWalletTest, AnUnlockedWallet_LocksItselfInTime) {
    World world(noting(1));
    world.start(0);
    world.run_for(minutes(9));
    EXPECT_TRUE(world[0].wallet()->is_unlocked());
    world.run_for(minutes(2));
    EXPECT_FALSE(world[0].wallet()->is_unlocked());
    EXPECT_EQ(seen_.back(), EventType::wallet_locked);
}

TEST_F(WholeNodeWalletTest, AKilledNode_ReadsWhatItMissedStepByStepAndPaysOnlyThen) {
    World world({.seed = 5, .nodes = 1});
    world.start(0);
    ASSERT_TRUE(world.run_until([&] { return has_begun(world); }, seconds(20)));
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(world[0].pay(world.now(), world.payee(0), {5}, std::nullopt));
        world.run_for(seconds(2));
    }
    const auto balance = world[0].wallet()->balance();
    // More keys: everything is read again, some blocks a step, while the node goes on.
    ASSERT_TRUE(world.add_keys(0));
    const auto scan = world[0].wallet_scan();
    ASSERT_TRUE(scan && scan->reading);
    EXPECT_LT(scan->percent(), 100U);
    const auto paid = world[0].pay(world.now(), world.payee(0), {5}, std::nullopt);
    ASSERT_FALSE(paid);
    EXPECT_EQ(paid.error().code, base::Errc::unavailable);
    ASSERT_TRUE(world.run_until([&] { return !world[0].wallet_scan()->reading; }, seconds(20)));
    EXPECT_EQ(world[0].wallet()->balance(), balance);
    world.kill(0);
    world.start(0);
    ASSERT_TRUE(world.run_until([&] { return !world[0].wallet_scan()->reading; }, seconds(20)));
    EXPECT_EQ(world[0].wallet()->balance(), balance);
}

TEST_F(WholeNodeWalletTest, History_SaysHowSureEachPaymentIs) {
    World world({.seed = 7, .nodes = 3});
    for (std::size_t i = 0; i < 3; ++i) world.start(i);
    ASSERT_TRUE(world.run_until([&] { return has_begun(world); }, seconds(20)));
    const auto newest = [&] { return world[0].wallet_history(1, ~std::uint64_t{0})->front(); };
    const auto paid = world[0].pay(world.now(), world.payee(1), {250}, std::nullopt);
    ASSERT_TRUE(paid) << base::sentence(paid.error());
    EXPECT_EQ(newest().certainty, node::Certainty::seen);
    ASSERT_TRUE(newest().expires);
    EXPECT_EQ(*newest().expires, paid->expires);
    EXPECT_GT(paid->expires, world.now().wall);
    ASSERT_TRUE(
        world.run_until([&] { return newest().certainty != node::Certainty::seen; }, seconds(10)));
    EXPECT_FALSE(newest().expires);
    ASSERT_TRUE(
        world.run_until([&] { return newest().certainty == node::Certainty::final; }, seconds(10)));
    EXPECT_EQ(newest().live_percent, 100U);
}

TEST_F(WholeNodeWalletTest, Fees_FollowWhatWaits) {
    World world({.seed = 9, .nodes = 3});
    for (std::size_t i = 0; i < 3; ++i) world.start(i);
    ASSERT_TRUE(world.run_until([&] { return has_begun(world); }, seconds(20)));
    const auto idle = world[0].fees();
    EXPECT_LT(idle.low.amount(), idle.normal.amount());
    EXPECT_LT(idle.normal.amount(), idle.high.amount());
    // In a slot that this node leads, its payment does not wait at all.
    ASSERT_TRUE(world.run_until(
        [&] {
            EXPECT_TRUE(world[0].pay(world.now(), world.payee(0), {5}, wire::fee_code_for({200})));
            return world[0].mempool().transactions > 0;
        },
        seconds(5)));
    EXPECT_GE(world[0].fees().high.amount().units, 200U) << "before all that waits";
    EXPECT_EQ(world[0].fees().normal, idle.normal) << "the block has room";
}

}  // namespace
}  // namespace meshchain::tests
