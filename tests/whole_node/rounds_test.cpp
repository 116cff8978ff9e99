// Whole nodes on a chain whose rounds have several slots.

#include <gtest/gtest.h>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class WholeNodeRoundsTest : public testing::TestWithParam<std::uint8_t> {
protected:
    static World::Options with_rounds() {
        World::Options options{.seed = 17, .nodes = 4};
        options.genesis = [](ledger::Genesis genesis) {
            genesis.slots_per_round = GetParam();
            genesis.vote_delay_slots = 2;
            return genesis;
        };
        return options;
    }
    bool pays(std::size_t index) {
        const auto paid = world_[index].pay(world_.now(index), world_.payee(1), {5}, {});
        EXPECT_TRUE(paid.has_value()) << base::sentence(paid.error());
        if (!paid) return false;
        return world_.run_until(
            [&] {
                const auto found = world_[index].wallet()->find(paid->txid);
                return found && *found && (*found)->state == wallet::EntryState::final;
            },
            minutes(2));
    }

    World world_{with_rounds()};
};

TEST_P(WholeNodeRoundsTest, Payments_AreFinal_AlsoAfterALongSilence) {
    for (std::size_t i = 0; i < world_.size(); ++i) world_.start(i);
    world_.run_for(seconds(5));
    ASSERT_TRUE(pays(0));
    ASSERT_TRUE(pays(2));
    world_.run_for(minutes(5));
    ASSERT_TRUE(pays(3));
    for (std::size_t i = 0; i < world_.size(); ++i) {
        EXPECT_TRUE(world_[i].status(world_.now(i)).problems.empty()) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(SlotsARound, WholeNodeRoundsTest,
                         testing::Values(std::uint8_t{4}, std::uint8_t{12}));

}  // namespace
}  // namespace meshchain::tests
