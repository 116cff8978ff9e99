// Rounds of several slots (genesis: A slots a round, votes for what is D slots old), and rounds
// that start before their first slot: what holds with one slot a round holds with four and with
// twelve.

#include <gtest/gtest.h>

#include "chain/test_network.h"
#include "ledger/test_stakes.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::NetworkOptions;
using test::seconds;

struct Rounds {
    std::uint8_t slots;
    std::uint8_t delay;
    std::uint32_t lead_ms = 0;
};

class RoundsTest : public testing::TestWithParam<Rounds> {
protected:
    static NetworkOptions options(std::uint32_t epoch_rounds = 0) {
        return {.seed = 5,
                .epoch_rounds = epoch_rounds,
                .slots_per_round = GetParam().slots,
                .vote_delay = GetParam().delay,
                .vote_lead_ms = GetParam().lead_ms,
                .coins_each = 16};
    }
    /// A block in its slot, the round's end, D slots, two rounds of votes and what a vote takes.
    static seconds final_within(int rounds = 4) {
        return seconds(rounds * GetParam().slots + GetParam().delay + 2);
    }
    bool pays(Network& net, std::uint32_t from, std::size_t coin) {
        const auto id = net.pay(from, coin, 1, 10);
        return net.run_until([&] { return net.is_final_everywhere(id); }, final_within());
    }
};

TEST_P(RoundsTest, APayment_IsFinal_AndThenAllIsSilent_WithOneVoteARound) {
    Network net(options());
    net.start_all();
    net.run_for(seconds(3));
    const auto rounds = [&] { return net.slot() / GetParam().slots; };
    const auto all_votes = [&] {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < 4; ++i) sum += net.host(i).votes;
        return sum;
    };
    for (std::size_t coin = 0; coin < 2; ++coin) {
        const std::uint32_t from = rounds();
        const std::size_t votes = all_votes();
        ASSERT_TRUE(pays(net, 0, coin)) << coin;
        EXPECT_LE(all_votes() - votes, 4U * (rounds() - from + 1));
        EXPECT_GE(all_votes() - votes, 6U) << "two rounds, three of four";
    }
    net.run_for(final_within());
    const std::size_t votes = all_votes();
    net.run_for(seconds(3 * GetParam().slots));
    EXPECT_EQ(all_votes(), votes);
    net.check();
}

/// The signing record, own votes and FINAL are read back in the middle of a round.
TEST_P(RoundsTest, WhoeverRestartsOrWasAway_CatchesUp_AndVotesInNoRoundTwice) {
    Network net(options());
    net.start_all();
    net.run_for(seconds(3));
    net.partition({3});
    for (std::size_t coin = 0; coin < 2; ++coin) {
        const auto id = net.pay(0, coin, 1, 10);
        ASSERT_TRUE(net.run_until([&] { return net.is_final(0, id); }, final_within()));
        net.kill(2);
        net.start(2);
    }
    net.partition({});
    EXPECT_TRUE(net.run_until([&] { return net[3].final_height() == net[0].final_height(); },
                              final_within(6)));
    ASSERT_TRUE(pays(net, 3, 0));
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(net[i].engine().equivocators(), 0U) << i;
        EXPECT_EQ(net.host(i).punished, 0U) << i;
    }
    net.check();
}

TEST_P(RoundsTest, BothHalvesOfAPartition_AgreeAfterIt_AndFinaliseAgain) {
    Network net(options());
    net.start_all();
    net.run_for(seconds(3));
    net.partition({0, 1});
    for (std::size_t coin = 0; coin < 3; ++coin) {
        static_cast<void>(net.pay(0, coin, 0, 10));
        static_cast<void>(net.pay(2, coin, 2, 10));
        net.run_for(seconds(GetParam().slots));
    }
    EXPECT_EQ(net[0].final_height().value, 0U);
    net.partition({});
    const auto id = net.pay(1, 0, 3, 10);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(id); }, final_within(16)));
    EXPECT_EQ(net[0].engine().equivocators(), 0U);
    net.check();
}

TEST_P(RoundsTest, EpochsLastSoManyRounds_AndFinalFollowsThem) {
    Network net(options(4));
    net.start_all();
    net.run_for(seconds(3));
    ASSERT_EQ(net[0].store().economy().value()->epoch_slots, 4U * GetParam().slots);
    for (std::size_t coin = 0; coin < 12 && net[0].engine().epochs().now() < 2; ++coin) {
        ASSERT_TRUE(pays(net, 0, coin)) << coin;
        net.run_for(seconds(GetParam().slots));
    }
    EXPECT_GE(net[0].engine().epochs().now(), 2U);
    net.check();
}

std::string name_of(const testing::TestParamInfo<Rounds>& shape) {
    const auto& [slots, delay, lead] = shape.param;
    return "A" + std::to_string(slots) + "D" + std::to_string(delay) +
           (lead == 0 ? "" : "Lead" + std::to_string(lead));
}

INSTANTIATE_TEST_SUITE_P(SlotsAndDelay, RoundsTest,
                         testing::Values(Rounds{4, 1}, Rounds{4, 3}, Rounds{12, 2},
                                         Rounds{1, 1, 600}, Rounds{4, 1, 600}, Rounds{4, 2, 400}),
                         name_of);

}  // namespace
}  // namespace meshchain::chain
