#include "wallet/coin_selection.h"

#include <algorithm>

namespace meshchain::wallet {
namespace {

wire::Amount sum(std::span<const Coin> coins) {
    std::uint64_t units = 0;
    for (const Coin& coin : coins) units += coin.amount.units;
    return {units};
}

bool smaller(const Coin& a, const Coin& b) {
    return a.amount != b.amount ? a.amount < b.amount : a.outpoint < b.outpoint;
}

/// The coins of `tier` and better, smallest first.
std::vector<Coin> up_to_tier(std::span<const SpendableCoin> coins, Tier tier) {
    std::vector<Coin> result;
    for (const SpendableCoin& each : coins) {
        if (each.tier <= tier) result.push_back(each.coin);
    }
    std::ranges::sort(result, smaller);
    return result;
}

/// The fewest coins that reach `needed`; of those sets, the one whose last coin is the smallest
/// that suffices. Nothing when even the inputs_max largest do not. `sorted` is smallest first.
std::vector<Coin> fewest(const std::vector<Coin>& sorted, wire::Amount needed) {
    std::vector<Coin> chosen;
    wire::Amount left = needed;
    std::span<const Coin> rest(sorted);
    while (chosen.size() < wire::inputs_max && !rest.empty()) {
        const auto enough =
            std::ranges::find_if(rest, [&](const Coin& coin) { return coin.amount >= left; });
        if (enough != rest.end()) {
            chosen.push_back(*enough);
            std::ranges::sort(chosen, {}, &Coin::outpoint);
            return chosen;
        }
        chosen.push_back(rest.back());
        left.units -= rest.back().amount.units;
        rest = rest.first(rest.size() - 1);
    }
    return {};
}

std::string units(wire::Amount amount) { return std::to_string(amount.units); }

}  // namespace

std::expected<std::vector<Coin>, base::Error> select_coins(std::span<const SpendableCoin> coins,
                                                           wire::Amount needed,
                                                           wire::Amount locked) {
    for (const Tier tier : {Tier::final, Tier::live, Tier::own_change}) {
        auto chosen = fewest(up_to_tier(coins, tier), needed);
        if (!chosen.empty()) return chosen;
    }
    const wire::Amount have = sum(up_to_tier(coins, Tier::own_change));
    if (have >= needed) {
        return base::failure(base::Errc::too_large,
                             "more than " + std::to_string(wire::inputs_max) +
                                 " coins are needed for " + units(needed),
                             "wallet", "first pay smaller parts of it to yourself, to join coins");
    }
    return base::failure(
        base::Errc::full,
        "insufficient funds: " + units(needed) + " needed with the fee, " + units(have) +
            " can be spent, " + units(locked) + " is locked in payments under way",
        "wallet",
        locked.units > 0 ? "wait until those payments are final, or pay less" : "pay less");
}

}  // namespace meshchain::wallet
