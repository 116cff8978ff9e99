// Whole nodes of a chain whose stakes move, by what their owners ask of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using Action = node::StakeOrder::Action;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t newcomer = 5;

World::Options with_stakes() {
    World::Options options{.seed = 11, .nodes = 6, .observers = 1};
    options.genesis = [](ledger::Genesis genesis) {
        genesis.stakes = ledger::StakeRules{{50}, ledger::StakeRules::unbond_epochs_min, 4};
        return genesis;
    };
    options.configure = [](std::size_t index, node::NodeConfig& config) {
        if (index == newcomer) config.role = wire::Role::validator;
    };
    return options;
}

class WholeNodeStakeTest : public testing::Test {
protected:
    void SetUp() override {
        for (std::size_t i = 0; i < world_.size(); ++i) world_.start(i);
        world_.run_for(seconds(5));
    }

    wire::Txid move(std::size_t index, Action action, std::uint64_t amount) {
        const auto done = world_[index].stake(world_.now(index), {action, {}, {amount}}, {});
        EXPECT_TRUE(done.has_value()) << base::sentence(done.error());
        return done ? done->txid : wire::Txid{};
    }
    bool is_final(std::size_t index, const wire::Txid& txid) {
        return world_.run_until(
            [&] {
                const auto found = world_[index].wallet()->find(txid);
                return found && *found && (*found)->state == wallet::EntryState::final;
            },
            minutes(1));
    }
    bool pays(std::size_t index) {
        const auto paid = world_[index].pay(world_.now(index), world_.payee(1), {5}, {});
        EXPECT_TRUE(paid.has_value()) << base::sentence(paid.error());
        return paid && is_final(index, paid->txid);
    }
    node::ValidatorView validator(std::size_t seen_by, std::size_t who) {
        for (const node::ValidatorView& view : world_[seen_by].validators()) {
            if (view.identity == world_.identity(who)) return view;
        }
        return {};
    }

    World world_{with_stakes()};
};

TEST_F(WholeNodeStakeTest, ANewcomerBecomesAValidator_AndAnotherLeavesWithItsStake) {
    EXPECT_TRUE(is_final(newcomer, move(newcomer, Action::enroll, 200)));
    EXPECT_EQ(validator(0, newcomer).stake.units, 0U) << "not in this epoch yet";
    EXPECT_EQ(validator(0, newcomer).seat->bonded.units, 200U);
    ASSERT_TRUE(
        world_.run_until([&] { return validator(0, newcomer).stake.units == 200; }, minutes(2)));
    bool proposed = false;
    for (int i = 0; i < 9 && !proposed; ++i) {
        ASSERT_TRUE(pays(1));
        const auto blocks = world_[1].blocks({UINT32_MAX}, 20).value();
        for (const auto& block : blocks) {
            proposed |= block.proposer == world_.identity(newcomer);
        }
    }
    EXPECT_TRUE(proposed);

    const auto before = world_[0].wallet()->balance().final;
    EXPECT_TRUE(is_final(0, move(0, Action::unbond, 100)));
    const auto early = world_[0].stake(world_.now(0), {Action::withdraw, {}, {}}, {});
    ASSERT_FALSE(early.has_value());
    EXPECT_EQ(early.error().code, base::Errc::future);
    const std::uint32_t from = world_[0].stakes()->bonds.front().from_epoch.value();
    ASSERT_TRUE(world_.run_until([&] { return world_[0].stakes()->epoch >= from; }, minutes(4)));
    EXPECT_EQ(validator(1, 0).stake.units, 0U);
    EXPECT_TRUE(is_final(0, move(0, Action::withdraw, 0)));
    EXPECT_GT(world_[0].wallet()->balance().final.units, before.units + 80);
    EXPECT_TRUE(world_[0].stakes()->bonds.empty());
    ASSERT_TRUE(pays(1));
    for (std::size_t i = 0; i < world_.size(); ++i) {
        EXPECT_TRUE(world_[i].status(world_.now(i)).problems.empty()) << i;
    }
}

TEST_F(WholeNodeStakeTest, WhatCannotBe_IsRefusedWithAReason) {
    const auto code_of = [&](std::size_t index, const node::StakeOrder& order) {
        const auto done = world_[index].stake(world_.now(index), order, {});
        return done ? std::nullopt : std::optional(done.error().code);
    };
    EXPECT_EQ(code_of(newcomer, {Action::enroll, {}, {49}}), base::Errc::invalid_argument);
    EXPECT_EQ(code_of(newcomer, {Action::unbond, {}, {50}}), base::Errc::not_found);
    EXPECT_EQ(code_of(newcomer, {Action::enroll, world_.payee(0), {60}}),
              base::Errc::invalid_argument);
    EXPECT_EQ(code_of(0, {Action::enroll, {}, {60}}), base::Errc::conflict);
    EXPECT_EQ(code_of(0, {Action::claim, {}, {}}), base::Errc::not_found) << "it earned nothing";
    EXPECT_EQ(code_of(0, {Action::unbond, {}, {}}), base::Errc::invalid_argument);
    EXPECT_EQ(code_of(newcomer, {Action::delegate, {}, {1'000'000}}), base::Errc::not_found);
    world_[0].lock_wallet();
    EXPECT_EQ(code_of(0, {Action::unbond, {}, {100}}), base::Errc::unauthorized);
}

TEST(WholeNodeStakeRoleTest, RolesThatCannotFollowEpochs_AreRefused) {
    for (const bool light : {true, false}) {
        World::Options options = with_stakes();
        options.nodes = 2;
        options.configure = [light](std::size_t index, node::NodeConfig& config) {
            if (index == 0) return;
            if (light) config.role = wire::Role::light;
            if (!light) config.sync_start = node::SyncStart::snapshot;
        };
        World world(options);
        const auto started = world.try_start(1);
        ASSERT_FALSE(started.has_value());
        EXPECT_EQ(started.error().code, base::Errc::unsupported);
    }
}

}  // namespace
}  // namespace meshchain::tests
