#include "sim/scenario.h"

#include <gtest/gtest.h>

#include "sim/named_scenarios.h"
#include "sim/scenario_words.h"
#include "sim/swarm.h"

namespace meshchain::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::string refusal(std::string_view text) {
    const auto scenario = parse_scenario(text);
    return scenario ? "taken" : base::sentence(scenario.error());
}

TEST(Scenario, WhatIsWrong_IsNamedWithItsLine) {
    EXPECT_NE(refusal("validators 4\nfrobnicate 3\n").find("line 2"), std::string::npos);
    EXPECT_NE(refusal("validators four\n").find("'four'"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 5m explode 1\n").find("partition"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 5x heal\n").find("90s"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 5m\n").find("at 5m heal"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 1s crash\n").find("at least one"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 1s pay 0\n").find("two"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 1s heal 3\n").find("none"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 1s partition 0 1 | | 2\n").find("side"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nattacker dragon 1\n").find("twins"), std::string::npos);
}

TEST(Scenario, WhatCannotBe_IsRefused) {
    EXPECT_NE(refusal("about nobody\n").find("validators"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 1s crash 4\n").find("0 to 3"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nlate 9\n").find("machine 9"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nrelays 1\nattacker twins 4\n").find("no validator"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nnetwork moon\n").find("moon"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nhostile 1m\nat 2m heal\n").find("hostile"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nattacker secretive 0\n").find("staking"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nhostile 1m\nat 1s expect-heard 9 0\n").find("staking"),
              std::string::npos);
    EXPECT_NE(refusal("validators 65\n").find("64"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nmedium LONG_QUICK\n").find("LONG_FAST"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nairtime 10 10\n").find("medium"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nmedium LONG_FAST\nairtime 10\n").find("hour"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nmedium LONG_FAST\nairtime 0 10\n").find("1 to 100"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nmedium LONG_FAST\nshape star\n").find("valley"),
              std::string::npos);
    EXPECT_TRUE(parse_scenario("validators 4\nrelays 1\nmedium LONG_FAST\nshape valley\n"));
    EXPECT_NE(refusal("validators 4\nmedium LONG_FAST\nrecords 10s\n").find("alerts"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nmedium LONG_FAST\nalerts 10s\nstates 10s\n").find("radios"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nsearches 10s\n").find("records 10s"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nacknowledgements 10s\n").find("alerts 10s"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 1s expect-refused 1 0\n").find("shares"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nalerts 9s\nat 1s expect-alerted 101 1s\n").find("100"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nmedium LONG_FAST\nattacker spam\n").find("datagrams"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nround 65\n").find("1 to 64"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nblock-time 10s\nvote-lead 7001ms\n").find("7 tenths"),
              std::string::npos);
    EXPECT_NE(refusal("validators 4\nrelays 18446744073709551615\n").find("machines"),
              std::string::npos);
    EXPECT_NE(refusal("stakes 1 0\n").find("stake of 0"), std::string::npos);
    EXPECT_NE(refusal(std::string(scenario_bytes_max + 1, '\n')).find("bytes"), std::string::npos);
}

TEST(Scenario, SitesThatCannotBe_AreRefused) {
    const std::string air = "validators 6\nmedium SHORT_TURBO\n";
    EXPECT_NE(refusal("validators 6\ngateways 0 3\n").find("medium"), std::string::npos);
    EXPECT_NE(refusal(air + "gateways 0 6\n").find("0 to 5"), std::string::npos);
    EXPECT_NE(refusal(air + "gateways 0\n").find("two at least"), std::string::npos);
    EXPECT_NE(refusal(air + "gateways x\n").find("'x'"), std::string::npos);
    EXPECT_NE(refusal(air + "sites 0 1 2 | 3 4 5\n").find("`gateways 0 4`"), std::string::npos);
    EXPECT_NE(refusal("validators 6\nsites 0 1 2 | 3 4 5\n").find("gateways"), std::string::npos);
    const std::string joined = air + "gateways 0 3\n";
    EXPECT_NE(refusal(joined + "sites\n").find("no sides"), std::string::npos);
    EXPECT_NE(refusal(joined + "sites 0 1 2 | | 3 4 5\n").find("nobody"), std::string::npos);
    EXPECT_NE(refusal(joined + "sites 0 1 2 | 3 4\n").find("machine 5 on no"), std::string::npos);
    EXPECT_NE(refusal(joined + "sites 0 1 2 | 2 3 4 5\n").find("machine 2 on two"),
              std::string::npos);
    EXPECT_NE(refusal(joined + "sites 0 3 | 1 2 4 5\n").find("1 2 4 5 has no gateway"),
              std::string::npos);
    EXPECT_NE(refusal(joined + "sites 0 1 2 | 3 4 5 6\n").find("no machine 6"), std::string::npos);
    EXPECT_NE(refusal(joined + "shape star\n").find("line"), std::string::npos);
    EXPECT_NE(refusal(air + "lights 1\ngateways 0 6\n").find("light"), std::string::npos);
    EXPECT_NE(refusal("validators 4\nat 1s partition\n").find("no sides"), std::string::npos);
}

TEST(Scenario, Sites_SayWhoHasWhat) {
    const auto scenario = parse_scenario(
        "validators 4\nlights 1\nmedium SHORT_TURBO\ngateways 3 0\nsites 0 1 2 4 | 3\n");
    ASSERT_TRUE(scenario.has_value()) << base::sentence(scenario.error());
    EXPECT_EQ(scenario->sites, (std::vector<std::set<std::size_t>>{{0, 1, 2, 4}, {3}}));
    const auto has = [&](std::size_t machine) {
        return std::pair(scenario->has_network(machine), scenario->has_radio(machine));
    };
    EXPECT_EQ(has(0), std::pair(true, true));
    EXPECT_EQ(has(1), std::pair(true, false));
    EXPECT_EQ(has(3), std::pair(false, true)) << "alone on its site";
    EXPECT_EQ(has(4), std::pair(true, false));
    EXPECT_EQ(parse_scenario(to_text(*scenario)).value(), *scenario);
}

TEST(Scenario, Lines_SayWhatTheyMean) {
    const auto scenario = parse_scenario(
        "about Two sides.  # of a comment\nstakes 30 20 10\nrelays 1\nnetwork wifi\n\n"
        "at 1m30s partition 0 3 | 1 2\nat 10s slow 20ms 1\nhostile 2m\nattacker twins 2\n");
    ASSERT_TRUE(scenario.has_value()) << base::sentence(scenario.error());
    EXPECT_EQ(scenario->about, "Two sides.");
    EXPECT_EQ(scenario->nodes(), 4U);
    EXPECT_EQ(scenario->hostile, minutes(2));
    ASSERT_EQ(scenario->steps.size(), 2U);
    EXPECT_EQ(scenario->steps[0].verb, Step::Verb::slow);
    EXPECT_EQ(scenario->steps[0].time, std::chrono::milliseconds(20));
    EXPECT_EQ(scenario->steps[1].at, seconds(90));
    EXPECT_EQ(scenario->steps[1].sides, (std::vector<std::set<std::size_t>>{{0, 3}, {1, 2}}));
    EXPECT_EQ(scenario->attackers, (std::vector<Attacker>{{Attacker::Kind::twins, 2}}));
}

TEST(Scenario, PromisesWithNumbers_ComeBackFromTheirText_AndAreRefusedWithoutMeaning) {
    const std::string radios = "validators 4\nmedium LONG_FAST\nhostile 30m\n";
    const auto scenario =
        parse_scenario(radios + "at 20m expect-paid 95 10m\nat 20m expect-channel 250\n");
    ASSERT_TRUE(scenario.has_value());
    EXPECT_EQ(scenario->steps[0].number, 95);
    EXPECT_EQ(scenario->steps[0].time, std::chrono::minutes(10));
    EXPECT_EQ(scenario->steps[1].number, 250);
    EXPECT_EQ(parse_scenario(to_text(*scenario)).value(), *scenario);
    for (const std::string wrong :
         {"expect-paid 95", "expect-paid 10m 95", "expect-paid 0 10m", "expect-paid 101 10m",
          "expect-paid 95 10m 0", "expect-channel", "expect-channel 1001", "expect-channel 9 0"}) {
        EXPECT_FALSE(parse_scenario(radios + "at 20m " + wrong + "\n").has_value()) << wrong;
    }
    EXPECT_FALSE(parse_scenario("validators 4\nat 1m expect-channel 250\n").has_value());
}

TEST(Scenario, EveryNamedOne_ParsesAndComesBackFromItsOwnText) {
    EXPECT_GE(named_scenarios().size(), 8U);
    for (const NamedScenario& named : named_scenarios()) {
        SCOPED_TRACE(named.name);
        const auto scenario = parse_scenario(named.text);
        ASSERT_TRUE(scenario.has_value()) << base::sentence(scenario.error());
        EXPECT_EQ(parse_scenario(to_text(*scenario)).value(), *scenario);
    }
}

TEST(Swarm, EverySeed_DrawsASoundScenarioThatItsTextRepeats) {
    std::set<std::string> networks;
    std::set<Attacker::Kind> attackers;
    std::set<Step::Verb> verbs;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        SCOPED_TRACE(seed);
        const SwarmLimits limits{.stakes_move = true};
        const Scenario scenario = draw_scenario(seed, limits);
        EXPECT_EQ(draw_scenario(seed, limits), scenario);
        const auto again = parse_scenario(to_text(scenario));
        ASSERT_TRUE(again.has_value()) << base::sentence(again.error()) << to_text(scenario);
        EXPECT_EQ(*again, scenario);
        networks.insert(scenario.network);
        for (const Attacker& attacker : scenario.attackers) attackers.insert(attacker.kind);
        for (const Step& step : scenario.steps) verbs.insert(step.verb);
    }
    EXPECT_EQ(networks.size(), 4U);
    EXPECT_EQ(attackers.size(), words::attackers.size() - 1) << "all but echo";
    EXPECT_GE(verbs.size(), 14U);
}

}  // namespace
}  // namespace meshchain::sim
