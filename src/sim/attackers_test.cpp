// Each attacker does what it is there for, and the honest hold.

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/play.h"

namespace meshchain::sim {
namespace {

Report among(std::size_t validators, const std::string& lines, std::uint64_t seed = 3) {
    const auto scenario = parse_scenario("validators " + std::to_string(validators) +
                                         "\ndisk memory\nhostile 20s\npayments 500ms\n" + lines);
    EXPECT_TRUE(scenario.has_value()) << (scenario ? "" : base::sentence(scenario.error()));
    return Play(*scenario, {.seed = seed}).run();
}

TEST(Attackers, WhoSignsEverythingTwice_IsFoundOutAmongFourAndSixEqualOnes) {
    for (const std::size_t validators : {std::size_t{4}, std::size_t{6}}) {
        const Report report = among(validators, "attacker two-tongued 1\n");
        EXPECT_TRUE(report.all_right()) << to_text(report);
        EXPECT_GE(report.attacks, 3U);
        EXPECT_GT(report.evidence_found, 0U) << to_text(report);
    }
}

TEST(Attackers, WhoForksWithEmptyBlocks_TakesNothingFinalBack) {
    const Report report = among(4, "attacker fork 2\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GT(report.attacks, 0U);
}

TEST(Attackers, WhoSpeaksWhenItIsTooLateForSome_HoldsNobodyUp) {
    const Report report = among(4, "attacker bounce 2\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GT(report.attacks, 10U);
    EXPECT_EQ(report.evidence_found, 0U);
}

TEST(Attackers, AboveAThird_TwoHistoriesAreFinal_AndTheProofConvictsAThird) {
    std::size_t forks = 0;
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        const Report report = among(7,
                                    "attacker twins 4\nattacker twins 5\nattacker twins 6\n"
                                    "at 1s partition 0 2 4 5 6 | 1 3\n",
                                    seed);
        EXPECT_TRUE(report.all_right()) << to_text(report);
        forks += report.forks;
        EXPECT_TRUE(report.forks == 0 || report.guilty >= 3) << to_text(report);
    }
    EXPECT_GT(forks, 0U);
}

TEST(Attackers, WhatWasSignedOnAnotherChain_ConvictsNobody) {
    const Report report = among(4, "attacker replay\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GT(report.attacks, 10U);
    EXPECT_EQ(report.evidence_found, 0U);
}

TEST(Attackers, NoiseBelowEveryLimit_StopsNothing) {
    const Report report = among(2, "attacker drizzle\nhostile 12s\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.attacks, 5U);
}

/// For so long that testimonies of all were counted in several elections.
Report with_epochs(std::size_t validators, const std::string& lines) {
    return among(validators, "staking 50 4 4\npayments 1s\nhostile 90s\n" + lines);
}

std::size_t broken_promises(const Report& report) {
    return static_cast<std::size_t>(std::ranges::count(report.findings, "promise", &Finding::rule));
}

/// Of seven in a star only the one in the middle is heard by more than half of the others.
TEST(Attackers, WhoClaimsToHearAll_BringsNobodyForward_UntilHalfOfTheOthersDo) {
    const std::string as_it_is =
        "shape star\nat 90s expect-heard 255 0\nat 90s expect-unheard 0 1 2 3 4 5 6\n";
    const Report few = with_epochs(7, as_it_is + "attacker hears-all 5\nattacker hears-all 6\n");
    EXPECT_TRUE(few.all_right()) << to_text(few);
    EXPECT_GT(few.attacks, 50U);
    // With the one in the middle, three liars are more than half of whoever else is asked.
    const Report many = with_epochs(7, as_it_is +
                                           "attacker hears-all 3\nattacker hears-all 4\n"
                                           "attacker hears-all 5\nattacker hears-all 6\n");
    EXPECT_EQ(broken_promises(many), 6U) << to_text(many);
    EXPECT_EQ(many.findings_count, 6U) << to_text(many);
}

TEST(Attackers, WhoClaimsToHearNobody_SetsNobodyBack_UntilHalfOfTheOthersDo) {
    const std::string as_it_is = "at 90s expect-heard 255 0 1 2 3 4\n";
    const Report few = with_epochs(5, as_it_is + "attacker hears-none 4\n");
    EXPECT_TRUE(few.all_right()) << to_text(few);
    EXPECT_GT(few.attacks, 25U);
    const Report many = with_epochs(
        5, as_it_is + "attacker hears-none 2\nattacker hears-none 3\nattacker hears-none 4\n");
    EXPECT_GE(broken_promises(many), 2U) << to_text(many);
    EXPECT_EQ(many.findings_count, broken_promises(many)) << to_text(many);
}

TEST(Attackers, WhoClaimsToHearItsFriendsAlone_GetsThemNoFurther_UntilHalfOfTheOthersDo) {
    const std::string as_it_is =
        "shape star\nat 90s expect-heard 255 0\nat 90s expect-unheard 0 1 2 3 4 5 6\n";
    const std::string liars = "attacker hears-friends 5\nattacker hears-friends 6\n";
    const Report few = with_epochs(7, as_it_is + liars);
    EXPECT_TRUE(few.all_right()) << to_text(few);
    EXPECT_GT(few.attacks, 50U);
    // The four bring each other forward, and hide the one in the middle.
    const Report many =
        with_epochs(7, as_it_is + liars + "attacker hears-friends 3\nattacker hears-friends 4\n");
    EXPECT_EQ(broken_promises(many), 5U) << to_text(many);
}

/// Of so many slots in an epoch everybody leads some, or nearly always.
TEST(Attackers, WhoKeepsItsSecret_IsSeenToWithhold_AndTheChainGoesOn) {
    const std::string long_epochs = "staking 50 4 20\nhostile 2m30s\n";
    const Report report = with_epochs(4, long_epochs +
                                             "attacker secretive 3\nat 2m30s expect-withheld 3 3\n"
                                             "at 2m30s expect-final 15s\n");
    EXPECT_TRUE(report.all_right()) << to_text(report);
    EXPECT_GE(report.attacks, 3U);
    const Report honest = with_epochs(4, long_epochs + "at 2m30s expect-withheld 2 0 1 2 3\n");
    EXPECT_EQ(broken_promises(honest), 4U) << to_text(honest);
}

}  // namespace
}  // namespace meshchain::sim
