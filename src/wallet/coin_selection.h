#pragma once
// Which own coins pay an amount. One coin gives the compact form of 110 bytes, so a single coin is
// preferred to any combination, and the smallest that suffices, which leaves the least change.
//
// Time:   O(n log n) in the number of coins.
// Limits: wire::inputs_max inputs.

#include <span>
#include <vector>

#include "wallet/coin.h"

namespace meshchain::wallet {

/// How much a coin may be relied on; a payment takes from the first tier that can pay it.
enum class Tier : std::uint8_t { final = 0, live = 1, own_change = 2 };

struct SpendableCoin {
    Coin coin;
    Tier tier = Tier::final;
};

/// Deterministic: the same coins, in whatever order, give the same choice. The result is in
/// outpoint order.
/// Errors: full (insufficient: says what is needed, what there is, and `locked`, the sum tied up
/// in payments under way), too_large (enough, but in more than inputs_max coins).
std::expected<std::vector<Coin>, base::Error> select_coins(std::span<const SpendableCoin> coins,
                                                           wire::Amount needed,
                                                           wire::Amount locked);

}  // namespace meshchain::wallet
