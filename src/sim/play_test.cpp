#include "sim/play.h"

#include <gtest/gtest.h>

#include "base/test_effort.h"
#include "sim/named_scenarios.h"

namespace meshchain::sim {
namespace {

Report play(std::string_view text, std::uint64_t seed = 1) {
    const auto scenario = parse_scenario(text);
    EXPECT_TRUE(scenario.has_value()) << (scenario ? "" : base::sentence(scenario.error()));
    return Play(*scenario, {.seed = seed}).run();
}

TEST(Play, HonestVillage_FinalisesEveryPaymentWithinThreeAndAHalfRounds) {
    const Report report = play("validators 4\nrelays 1\nhostile 30s\npayments 2s\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.payments, 8U);
    EXPECT_EQ(report.to_final.size(), report.payments);
    EXPECT_LE(report.to_final.back(), std::chrono::milliseconds(3750)) << to_text(report);
}

TEST(Play, HalvesThatHealAgain_Converge) {
    const Report report = play(
        "validators 4\nhostile 60s\npayments 3s\n"
        "at 15s partition 0 1 | 2 3\nat 50s heal\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GT(report.blocks_reverted, 0U);
}

TEST(Play, PowerCutsAndAWipedDisk_LoseNothingThatWasFinal) {
    const Report report = play(
        "validators 5\nhostile 60s\npayments 3s\n"
        "at 14s power-cut 5 1\nat 17s start 1\nat 20s crash 0 1 2 3 4\nat 23s start 0 1 2 3 4\n"
        "at 30s wipe 2\nat 33s start 2\nat 40s rot 200 3\nat 41s start 3\n",
        3);
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.crashes, 7U);
    EXPECT_GE(report.disks_replaced, 1U);
}

TEST(Play, TwinsOfOneInFive_FinaliseNothingTwice_AndAreFoundOut) {
    const Report report = play("validators 5\nhostile 25s\npayments 300ms\nattacker twins 4\n", 5);
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GT(report.evidence_found, 0U) << to_text(report);
}

TEST(Play, StrangersOfEveryKind_StopNothing) {
    const Report report = play(
        "validators 4\nhostile 25s\npayments 2s\n"
        "attacker spam\nattacker forge\nattacker spoof\nattacker liar\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.payments, 5U);
    EXPECT_EQ(report.evidence_found, 0U);
}

TEST(Play, ALightNodeWithoutRoom_CallsNothingFinalThatItCannotKeep_AndCatchesUpWhenThereIsRoom) {
    const Report report = play(
        "validators 4\nlights 1\nhostile 40s\npayments 2s\n"
        "at 12s full 4\nat 20s payments 0s\nat 30s room 4\nat 38s crash 4\nat 39s start 4\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_LT(report.to_converge, std::chrono::seconds(5)) << to_text(report);
    // It would say less after this than before it, had it told of what it could not store.
    const Report crashed = play(
        "validators 4\nlights 1\nhostile 30s\npayments 2s\n"
        "at 12s full 4\nat 22s crash 4\nat 23s room 4\nat 24s start 4\n");
    EXPECT_TRUE(crashed.all_right()) << to_text(crashed);
}

TEST(Play, ACrowdAtOneNode_DoesNotCutItOff) {
    if (!test::is_long()) GTEST_SKIP() << "its handshakes take seconds; MESHCHAIN_LONG=1 plays it";
    const Report report =
        play("validators 4\nrelays 1\nhostile 25s\npayments 2s\nattacker crowd\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
}

TEST(Play, AValidatorThatWithholds_HoldsNobodyUpForLong) {
    for (const std::string_view kind : {"withhold", "selfish", "silent"}) {
        SCOPED_TRACE(kind);
        const Report report =
            play("validators 4\nhostile 25s\npayments 2s\nattacker " + std::string(kind) + " 0\n");
        EXPECT_TRUE(report.all_right()) << to_text(report);
    }
}

TEST(PlayOnTheAir, ARoomOfRadios_MakesEveryPaymentFinal_WithinItsAir) {
    const Report report = play(
        "validators 5\nrelays 3\nmedium SHORT_TURBO\nairtime 20 10\nnetwork bad\n"
        "block-time 10s\nround 3\npayments 1m\nhostile 8m\nconverge 10m\ndisk memory\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.payments, 5U);
    EXPECT_EQ(report.to_final.size(), report.payments);
    const auto said = [&](wire::MessageType type) {
        return report.traffic[static_cast<std::size_t>(type)].datagrams;
    };
    const auto votes = said(wire::MessageType::short_vote) + said(wire::MessageType::block_ack);
    EXPECT_GT(votes, report.votes_signed) << "some have to be repeated";
    EXPECT_LT(votes, 3 * report.votes_signed) << "each is said by few";
}

TEST(PlayOnTheAir, Report_SaysWhatTheChannelCarried_AndWhatOfItWasRelayed) {
    const Report room = play(
        "validators 4\nmedium SHORT_TURBO\nairtime 20 10\nblock-time 10s\nround 3\n"
        "payments 1m\nhostile 4m\nconverge 10m\ndisk memory\n");
    const Report line = play(
        "validators 4\nshape line\nmedium SHORT_TURBO\nairtime 20 10\nblock-time 10s\n"
        "round 3\npayments 1m\nhostile 4m\nconverge 10m\ndisk memory\n");
    for (const Report& report : {room, line}) {
        ASSERT_TRUE(report.all_right()) << to_text(report);
        std::uint64_t packets = 0;
        for (const TypeTraffic& traffic : report.on_air) packets += traffic.datagrams;
        EXPECT_GT(packets, report.votes_signed) << "and blocks, and payments";
        EXPECT_GT(report.channel_permille, 0U);
        EXPECT_LT(report.channel_permille, 400U);
        EXPECT_NE(to_text(report).find("; in use for "), std::string::npos);
    }
    const auto votes = static_cast<std::size_t>(wire::MessageType::short_vote);
    EXPECT_LT(room.relayed[votes].datagrams, room.on_air[votes].datagrams);
    EXPECT_GT(line.relayed[votes].datagrams, line.on_air[votes].datagrams);
    EXPECT_GT(line.relayed[votes].bytes, 90 * line.relayed[votes].datagrams);
}

TEST(PlayOnTheAir, AWallBetweenRadios_LetsNothingThrough_AndFalls) {
    const Report report = play(
        "validators 4\nmedium SHORT_TURBO\nairtime 20 10\nblock-time 10s\nround 3\n"
        "payments 40s\nat 3m partition 0 1 | 2 3\nat 8m expect-still 3m\nat 8m heal\n"
        "hostile 8m\nconverge 20m\ndisk memory\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
}

TEST(PlayAcrossTheAir, TwoSites_MakeEveryPaymentFinal_OverTheRadiosOfTheirGateways) {
    const Report report = play(
        "validators 8\nmedium SHORT_TURBO\nairtime 40 40\ngateways 0 4\nsites 0 1 2 3 | 4 5 6 7\n"
        "network bad\nblock-time 10s\nround 3\npayments 1m\nhostile 8m\nconverge 10m\n"
        "disk memory\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.payments, 5U);
    EXPECT_EQ(report.to_final.size(), report.payments);
    const auto& votes = report.on_air[static_cast<std::size_t>(wire::MessageType::block_ack)];
    EXPECT_GT(votes.datagrams, report.votes_signed / 2) << "every vote has to cross";
    EXPECT_LT(votes.datagrams, 2 * report.votes_signed) << to_text(report);
}

// Neither gateway knew the other to ask it, because its one STATUS was lost: two branches for half
// an hour.
TEST(PlayAcrossTheAir, GatewayWhoseStatusWasLost_IsAskedAllTheSame) {
    const Report report = play(
        "validators 8\nmedium SHORT_TURBO\nairtime 40 40\ngateways 0 4\nsites 0 1 2 3 | 4 5 6 7\n"
        "network bad\nblock-time 10s\nround 3\npayments 1m\nat 15m expect-final 4m\n"
        "hostile 15m\nconverge 5m\n",
        112);
    EXPECT_TRUE(report.all_right()) << to_text(report);
}

// On its own LAN a validator of one of three sites hears too few to know that its clock is right.
TEST(PlayAcrossTheAir, SmallSites_CheckTheirClocksOverTheAir) {
    const Report report = play(
        "validators 6\nmedium SHORT_TURBO\nairtime 40 40\ngateways 0 3 5\n"
        "sites 0 1 2 | 3 4 | 5\nblock-time 10s\nround 3\npayments 1m\nat 6m expect-final 3m\n"
        "hostile 6m\nconverge 10m\ndisk memory\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
}

TEST(PlayAcrossTheAir, SitesThatAreCutOff_GoOnAsOneWhenTheyMeetAgain) {
    const Report report = play(
        "validators 8\nmedium SHORT_TURBO\nairtime 40 40\ngateways 0 4\nsites 0 1 2 3 | 4 5 6 7\n"
        "block-time 10s\nround 3\npayments 40s\nat 3m partition 0 1 2 3 | 4 5 6 7\n"
        "at 8m expect-still 3m\nat 8m heal\nhostile 8m\nconverge 20m\ndisk memory\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
}

// Named `village`: two payments a minute, of which nearly all are FINAL in ten minutes.
TEST(PlayOnTheAir, AVillageOfSlowRadios_KeepsItsPromises) {
    const auto named = std::ranges::find(named_scenarios(), "village", &NamedScenario::name);
    ASSERT_NE(named, named_scenarios().end());
    const Report report = play(named->text, 7);
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GT(report.payments, 200U);
}

TEST(PlayOnTheAir, TwoRoomsOfAValley_HearEachOtherOverTheRelayAlone) {
    const Report report = play(
        "validators 4\nrelays 1\nmedium SHORT_TURBO\nairtime 100 100\nshape valley\nnetwork lan\n"
        "block-time 10s\nround 3\npayments 40s\n"
        "at 2m partition 0 1 2 3 | 4\nat 8m expect-still 4m\nat 8m heal\n"
        "hostile 8m\nconverge 20m\ndisk memory\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GT(report.to_final.size(), 0U);
}

TEST(PlayOnTheAir, TheEndsOfAStreet_HearEachOtherOverWhoLivesBetween) {
    const Report report = play(
        "validators 4\nrelays 5\nmedium SHORT_TURBO\nairtime 100 100\nshape street\nnetwork lan\n"
        "block-time 10s\nround 3\npayments 20s\nhostile 6m\nconverge 20m\ndisk memory\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    const auto payments = static_cast<std::size_t>(wire::MessageType::transaction);
    EXPECT_GT(report.relayed[payments].datagrams, report.on_air[payments].datagrams / 4)
        << to_text(report);
}

TEST(PlayOnTheAir, OneSeed_HasOneStory) {
    const std::string_view text =
        "validators 4\nmedium LONG_FAST\nblock-time 30s\nround 12\npayments 1m\n"
        "network bad\nhostile 10m\nconverge 1m\ndisk memory\n";
    EXPECT_EQ(play(text, 5).trace, play(text, 5).trace);
    EXPECT_NE(play(text, 5).trace, play(text, 6).trace);
}

}  // namespace
}  // namespace meshchain::sim
