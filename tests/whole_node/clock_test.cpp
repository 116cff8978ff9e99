// Whole nodes whose clocks are wrong (row A12).

#include <gtest/gtest.h>

#include "whole_node/world.h"

namespace meshchain::tests {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ClockTest : public testing::Test {
protected:
    static void start_all(World& world) {
        for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
        ASSERT_TRUE(world.run_until([&] { return all_checked(world); }, seconds(30)));
    }
    static bool all_checked(World& world) {
        for (std::size_t i = 0; i < world.size(); ++i) {
            if (!world[i].status(world.now(i)).clock_checked) return false;
        }
        return true;
    }
    static node::ClockView clock(World& world, std::size_t index) {
        return world[index].status(world.now(index)).clock;
    }
    static bool pays(World& world, std::size_t from) {
        const auto payee = world.payee((from + 1) % world.size());
        const auto paid = world[from].pay(world.now(from), payee, {7}, std::nullopt);
        if (!paid) return false;
        return world.run_until(
            [&] {
                for (std::size_t i = 0; i < world.size(); ++i) {
                    if (world[i].transaction(paid->txid)->certainty != node::Certainty::final) {
                        return false;
                    }
                }
                return true;
            },
            seconds(10));
    }
};

TEST_F(ClockTest, SystemClockSetAnHourWrong_IsOutvotedByTheValidators) {
    World world({.seed = 5});
    start_all(world);
    world.run_for(seconds(10));
    for (const auto error : {milliseconds(hours(1)), milliseconds(-hours(1))}) {
        world.set_clock_error(0, error);
        world.run_for(seconds(1));
        const auto status = world[0].status(world.now(0));
        EXPECT_TRUE(status.clock_checked);
        EXPECT_EQ(status.clock.source, node::ClockSource::validators);
        EXPECT_EQ(status.slot, world[1].status(world.now(1)).slot);
        EXPECT_TRUE(pays(world, 0));
    }
}

TEST_F(ClockTest, NodeThatBootsYearsBehind_TakesTheValidatorsTimeAndWorks) {
    World world({.seed = 6});
    world.set_clock_error(0, -hours(24 * 365));
    for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
    ASSERT_TRUE(world.run_until([&] { return all_checked(world); }, seconds(60)));
    EXPECT_EQ(clock(world, 0).source, node::ClockSource::validators);
    EXPECT_TRUE(pays(world, 0));
}

TEST_F(ClockTest, SynchronisedClockSetWrong_SilencesTheNodeAndItSaysSo) {
    World world({.seed = 7});
    world.set_synchronised(0, true);
    start_all(world);
    // Less than a slot, which the comparison of slots alone would let pass.
    world.set_clock_error(0, milliseconds(600));
    world.run_for(seconds(12));
    const auto status = world[0].status(world.now(0));
    EXPECT_TRUE(status.clock.off);
    EXPECT_FALSE(status.clock_checked);
    ASSERT_FALSE(status.problems.empty());
    EXPECT_NE(status.problems[0].find("what the validators say"), std::string::npos);
    const auto proposed = status.blocks_proposed;
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(pays(world, 1));
    EXPECT_EQ(world[0].status(world.now(0)).blocks_proposed, proposed);

    world.set_clock_error(0, {});
    ASSERT_TRUE(world.run_until([&] { return all_checked(world); }, seconds(60)));
    EXPECT_FALSE(clock(world, 0).off);
}

TEST_F(ClockTest, ALightNodeWhoseClockIsOff_SaysSoToo) {
    World world({.seed = 9, .observers = 1, .configure = [](auto index, auto& config) {
                     if (index == 4) config.role = wire::Role::light;
                 }});
    world.set_synchronised(4, true);
    for (std::size_t i = 0; i < world.size(); ++i) world.start(i);
    const auto says_so = [&] {
        return std::ranges::any_of(world[4].health(world.now(4)).problems(),
                                   [](const auto& problem) { return problem.id == "clock_off"; });
    };
    world.run_for(seconds(15));
    EXPECT_FALSE(says_so());
    world.set_clock_error(4, milliseconds(600));
    world.run_for(seconds(12));
    EXPECT_TRUE(says_so());
}

TEST_F(ClockTest, ClocksThatAllDiffer_AgreeWithoutAnybodysHelp) {
    World world({.seed = 8});
    for (std::size_t i = 0; i < world.size(); ++i) {
        world.set_clock_error(i, milliseconds(150 * static_cast<int>(i) - 300));
    }
    start_all(world);
    world.run_for(seconds(30));
    for (std::size_t i = 0; i < world.size(); ++i) {
        const auto view = clock(world, i);
        EXPECT_EQ(view.source, node::ClockSource::validators) << "node " << i;
        ASSERT_TRUE(view.validators_offset.has_value());
        EXPECT_LT(std::chrono::abs(*view.validators_offset), milliseconds(160)) << "node " << i;
        EXPECT_TRUE(pays(world, i));
    }
}

}  // namespace
}  // namespace meshchain::tests
