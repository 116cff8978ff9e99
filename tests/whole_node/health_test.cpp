// What a node says is wrong with it, when something is, and that it says so no longer than it is.

#include <gtest/gtest.h>

#include <algorithm>

#include "node/recent_count.h"
#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using node::PartState;
using std::chrono::minutes;
using std::chrono::seconds;

std::optional<node::Problem> find(const node::HealthView& health, std::string_view id) {
    const auto problems = health.problems();
    const auto found = std::ranges::find(problems, id, &node::Problem::id);
    return found == problems.end() ? std::nullopt : std::optional(*found);
}

class NodeHealth : public testing::Test {
protected:
    void start_all(World& world) {
        for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
        ASSERT_TRUE(world.run_until([&] { return healthy(world, 0); }, seconds(30)))
            << node::sentence(world[0].health(world.now()).problems().front());
    }
    static bool healthy(World& world, std::size_t index) {
        return world[index].health(world.now()).state == PartState::ok;
    }
    /// Whether node `index` says this is wrong, in words that say why and what to do.
    static bool says(World& world, std::size_t index, std::string_view id) {
        const auto problem = find(world[index].health(world.now()), id);
        if (!problem) return false;
        EXPECT_FALSE(problem->what.empty() || problem->why.empty() || problem->advice.empty());
        return true;
    }
};

TEST_F(NodeHealth, EveryPart_IsToldInAllCircumstances) {
    World world({.nodes = 2});
    world.start(0);
    const auto health = world[0].health(world.now());
    std::vector<std::string_view> parts;
    for (const node::PartHealth& part : health.parts) parts.push_back(part.part);
    const std::vector<std::string_view> all{"store", "chain", "mempool", "mesh",
                                            "clock", "sync",  "wallet"};
    EXPECT_EQ(parts, all);
    EXPECT_EQ(health.state, PartState::failed) << "alone, with another validator in genesis";
}

TEST_F(NodeHealth, NoPeersAndNoQuorum_AreSaidAsLongAsTheyLast) {
    World world({});
    start_all(world);
    world.partition({0});
    ASSERT_TRUE(world.run_until(
        [&] { return says(world, 0, "no_peers") && says(world, 0, "no_quorum"); }, seconds(90)));
    EXPECT_EQ(world[0].status(world.now()).problems.size(),
              world[0].health(world.now()).problems().size());
    world.partition({});
    EXPECT_TRUE(world.run_until([&] { return healthy(world, 0); }, seconds(90)));
}

TEST_F(NodeHealth, AClockThatIsOff_IsSaidUntilItAgreesAgain) {
    World world({.seed = 5});
    world.set_synchronised(0, true);
    start_all(world);
    world.set_clock_error(0, std::chrono::milliseconds(700));
    EXPECT_TRUE(world.run_until([&] { return says(world, 0, "clock_off"); }, seconds(30)));
    world.set_clock_error(0, {});
    EXPECT_TRUE(world.run_until([&] { return healthy(world, 0); }, seconds(60)));
}

TEST_F(NodeHealth, ADiskThatWasFull_IsTriedAgainAndTheNodeLeavesError) {
    World world({.seed = 6});
    start_all(world);
    ASSERT_TRUE(world[1].pay(world.now(), world.payee(2), {5}, std::nullopt));
    world.disk(0).set_full(true);
    ASSERT_TRUE(world.run_until([&] { return says(world, 0, "store_failed"); }, seconds(30)));
    world.run_for(minutes(2));
    EXPECT_TRUE(says(world, 0, "store_failed")) << "trying again is not success";
    EXPECT_EQ(world[0].status(world.now()).state, runtime::NodeState::error);
    EXPECT_EQ(world[0].health(world.now()).state, PartState::failed);

    world.disk(0).set_full(false);
    const wire::Txid paid = world[1].pay(world.now(), world.payee(0), {7}, std::nullopt)->txid;
    EXPECT_TRUE(world.run_until(
        [&] {
            const auto view = world[0].transaction(paid);
            return view && view->certainty == node::Certainty::final && healthy(world, 0);
        },
        seconds(60)));
    EXPECT_EQ(world[0].status(world.now()).state, runtime::NodeState::validating);
}

TEST_F(NodeHealth, AWriteOfUnknownOutcome_IsNotTriedAgainBeforeARestart) {
    World world({.seed = 7});
    start_all(world);
    ASSERT_TRUE(world[1].pay(world.now(), world.payee(2), {5}, std::nullopt));
    world.disk(0).fail_commit(0, kv::CommitFault::unknown_absent);
    world.run_for(minutes(3));
    EXPECT_TRUE(says(world, 0, "store_read_only"));
    world.kill(0);
    world.start(0);
    EXPECT_TRUE(world.run_until([&] { return healthy(world, 0); }, seconds(90)));
}

TEST_F(NodeHealth, PeersThatComeAndGo_AreSaidAndForgotten) {
    World world({.seed = 8});
    start_all(world);
    for (int i = 0; i < 3; ++i) {
        world.partition({0, 1});
        world.run_for(seconds(45));
        world.partition({});
        world.run_for(seconds(20));
    }
    EXPECT_TRUE(says(world, 0, "reconnects"));
    world.run_for(2 * node::RecentCount::window);
    EXPECT_TRUE(healthy(world, 0));
}

TEST(RecentCount, ForgetsWhatIsOverButNotAtOnce) {
    node::RecentCount count;
    base::Instant now{std::chrono::hours(1)};
    count.observe(now, 3);
    EXPECT_EQ(count.value(), 0U) << "what was before the first look is not lately";
    count.observe(now += seconds(10), 7);
    EXPECT_EQ(count.value(), 4U);
    count.observe(now += node::RecentCount::window, 7);
    EXPECT_EQ(count.value(), 4U);
    count.observe(now += node::RecentCount::window, 7);
    EXPECT_EQ(count.value(), 0U);
    count.observe(now += 3 * node::RecentCount::window, 9);
    EXPECT_EQ(count.value(), 0U) << "nobody knows when";
}

}  // namespace
}  // namespace meshchain::tests
