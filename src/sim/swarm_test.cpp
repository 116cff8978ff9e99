// Seeds of the swarm, the scenarios that have names, and those that once failed, played whole. A
// sample in `make test`; `make test-long` plays on.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/test_effort.h"
#include "sim/named_scenarios.h"
#include "sim/play.h"
#include "sim/swarm.h"

namespace meshchain::sim {
namespace {

/// Villages so small and days so short that a few fit into every run of the tests.
SwarmLimits limits() {
    if (test::is_long()) return {};
    return {.validators_max = 4,
            .relays_max = 1,
            .hostile_min = std::chrono::seconds(25),
            .hostile_max = std::chrono::seconds(35)};
}

TEST(SwarmPlay, Seeds_HoldEveryRule) {
    const std::uint64_t count = test::effort<std::uint64_t>(3, 300);
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        const Scenario scenario = draw_scenario(seed, limits());
        const Report report = Play(scenario, {.seed = seed}).run();
        EXPECT_TRUE(report.all_right()) << "seed " << seed << "\n"
                                        << to_text(scenario) << to_text(report);
    }
}

TEST(SwarmPlay, ASeedPlayedTwice_HasOneTrace) {
    const std::uint64_t count = test::effort<std::uint64_t>(1, 30);
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        const Scenario scenario = draw_scenario(seed, limits());
        const auto trace = [&] { return Play(scenario, {.seed = seed}).run().trace; };
        EXPECT_EQ(trace(), trace()) << "seed " << seed << "\n" << to_text(scenario);
    }
}

TEST(ScenarioPlay, NamedOnes_HoldEveryRule) {
    if (!test::is_long()) GTEST_SKIP() << "minutes each; MESHCHAIN_LONG=1 plays them";
    for (const NamedScenario& named : named_scenarios()) {
        SCOPED_TRACE(named.name);
        const Scenario scenario = parse_scenario(named.text).value();
        const Report report = Play(scenario, {.seed = 7}).run();
        EXPECT_TRUE(report.all_right()) << to_text(report);
    }
}

/// The first line of each is `# seed N`.
TEST(RegressPlay, WhatFailedOnce_HoldsEveryRule) {
    std::size_t played = 0;
    for (const auto& entry : std::filesystem::directory_iterator(MESHCHAIN_REGRESS)) {
        if (entry.path().extension() != ".scenario") continue;
        SCOPED_TRACE(entry.path());
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        std::uint64_t seed = 0;
        std::string hash;
        std::string word;
        ASSERT_TRUE(text >> hash >> word >> seed && word == "seed");
        const auto scenario = parse_scenario(text.str());
        ASSERT_TRUE(scenario.has_value()) << base::sentence(scenario.error());
        const Report report = Play(*scenario, {.seed = seed}).run();
        EXPECT_TRUE(report.all_right()) << to_text(report);
        ++played;
    }
    RecordProperty("played", static_cast<int>(played));
}

}  // namespace
}  // namespace meshchain::sim
