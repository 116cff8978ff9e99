#include "wallet/coin_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace meshchain::wallet {
namespace {

using testing::HasSubstr;

SpendableCoin coin(std::uint64_t units, std::uint16_t index, Tier tier = Tier::final) {
    SpendableCoin result;
    result.coin.outpoint.index = index;
    result.coin.amount = {units};
    result.tier = tier;
    return result;
}

std::vector<std::uint64_t> select(const std::vector<SpendableCoin>& coins, std::uint64_t needed) {
    std::vector<std::uint64_t> amounts;
    const auto chosen = select_coins(coins, {needed}, {});
    if (!chosen) return {};
    for (const Coin& each : *chosen) amounts.push_back(each.amount.units);
    std::ranges::sort(amounts);
    return amounts;
}

using Amounts = std::vector<std::uint64_t>;

TEST(CoinSelection, Insufficient_SaysNeedHaveAndLocked) {
    const std::vector coins{coin(30, 0), coin(20, 1, Tier::own_change)};
    const auto chosen = select_coins(coins, {51}, {700});
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, base::Errc::full);
    for (const char* part : {"51 needed", "50 can be spent", "700 is locked"}) {
        EXPECT_THAT(chosen.error().what, HasSubstr(part));
    }
}

TEST(CoinSelection, NoCoins_IsInsufficient) { EXPECT_FALSE(select_coins({}, {1}, {})); }

TEST(CoinSelection, EnoughButInTooManyCoins_SaysSo) {
    std::vector<SpendableCoin> coins;
    for (std::uint16_t i = 0; i <= wire::inputs_max; ++i) coins.push_back(coin(10, i));
    EXPECT_EQ(select(coins, 10 * wire::inputs_max).size(), wire::inputs_max);
    const auto chosen = select_coins(coins, {10 * wire::inputs_max + 1}, {});
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, base::Errc::too_large);
}

TEST(CoinSelection, OneCoinThatSuffices_BeatsAnyCombination) {
    EXPECT_EQ(select({coin(60, 0), coin(40, 1), coin(1000, 2)}, 100), Amounts{1000});
}

TEST(CoinSelection, OfSeveralSufficientCoins_TheSmallestIsTaken) {
    EXPECT_EQ(select({coin(500, 0), coin(101, 1), coin(99, 2)}, 100), Amounts{101});
}

TEST(CoinSelection, WithoutASingleOne_TheFewestAreTakenAndTheLastFits) {
    EXPECT_EQ(select({coin(70, 0), coin(25, 1), coin(31, 2), coin(40, 3)}, 100), (Amounts{31, 70}));
}

TEST(CoinSelection, FinalCoins_AreTakenBeforeALiveOneThatWouldFitBetter) {
    EXPECT_EQ(select({coin(60, 0), coin(60, 1), coin(100, 2, Tier::live)}, 100), (Amounts{60, 60}));
    EXPECT_EQ(select({coin(60, 0), coin(100, 1, Tier::live), coin(100, 2, Tier::own_change)}, 90),
              Amounts{100});
}

TEST(CoinSelection, AnyOrderOfCoins_GivesTheSameFewest) {
    const std::uint64_t seed = 20260701;
    base::Random random(seed);
    for (int round = 0; round < 200; ++round) {
        std::vector<SpendableCoin> coins;
        for (std::uint16_t i = 0; i < 12; ++i) coins.push_back(coin(1 + random.below(50), i));
        const wire::Amount needed{1 + random.below(250)};
        const auto chosen = select_coins(coins, needed, {});
        std::ranges::reverse(coins);
        const auto again = select_coins(coins, needed, {});
        ASSERT_EQ(chosen.has_value(), again.has_value()) << "seed " << seed;
        if (!chosen) continue;
        ASSERT_EQ(*chosen, *again) << "seed " << seed;
        std::uint64_t total = 0;
        for (const Coin& each : *chosen) total += each.amount.units;
        ASSERT_GE(total, needed.units);
        for (const Coin& each : *chosen) {
            ASSERT_LT(total - each.amount.units, needed.units)
                << "no coin is superfluous, seed " << seed << " round " << round;
        }
    }
}

}  // namespace
}  // namespace meshchain::wallet
