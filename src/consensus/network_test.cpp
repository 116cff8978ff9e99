// What several engines do together: the trace of the protocol, loss, partitions, power cuts.

#include <gtest/gtest.h>

#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

NetworkOptions with_stakes(std::vector<std::uint64_t> stakes) {
    NetworkOptions options;
    options.stakes = std::move(stakes);
    return options;
}

bool is_vote(const Message& message) { return std::holds_alternative<wire::Vote>(message); }

TEST(Network, LonePayment_IsFinalAtTheThirdOfFourVotes_AndThenAllIsSilent) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(5, 6);
    net.run_until_slot(6);
    EXPECT_EQ(net.votes_sent(), 0U);
    EXPECT_EQ(net.engine(0).head().slot.value, 5U);
    net.run_until_slot(7);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(net.engine(i).justified().round.value, 6U);
        EXPECT_EQ(net.engine(i).final().round.value, 0U);
    }
    net.run_until_slot(8);
    EXPECT_EQ(net.lowest_final_slot(), 5U);
    EXPECT_EQ(net.votes_sent(), 7U);  // four, then three: the fourth knew it final already
    const std::size_t messages = net.messages();
    net.run_slots(1000);
    EXPECT_EQ(net.messages(), messages);
    EXPECT_EQ(net.engine(0).poll_timeout(), base::never_wall);
}

TEST(Network, SecondPaymentAfterALongIdleTime_IsFinalAsFast) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(5, 6);
    net.run_until_slot(5000);
    net.propose_in(5000, 5001);
    net.run_until_slot(5003);
    EXPECT_EQ(net.lowest_final_slot(), 5000U);
}

TEST(Network, SingleValidator_NeedsNobody) {
    TestNetwork net(with_stakes({5}));
    net.start_all();
    net.propose_in(3, 4);
    net.run_until_slot(6);
    EXPECT_EQ(net.lowest_final_slot(), 3U);
    EXPECT_EQ(net.votes_sent(), 2U);
}

TEST(Network, FourOfFive_FinaliseWithoutTheFifth_WhoCatchesUpLater) {
    TestNetwork net(with_stakes({1, 1, 1, 1, 1}));
    net.start_all();
    net.propose_in(2, 200);
    net.run_until_slot(20);
    net.crash(4);
    net.run_until_slot(60);
    EXPECT_GT(net.lowest_final_slot(), 50U);
    net.start(4);
    net.run_until_slot(70);
    EXPECT_GT(net.lowest_final_slot(), 60U);
    EXPECT_GT(net.node(4).votes_sent, 20U);
}

TEST(Network, UnequalStakes_TheQuorumIsOfStakeNotOfHeads) {
    TestNetwork net(with_stakes({60, 10, 10, 10, 10}));
    net.start_all();
    net.run_until_slot(4);
    net.partition({0, 0, 1, 1, 1});  // 70 % in the smaller half
    net.propose_in(5, 30);
    net.run_until_slot(40);
    EXPECT_GT(net.engine(0).final().slot.value, 20U);
    EXPECT_EQ(net.engine(2).final().slot.value, 0U);
    net.heal();
    net.propose_in(40, 60);
    net.run_until_slot(62);
    EXPECT_GT(net.lowest_final_slot(), 50U);
}

TEST(Network, RoundsOfThreeSlots_FinaliseInThreeRounds) {
    NetworkOptions options;
    options.slots_per_round = 3;
    options.vote_delay = 2;
    TestNetwork net(options);
    net.start_all();
    net.propose_in(4, 5);
    net.run_until_slot(6);
    EXPECT_EQ(net.votes_sent(), 0U);
    net.run_until_slot(12);
    EXPECT_EQ(net.lowest_final_slot(), 4U);
    EXPECT_LE(net.votes_sent(), 8U);
    net.propose_in(20, 100);
    net.run_until_slot(110);
    EXPECT_GE(net.lowest_final_slot(), 95U);
}

TEST(Network, VotesBeforeTheSlotIsOver_FinaliseSoMuchEarlier) {
    NetworkOptions options;
    options.vote_lead = Milliseconds{600};
    TestNetwork net(options);
    net.start_all();
    net.propose_in(4, 5);
    const WallTime proposed = net.schedule().start_of(wire::Slot{4});
    net.run_until(proposed + Milliseconds{390});
    EXPECT_EQ(net.votes_sent(), 0U);
    net.run_until(proposed + Milliseconds{1390});
    EXPECT_EQ(net.votes_sent(), 4U);
    // Both rounds of votes last half a slot at most.
    net.run_until(proposed + Milliseconds{1950});
    EXPECT_EQ(net.lowest_final_slot(), 4U);
    net.propose_in(20, 100);
    net.run_until_slot(110);
    EXPECT_GE(net.lowest_final_slot(), 99U);
    for (std::size_t i = 0; i < net.size(); ++i) EXPECT_EQ(net.engine(i).equivocators(), 0U);
}

TEST(Network, HalfAndHalf_NeverFinalise_AndHealInThreeVotingRounds) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(2, 1000);
    net.run_until_slot(10);
    net.partition({0, 0, 1, 1});
    net.run_until_slot(13);
    const std::uint32_t before = net.lowest_final_slot();
    net.run_until_slot(40);
    EXPECT_EQ(net.lowest_final_slot(), before);
    EXPECT_FALSE(net.heads_agree());
    net.heal();
    net.run_until_slot(48);
    EXPECT_GE(net.lowest_final_slot(), 40U);
}

TEST(Network, StalledForLong_WhispersThenHealsWithinOnePattern) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(2, 4);
    net.drop_if([&](std::size_t, std::size_t, const Message& m) {
        return is_vote(m) && net.slot() < 2048;
    });
    net.run_until_slot(1024);
    const std::size_t votes = net.votes_sent();
    const std::size_t messages = net.messages();
    net.run_until_slot(2048);
    EXPECT_EQ(net.votes_sent() - votes, 4U * 48);           // three in sixty-four rounds
    EXPECT_LT(net.messages() - messages, 4U * 48 * 3 * 4);  // vote, question, two answers
    net.run_until_slot(2048 + 6);
    EXPECT_GE(net.lowest_final_slot(), 2U);
}

TEST(Network, VotesLostInTheirRound_ArriveOnRequest) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    bool first_half = true;
    net.drop_if([&](std::size_t, std::size_t to, const Message& m) {
        first_half = (net.now() - net.params().start) % Milliseconds{1000} < Milliseconds{500};
        return to == 2 && first_half && is_vote(m);
    });
    net.propose_in(5, 6);
    net.run_until_slot(7);
    EXPECT_EQ(net.engine(2).justified().round.value, 6U);
    EXPECT_GT(net.resends(), 0U);
    EXPECT_LT(net.resends(), 3U * 3);  // who overhears an answer keeps still
}

TEST(Network, NodeThatMissedTheFinalVotes_GetsTheCertificate) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(5, 6);
    net.drop_if([&](std::size_t, std::size_t to, const Message& m) {
        return to == 3 && is_vote(m) && net.slot() < 9;
    });
    net.run_until_slot(9);
    EXPECT_EQ(net.engine(3).final().slot.value, 0U);
    EXPECT_EQ(net.engine(0).final().slot.value, 5U);
    net.run_until_slot(12);  // it votes on alone, and is answered
    EXPECT_EQ(net.engine(3).final().slot.value, 5U);
    const std::size_t messages = net.messages();
    net.run_slots(200);
    EXPECT_EQ(net.messages(), messages);
}

TEST(Network, LossOfAThird_OnlyDelays) {
    NetworkOptions options = with_stakes({1, 1, 1, 1, 1});
    options.loss_percent = 33;
    TestNetwork net(options);
    net.start_all();
    net.propose_in(2, 60);
    net.run_until_slot(75);
    EXPECT_GE(net.lowest_final_slot(), 50U);
    EXPECT_TRUE(net.heads_agree());
}

TEST(Network, AllCrashAtOnce_FinalityGoesOnFromDisk) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(2, 100);
    net.run_until(net.schedule().start_of(wire::Slot{20}) + Milliseconds{130});  // amid the votes
    std::vector<wire::Checkpoint> before;
    for (std::size_t i = 0; i < 4; ++i) {
        before.push_back(net.engine(i).final());
        net.crash(i);
    }
    net.run_until_slot(25);
    for (std::size_t i = 0; i < 4; ++i) {
        net.start(i);
        EXPECT_EQ(net.engine(i).final(), before[i]);
        EXPECT_TRUE(net.engine(i).certificate().has_value());
        EXPECT_FALSE(net.engine(i).is_clock_checked());
    }
    net.run_until_slot(32);
    EXPECT_GE(net.lowest_final_slot(), 28U);
}

TEST(Network, ClockThatStepped_KeepsSilentUntilOthersAgree) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(2, 100);
    net.run_until_slot(10);
    net.set_clock_error(1, Milliseconds{-5000});
    const std::size_t sent = net.node(1).votes_sent;
    net.run_until_slot(20);
    EXPECT_FALSE(net.engine(1).is_clock_checked());
    EXPECT_EQ(net.node(1).votes_sent, sent);
    EXPECT_GE(net.engine(0).final().slot.value, 16U);  // the other three go on
    net.set_clock_error(1, Milliseconds{0});
    net.run_until_slot(26);
    EXPECT_TRUE(net.engine(1).is_clock_checked());
    EXPECT_GT(net.node(1).votes_sent, sent);
}

TEST(Network, RestoredKey_WaitsUntilFinalHasPassedItsStart) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(2, 100);
    net.run_until_slot(20);
    net.lose_disk(0);
    const std::size_t sent = net.node(0).votes_sent;
    net.run_until_slot(22);
    net.start(0);
    net.run_until(net.now() + Milliseconds{100});
    EXPECT_EQ(net.node(0).votes_sent, sent);
    net.run_until_slot(30);
    EXPECT_GT(net.engine(0).final().round.value, 22U);
    EXPECT_GT(net.node(0).votes_sent, sent);  // and the network's checker saw no contradiction
}

TEST(Network, RestoredKeyWithoutWhichNothingIsFinal_StaysSilent) {
    TestNetwork net(with_stakes({2, 1, 1}));
    net.start_all();
    net.propose_in(2, 100);
    net.run_until_slot(20);
    net.lose_disk(0);
    const std::size_t sent = net.node(0).votes_sent;
    net.start(0);
    net.run_until_slot(60);
    EXPECT_EQ(net.node(0).votes_sent, sent);
    EXPECT_LT(net.engine(1).final().slot.value, 22U);
}

TEST(Network, LeaderSilent_TheNextRankProposes) {
    TestNetwork net(with_stakes({1, 1, 1, 1, 1}));
    net.start_all();
    net.run_until_slot(3);
    const Leaders leaders = net.schedule().leaders(wire::Slot{5});
    net.crash(leaders.ranked()[0].value);
    net.propose_in(5, 6);
    net.run_until_slot(9);
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (!net.node(i).is_up()) continue;
        EXPECT_EQ(net.engine(i).final_block().rank, 1);
        EXPECT_EQ(net.engine(i).final_block().proposer, leaders.ranked()[1]);
    }
}

TEST(Network, UserSees_TheShareThatBuiltOnItGrow) {
    TestNetwork net(NetworkOptions{});
    net.start_all();
    net.propose_in(5, 6);
    net.run_until(net.schedule().start_of(wire::Slot{6}));
    const Hash block = net.engine(0).head().hash;
    auto seen = net.engine(0).confirmation(block);
    ASSERT_TRUE(seen.has_value());
    EXPECT_EQ(seen->percent, 25U);  // its proposer's own
    EXPECT_FALSE(seen->justified);
    net.run_until_slot(7);
    seen = net.engine(0).confirmation(block);
    EXPECT_EQ(seen->percent, 100U);
    EXPECT_TRUE(seen->justified);
    EXPECT_FALSE(seen->final);
    net.run_until_slot(8);
    EXPECT_TRUE(net.engine(0).confirmation(block)->final);
    EXPECT_FALSE(net.engine(0).confirmation(Hash{}).has_value());
}

TEST(Network, CutOff_ThisSideHoldsItsShare) {
    TestNetwork net(with_stakes({40, 30, 20, 10}));
    net.start_all();
    net.propose_in(2, 200);
    net.run_until_slot(5);
    EXPECT_EQ(net.engine(0).online_percent(net.now()), 100U);
    net.partition({0, 1, 0, 1});
    net.run_until_slot(60);
    EXPECT_EQ(net.engine(0).online_percent(net.now()), 60U);
    EXPECT_EQ(net.engine(1).online_percent(net.now()), 40U);
}

}  // namespace
}  // namespace meshchain::consensus::test
