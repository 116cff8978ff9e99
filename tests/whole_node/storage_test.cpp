// What a node does when its store runs short, at the undo quota and below its horizon (B12, P2.7).

#include <gtest/gtest.h>

#include <algorithm>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using node::Certainty;
using std::chrono::seconds;

bool says(World& world, std::size_t index, std::string_view id) {
    const auto problems = world[index].health(world.now()).problems();
    return std::ranges::find(problems, id, &node::Problem::id) != problems.end();
}

bool is_final(World& world, std::size_t index, const wire::Txid& txid) {
    const auto view = world[index].transaction(txid);
    return view && view->certainty == Certainty::final;
}

node::StatusView status(World& world, std::size_t index) {
    return world[index].status(world.now());
}

wire::Txid pay(World& world, std::size_t from, std::size_t to) {
    const auto paid = world[from].pay(world.now(), world.payee(to), {5}, std::nullopt);
    EXPECT_TRUE(paid.has_value()) << base::sentence(paid.error());
    return paid ? paid->txid : wire::Txid{};
}

void start_all(World& world) {
    for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
    ASSERT_TRUE(world.run_until(
        [&] {
            for (std::size_t i = 0; i < world.size(); ++i) {
                if (status(world, i).peers + 1 < world.size()) return false;
            }
            return status(world, 0).clock_checked;
        },
        seconds(60)));
}

/// Collects the texts of NODE_ERROR events.
void watch(node::Node& node, std::vector<std::string>& told) {
    ASSERT_TRUE(node.events().register_handler(runtime::EventType::node_error,
                                               [&told](base::Instant, const runtime::Event& event) {
                                                   if (const auto* text = event.data.text())
                                                       told.emplace_back(text->view());
                                                   return std::expected<void, base::Error>();
                                               }));
}

TEST(StorageTest, APartitionToTheUndoQuota_ShowsStalled_RelaysAndHeals) {
    constexpr std::uint32_t quota = 8;
    std::vector<std::string> told;
    std::size_t created = 0;
    World world({.seed = 21,
                 .configure = [](std::size_t,
                                 node::NodeConfig& config) { config.store_undo_blocks = quota; },
                 .created =
                     [&](node::Node& node) {
                         if (created++ == 0) watch(node, told);
                     }});
    start_all(world);
    world.partition({0, 1});
    std::size_t paid = 0;
    EXPECT_TRUE(world.run_until(
        [&] {
            if (paid < 400 && status(world, 0).mempool_transactions == 0 &&
                !status(world, 0).stalled) {
                ++paid;
                static_cast<void>(world[0].pay(world.now(), world.payee(0), {5}, std::nullopt));
            }
            return status(world, 0).stalled && status(world, 1).stalled;
        },
        seconds(600)));
    EXPECT_EQ(status(world, 0).undo_blocks, quota);
    EXPECT_EQ(status(world, 0).undo_blocks_max, quota);
    EXPECT_TRUE(says(world, 0, "chain_stalled"));
    EXPECT_FALSE(says(world, 0, "store_failed"));

    const auto proposed = status(world, 0).blocks_proposed + status(world, 1).blocks_proposed;
    const wire::Txid relayed = pay(world, 0, 1);
    world.run_for(seconds(10));
    EXPECT_EQ(world[1].transaction(relayed)->certainty, Certainty::seen) << "relayed and kept";
    EXPECT_EQ(status(world, 0).height, status(world, 1).height);
    EXPECT_EQ(status(world, 0).blocks_proposed + status(world, 1).blocks_proposed, proposed);
    EXPECT_EQ(std::ranges::count(told, "STALLED"), 1);

    world.partition({});
    EXPECT_TRUE(world.run_until([&] { return status(world, 0).final_height.value >= quota; },
                                seconds(200)));
    const wire::Txid after = pay(world, 2, 0);
    EXPECT_TRUE(world.run_until(
        [&] {
            return is_final(world, 0, after) && is_final(world, 4, after) &&
                   is_final(world, 0, relayed);
        },
        seconds(120)));
    EXPECT_FALSE(status(world, 0).stalled);
    EXPECT_FALSE(says(world, 0, "chain_stalled"));
    EXPECT_EQ(std::ranges::count(told, "no longer STALLED"), 1);
}

TEST(StorageTest, AFullDisk_TakesNoNewWork_ServesAndRelays_AndRecoversByItself) {
    World world({.seed = 22});
    start_all(world);
    const wire::Txid before = pay(world, 0, 1);
    ASSERT_TRUE(world.run_until([&] { return is_final(world, 0, before); }, seconds(30)));
    world.run_for(seconds(2));
    world.disk(0).set_full(true);
    world.run_for(seconds(2));
    EXPECT_TRUE(says(world, 0, "storage_quota"));
    EXPECT_EQ(status(world, 0).storage_level, "full");
    const auto refused = world[0].pay(world.now(), world.payee(1), {5}, std::nullopt);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::full) << base::sentence(refused.error());

    // The others have a quorum without it.
    const auto heights = status(world, 0);
    const wire::Txid others = pay(world, 1, 2);
    EXPECT_TRUE(world.run_until([&] { return is_final(world, 2, others); }, seconds(60)));
    EXPECT_EQ(status(world, 0).height, heights.height) << "nothing is applied";
    EXPECT_EQ(status(world, 0).blocks_proposed, heights.blocks_proposed);
    EXPECT_TRUE(is_final(world, 0, before)) << "reads are served";
    EXPECT_TRUE(world[0].block(heights.height).has_value());

    world.disk(0).set_full(false);
    EXPECT_TRUE(world.run_until([&] { return is_final(world, 0, others); }, seconds(90)));
    EXPECT_EQ(status(world, 0).storage_level, "ok");
    const wire::Txid again = pay(world, 0, 1);
    EXPECT_TRUE(world.run_until([&] { return is_final(world, 0, again); }, seconds(60)));
}

TEST(StorageTest, ADiskWithoutRoom_IsSaidToRefuse_AndSoIsItsEnd) {  // B12
    World world({.seed = 25});
    start_all(world);
    world.disk(0).set_no_room(true);
    const wire::Txid paid = pay(world, 1, 2);
    ASSERT_TRUE(
        world.run_until([&] { return !status(world, 0).storage_refused.empty(); }, seconds(60)));
    EXPECT_EQ(status(world, 0).storage_level, "ok") << "no quota knows";
    EXPECT_TRUE(says(world, 0, "store_failed") || says(world, 0, "store_refuses"));
    world.disk(0).set_no_room(false);
    EXPECT_TRUE(world.run_until([&] { return is_final(world, 0, paid); }, seconds(90)));
    EXPECT_TRUE(world.run_until(
        [&] {
            return status(world, 0).storage_refused.empty() && !says(world, 0, "store_refuses");
        },
        seconds(120)));
}

TEST(StorageTest, AFullNodeInTheMiddle_RelaysBetweenOthers) {
    // 0 — 1 — 2, and 3 and 4 beside 2: without 1 nothing of 0 arrives.
    const auto reaches = [](std::size_t a, std::size_t b) {
        return a == 1 || b == 1 || (a > 1 && b > 1);
    };
    World world({.seed = 23, .reaches = reaches});
    for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
    ASSERT_TRUE(world.run_until([&] { return status(world, 1).peers == 4; }, seconds(60)));
    world.run_for(seconds(5));
    world.disk(1).set_full(true);
    const wire::Txid paid = pay(world, 0, 3);
    // The payment went one way and its block the other.
    EXPECT_TRUE(world.run_until(
        [&] { return status(world, 0).height.value == 1 && status(world, 4).height.value == 1; },
        seconds(90)));
    EXPECT_EQ(world[0].transaction(paid)->certainty, Certainty::live);
    EXPECT_EQ(status(world, 1).height.value, 0U);
}

TEST(StorageTest, TheQuotasLevels_AreToldAt80And95Percent_AndSurviveARestart) {
    std::uint64_t quota = 0;
    std::vector<std::string> told;
    World world({.seed = 24,
                 .created =
                     [&](node::Node& node) {
                         if (quota != 0) watch(node, told);
                     },
                 .quota_bytes = [&](std::size_t index) { return index == 0 ? quota : 0; }});
    start_all(world);
    const auto restart_at = [&](std::uint64_t percent) {
        const std::uint64_t used = status(world, 0).storage_bytes;
        world.kill(0);
        quota = used * 100 / percent;
        told.clear();
        world.start(0);
        world.run_for(seconds(2));
    };
    restart_at(50);
    EXPECT_EQ(status(world, 0).storage_level, "ok");
    EXPECT_EQ(status(world, 0).storage_limit_bytes, quota);
    restart_at(85);
    EXPECT_EQ(status(world, 0).storage_level, "warning_80");
    EXPECT_EQ(told, std::vector<std::string>{"storage warning_80"});
    EXPECT_TRUE(says(world, 0, "storage_quota"));
    restart_at(97);
    EXPECT_EQ(status(world, 0).storage_level, "warning_95");
    EXPECT_EQ(told, std::vector<std::string>{"storage warning_95"});

    // The last percents are used up; it stops, and goes on with more room.
    wire::Txid last;
    EXPECT_TRUE(world.run_until(
        [&] {
            if (status(world, 1).mempool_transactions == 0) last = pay(world, 1, 1);
            return says(world, 0, "store_failed");
        },
        seconds(120)));
    EXPECT_EQ(status(world, 0).state, runtime::NodeState::error);
    restart_at(40);
    EXPECT_TRUE(world.run_until([&] { return is_final(world, 0, last); }, seconds(90)));
    EXPECT_EQ(status(world, 0).storage_level, "ok");
}

TEST(StorageTest, ANodeThatPrunes_SaysFromWhereItHoldsHistory_AndItsWalletIsRight) {
    World world({.seed = 25, .past_blocks = 300, .configure = [](std::size_t index, auto& config) {
                     if (index == 0) config.store_keep_blocks = 64;
                 }});
    for (std::size_t i = 0; i < world.size(); ++i) world.preload(i);
    start_all(world);
    EXPECT_TRUE(world.run_until([&] { return status(world, 0).blocks_pruned > 0; }, seconds(30)));
    world.run_for(seconds(5));
    const auto view = status(world, 0);
    EXPECT_EQ(view.history_start.value, 300U - 64U);
    EXPECT_EQ(view.blocks_pruned, 300U - 64U);
    const auto old = world[0].block(wire::Height{100});
    ASSERT_FALSE(old.has_value());
    EXPECT_EQ(old.error().code, base::Errc::not_found);
    EXPECT_TRUE(world[1].block(wire::Height{100}).has_value());
    EXPECT_EQ(world[0].wallet()->balance().final, world[1].wallet()->balance().final);
    const wire::Txid paid = pay(world, 0, 1);
    EXPECT_TRUE(world.run_until([&] { return is_final(world, 0, paid); }, seconds(60)));
}

}  // namespace
}  // namespace meshchain::tests
