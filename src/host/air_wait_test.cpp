#include "host/air_wait.h"

#include <gtest/gtest.h>

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;
using radio::AirtimeBudget;
using radio::Priority;

constexpr base::Instant now{100h};
constexpr std::size_t payment_bytes = 110;

constexpr wire::MessageRule payment{
    wire::MessageType::transaction, wire::MessageClass::object, 1, 500, 600, 2, true};
constexpr wire::MessageRule alert{
    wire::MessageType::alert_on_air, wire::MessageClass::object, 1, 480, 60, 0, true};

AirtimeBudget fresh() { return {now, {}}; }
/// That lets no payment out for a while, but what is urgent.
AirtimeBudget used_up(base::Duration airtime = 1s) {
    AirtimeBudget budget = fresh();
    while (!budget.deferral(now, Priority::transaction, airtime)) budget.spend(now, airtime);
    return budget;
}
WayOut way(const AirtimeBudget& budget, std::vector<radio::Outbox::Next> waiting = {}) {
    return {.is_up = true, .listens_only = false, .air = {now, budget, std::move(waiting), 200}};
}
AirtimeBudget paused() {
    AirtimeBudget budget = fresh();
    budget.set_paused(true);
    return budget;
}
std::optional<AirWait> wait(const std::vector<WayOut>& ways,
                            const wire::MessageRule& rule = payment,
                            std::size_t bytes = payment_bytes) {
    return air_wait(ways, now, rule, bytes);
}

TEST(AirWait, NobodyWaits_WithoutARadio_OrWhereOneOfSeveralIsFree) {
    EXPECT_FALSE(wait({}));
    EXPECT_FALSE(wait({way(fresh())}));
    EXPECT_TRUE(wait({way(used_up())}));
    EXPECT_FALSE(wait({way(used_up()), way(paused()), way(fresh())}));
}

TEST(AirWait, OfSeveralRadios_TheOneThatIsFreeFirst_IsNamed) {
    const WayOut later = way(used_up(), {{Priority::block, 150, false}});
    const auto alone = wait({way(used_up())});
    ASSERT_TRUE(alone && alone->lasts);
    EXPECT_EQ(alone->radio, 0U);
    EXPECT_EQ(alone->reason, "pace");
    EXPECT_GT(*alone->lasts, 1s);
    const auto told = wait({way(paused()), later, way(used_up()), later});
    ASSERT_TRUE(told);
    EXPECT_EQ(told->radio, 2U);
    EXPECT_EQ(told->lasts, alone->lasts);
}

TEST(AirWait, WhatNoWaitingEnds_IsToldWithoutATime) {
    WayOut deaf = way(fresh());
    deaf.listens_only = true;
    WayOut gone = way(used_up());
    gone.is_up = false;
    for (const auto& [ways, reason] : std::vector<std::pair<std::vector<WayOut>, std::string>>{
             {{way(paused())}, "paused"},
             {{deaf}, "listen_only"},
             {{gone}, "not_up"},
             {{gone, deaf}, "not_up"},
             {{deaf, way(paused())}, "listen_only"}}) {
        const auto told = wait(ways);
        ASSERT_TRUE(told) << reason;
        EXPECT_EQ(told->reason, reason);
        EXPECT_EQ(told->radio, 0U) << reason;
        EXPECT_FALSE(told->lasts) << reason;
    }
}

TEST(AirWait, AlertLeaves_WhereAPaymentWaits) {
    EXPECT_TRUE(wait({way(used_up())}, payment));
    EXPECT_FALSE(wait({way(used_up())}, alert));
}

TEST(AirWait, WhatItsRuleKeepsOffTheAir_IsTooLong) {
    EXPECT_FALSE(wait({way(fresh())}, alert, 480));
    const auto told = wait({way(fresh())}, alert, 481);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->reason, "too_long");
    EXPECT_FALSE(told->lasts);
}

}  // namespace
}  // namespace meshchain::host
