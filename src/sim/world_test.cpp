#include "sim/world.h"

#include <gtest/gtest.h>

#include "sim/village.h"

namespace meshchain::sim {
namespace {

using std::chrono::seconds;

class WorldTest : public testing::Test {
protected:
    static Scenario four() {
        Scenario scenario;
        scenario.stakes = {100, 100, 100, 100};
        return scenario;
    }
    static void start_all(Village& village) {
        for (std::size_t i = 0; i < village.nodes(); ++i) {
            ASSERT_TRUE(village.world().switch_on(i).has_value());
        }
        village.world().run_until(village.genesis_time() + seconds(8));
    }
    static wire::Txid pay(Village& village, std::size_t from, std::size_t to) {
        const auto paid = village.node(from).node().pay(village.world().time_of(from),
                                                        village.node(to).credentials().payee(), {5},
                                                        std::nullopt);
        EXPECT_TRUE(paid.has_value()) << (paid ? "" : base::sentence(paid.error()));
        village.world().wake(from);
        return paid ? paid->txid : wire::Txid{};
    }
    static bool is_final(Village& village, std::size_t at, const wire::Txid& txid) {
        return village.node(at).node().transaction(txid)->certainty == node::Certainty::final;
    }
};

TEST_F(WorldTest, NodesOnFlash_PayEachOther_AcrossACrash) {
    Village village(four(), 7);
    start_all(village);
    const wire::Txid first = pay(village, 0, 1);
    village.world().run_until(village.world().now() + seconds(5));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(is_final(village, i, first)) << i;

    village.world().crash(3);
    const wire::Txid second = pay(village, 1, 2);
    village.world().run_until(village.world().now() + seconds(12));
    ASSERT_TRUE(village.world().switch_on(3).has_value());
    village.world().run_until(village.world().now() + seconds(20));
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(is_final(village, i, first)) << i;
        EXPECT_TRUE(is_final(village, i, second)) << i;
    }
}

/// The outer ones of a star hear one other validator, which is too few to check a clock by.
Scenario star_of_four() {
    Scenario scenario;
    scenario.stakes = {100, 100, 100, 100};
    scenario.shape = Shape::star;
    return scenario;
}

TEST_F(WorldTest, ClocksThatAnswerLaterThanASlot_CheckNobody) {
    Village village(star_of_four(), 7);
    village.world().network().set_quality(
        {.delay_min = std::chrono::milliseconds(260), .delay_max = std::chrono::milliseconds(300)});
    start_all(village);
    village.world().run_until(village.world().now() + seconds(30));
    EXPECT_TRUE(village.node(0).node().status(village.world().time_of(0)).clock_checked);
    for (std::size_t i = 1; i < 4; ++i) {
        EXPECT_FALSE(village.node(i).node().status(village.world().time_of(i)).clock_checked) << i;
    }
}

TEST_F(WorldTest, OuterOnesOfAStar_AskOverTheHub_AndFinalise) {
    Village village(star_of_four(), 7);
    start_all(village);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(village.node(i).node().status(village.world().time_of(i)).clock_checked) << i;
    }
    const wire::Txid txid = pay(village, 1, 3);
    village.world().run_until(village.world().now() + seconds(6));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(is_final(village, i, txid)) << i;
}

TEST_F(WorldTest, OneSeed_HasOneStory_AndAnotherSeedAnother) {
    const auto story = [](std::uint64_t seed) {
        Village village(four(), seed);
        start_all(village);
        pay(village, 0, 1);
        village.world().run_until(village.world().now() + seconds(5));
        return std::pair(village.world().trace().hash(), village.world().trace().count());
    };
    const auto first = story(7);
    EXPECT_EQ(story(7), first);
    EXPECT_NE(story(8).first, first.first);
}

TEST_F(WorldTest, PowerCutAtEveryStepOfTheDisk_NodeComesBackAndGoesOn) {
    for (const std::uint64_t steps : {0U, 1U, 2U, 3U, 5U, 8U}) {
        SCOPED_TRACE(steps);
        Village village(four(), 100 + steps);
        start_all(village);
        village.node(2).disk().cut_power_after(steps);
        const wire::Txid txid = pay(village, 0, 2);
        village.world().run_until(village.world().now() + seconds(8));
        EXPECT_FALSE(village.is_on(2));
        ASSERT_TRUE(village.world().switch_on(2).has_value());
        village.world().run_until(village.world().now() + seconds(15));
        for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(is_final(village, i, txid)) << i;
    }
}

}  // namespace
}  // namespace meshchain::sim
