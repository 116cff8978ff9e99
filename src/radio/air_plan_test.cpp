#include "radio/air_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace meshchain::radio {
namespace {

using namespace std::chrono_literals;

const PlanLine& line(const AirPlan& plan, wire::MessageType type) {
    const auto found = std::ranges::find(plan.lines, type, &PlanLine::type);
    EXPECT_NE(found, plan.lines.end());
    return *found;
}

TEST(AirPlan, MessagesOfANetwork_HaveTheirExactPacketsAndTimes) {
    const AirPlan made = plan({}, {});
    const Modulation modulation = modulation_of(Preset::long_fast);
    EXPECT_EQ(line(made, wire::MessageType::transaction).packets, 1U);
    EXPECT_EQ(line(made, wire::MessageType::transaction).airtime,
              time_on_air(modulation, packet_bytes_of(113)));
    EXPECT_EQ(line(made, wire::MessageType::transaction).an_hour, 120U) << "each is said twice";
    EXPECT_EQ(line(made, wire::MessageType::short_vote).packets, 1U);
    EXPECT_EQ(line(made, wire::MessageType::block_row).packets, 1U);
    EXPECT_EQ(line(made, wire::MessageType::block_row).an_hour, 30U);
    // Ten payments and a certificate: 183 bytes.
    EXPECT_EQ(line(made, wire::MessageType::short_block).packets, 1U);
    EXPECT_EQ(line(made, wire::MessageType::short_block).airtime,
              time_on_air(modulation, packet_bytes_of(3 + 183)));
    EXPECT_EQ(line(made, wire::MessageType::short_block).an_hour, 6U);
    EXPECT_EQ(line(made, wire::MessageType::short_vote).an_hour, 93U) << "some are said again";
    EXPECT_EQ(made.given, 36s);
}

TEST(AirPlan, BlockOfMoreThanOnePacketNames_IsSaidWhole) {
    const AirPlan made = plan({.payments = 60, .payments_a_block = 30}, {});
    EXPECT_EQ(line(made, wire::MessageType::block).packets, 2U);
    EXPECT_EQ(line(made, wire::MessageType::block).payload_bytes, 330U);
}

TEST(AirPlan, SumOfItsLines_IsWhatTheNodesSend) {
    for (std::size_t i = 0; i < presets; ++i) {
        const Workload workload{.nodes = 30, .validators = 9, .payments = 45, .relays = 0};
        const AirPlan made = plan(workload, {.modulation = modulation_of(static_cast<Preset>(i))});
        base::Duration sent{};
        for (const PlanLine& each : made.lines) sent += each.airtime * each.an_hour;
        const base::Duration by_nodes = made.of_validator * 9 + made.of_other * 21;
        EXPECT_LT(std::chrono::abs(sent - by_nodes), 1us);
        EXPECT_EQ(made.channel_permille, sent * 1000 / base::Duration(1h));
    }
}

TEST(AirPlan, InACrowd_WhoFollowsSaysHalfAsOftenWhereItStands) {
    const auto statuses = [](unsigned nodes) {
        return line(plan({.nodes = nodes, .validators = 4}, {}), wire::MessageType::status).an_hour;
    };
    EXPECT_EQ(statuses(4), 8U);
    EXPECT_EQ(statuses(11), 22U);
    EXPECT_EQ(statuses(16), 8U + 16U);
    EXPECT_EQ(statuses(21), 8U + 17U);
    EXPECT_EQ(statuses(84), 8U + 80U) << "half as often at the least";
}

TEST(AirPlan, TooMuchForTheBudgetOrTheChannel_DoesNotFit) {
    const AirtimeOptions quick{.modulation = modulation_of(Preset::short_turbo)};
    EXPECT_TRUE(plan({}, quick).fits());
    EXPECT_FALSE(plan({.payments = 100'000}, quick).fits());
    // Nobody is over his budget here, but all together are.
    const Workload crowded{.nodes = 400, .validators = 7, .payments = 400, .relays = 6};
    const AirPlan made = plan(crowded, {.share_permille = 50});
    EXPECT_LE(made.of_validator, made.given);
    EXPECT_LE(made.of_other, made.given);
    EXPECT_FALSE(made.fits());
}

TEST(AirPlan, ValidatorsAlone_AndAnIdleNetwork_ArePlanned) {
    const AirPlan made = plan({.nodes = 4, .validators = 4, .payments = 0}, {});
    EXPECT_EQ(made.of_other, line(made, wire::MessageType::status).airtime * 2);
    EXPECT_EQ(line(made, wire::MessageType::short_block).an_hour, 0U);
}

}  // namespace
}  // namespace meshchain::radio
