#include "ledger/coin_set.h"

namespace meshchain::ledger {

CoinSet::CoinSet(const Genesis& genesis) : chain_(chain_id(genesis)) {
    for (const Coin& coin : genesis_coins(genesis)) add(coin);
    for (const auto& [key, value] : genesis_stakes(genesis)) set_row(key, std::nullopt, value);
}

CoinSet::CoinSet(const wire::ChainId& chain, const std::map<wire::Outpoint, wire::Output>& coins,
                 const std::map<wire::ValidatorIndex, wire::Amount>& fees, const StakeRows& stakes)
    : chain_(chain) {
    for (const auto& [key, value] : stakes) set_row(key, std::nullopt, value);
    for (const auto& [outpoint, output] : coins) add({outpoint, output});
    for (const auto& [validator, amount] : fees) set_fees(validator, amount);
}

std::expected<std::optional<wire::Output>, base::Error> CoinSet::coin(
    const wire::Outpoint& outpoint) const {
    const auto found = coins_.find(outpoint);
    if (found == coins_.end()) return std::nullopt;
    return found->second;
}

std::expected<Candidates, base::Error> CoinSet::candidates(
    const wire::ShortOutpoint& position) const {
    Candidates result;
    for (auto at = positions_.lower_bound({position, wire::Outpoint{}});
         at != positions_.end() && at->first == position; ++at) {
        MESH_ASSERT(result.insert(at->second));
    }
    return result;
}

std::expected<std::optional<base::Buffer>, base::Error> CoinSet::stake_row(
    const base::Buffer& key) const {
    const auto found = stakes_.find(key);
    if (found == stakes_.end()) return std::nullopt;
    return found->second;
}

void CoinSet::set_row(const base::Buffer& key, const std::optional<base::Buffer>& before,
                      const std::optional<base::Buffer>& after) {
    const auto found = stakes_.find(key);
    MESH_ASSERT(before ? found != stakes_.end() && found->second == *before
                       : found == stakes_.end());
    if (before) {
        state_.remove(stake_hash(key, *before));
        stakes_.erase(found);
    }
    if (!after) return;
    state_.add(stake_hash(key, *after));
    stakes_.emplace(key, *after);
}

void CoinSet::apply(const BlockEffects& effects) {
    for (const StakeChange& row : effects.stakes) set_row(row.key, row.before, row.after);
    for (const Coin& coin : effects.spent) remove(coin);
    for (const Coin& coin : effects.created) add(coin);
    const auto balance = wire::add(fees_of(effects.proposer), effects.fees);
    MESH_ASSERT(balance.has_value());
    set_fees(effects.proposer, *balance);
}

void CoinSet::revert(const BlockEffects& effects) {
    for (const StakeChange& row : effects.stakes) set_row(row.key, row.after, row.before);
    for (const Coin& coin : effects.created) remove(coin);
    for (const Coin& coin : effects.spent) add(coin);
    const auto balance = wire::subtract(fees_of(effects.proposer), effects.fees);
    MESH_ASSERT(balance.has_value());
    set_fees(effects.proposer, *balance);
}

wire::Amount CoinSet::fees_of(wire::ValidatorIndex validator) const {
    const auto found = fees_.find(validator);
    return found == fees_.end() ? wire::Amount{} : found->second;
}

void CoinSet::set_fees(wire::ValidatorIndex validator, wire::Amount amount) {
    const wire::Amount before = fees_of(validator);
    if (before == amount) return;
    ledger::remove(FeeBalance{validator, before}, state_);
    ledger::add(FeeBalance{validator, amount}, state_);
    if (amount == wire::Amount{}) {
        fees_.erase(validator);
    } else {
        fees_[validator] = amount;
    }
}

wire::Amount CoinSet::total() const {
    wire::Amount total;
    for (const auto& [outpoint, output] : coins_) {
        const auto sum = wire::add(total, output.amount);
        MESH_ASSERT(sum.has_value());
        total = *sum;
    }
    return total;
}

void CoinSet::add(const Coin& coin) {
    MESH_ASSERT(coins_.emplace(coin.outpoint, coin.output).second);
    positions_.emplace(short_outpoint(chain_, coin.outpoint), coin.outpoint);
    state_.add(coin_hash(coin));
}

void CoinSet::remove(const Coin& coin) {
    const auto found = coins_.find(coin.outpoint);
    MESH_ASSERT(found != coins_.end() && found->second == coin.output);
    coins_.erase(found);
    positions_.erase({short_outpoint(chain_, coin.outpoint), coin.outpoint});
    state_.remove(coin_hash(coin));
}

}  // namespace meshchain::ledger
