// Each attacker does what it is there for, and the honest hold.

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace meshchain::sim
