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

std::string replay(std::uint64_t seed) { return "meshchain sim --seed " + std::to_string(seed); }

TEST(SwarmPlay, Seeds_HoldEveryRule) {
    const std::uint64_t count = test::effort<std::uint64_t>(3, 300);
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        const Report report = Play(draw_scenario(seed), {.seed = seed}).run();
        EXPECT_TRUE(report.all_right()) << replay(seed) << "\n" << to_text(report);
    }
}

TEST(SwarmPlay, ASeedPlayedTwice_HasOneTrace) {
    const std::uint64_t count = test::effort<std::uint64_t>(1, 30);
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        const Scenario scenario =
            draw_scenario(seed, {.hostile_max = std::chrono::seconds(test::effort(45, 120))});
        const auto trace = [&] { return Play(scenario, {.seed = seed}).run().trace; };
        EXPECT_EQ(trace(), trace()) << replay(seed);
    }
}

TEST(ScenarioPlay, NamedOnes_HoldEveryRule) {
    for (const NamedScenario& named : named_scenarios()) {
        if (!test::is_long() && named.name != "half-and-half") continue;
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
