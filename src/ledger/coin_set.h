#pragma once
// All coins and fee balances in memory, with their set hash: for tests, simulators and whoever
// replays a chain to check a node's word. The chain itself keeps them in kv.

#include <map>
#include <set>

#include "ledger/block_rules.h"

namespace meshchain::ledger {

class CoinSet final : public CoinView {
public:
    /// The coins of genesis.
    explicit CoinSet(const Genesis& genesis);
    /// Those of a later state. Balances are not zero.
    CoinSet(const wire::ChainId& chain, const std::map<wire::Outpoint, wire::Output>& coins,
            const std::map<wire::ValidatorIndex, wire::Amount>& fees, const StakeRows& stakes = {});

    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const override;
    std::expected<Candidates, base::Error> candidates(
        const wire::ShortOutpoint& position) const override;
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer& key) const override;

    /// `effects` is of a block executed on exactly these coins.
    void apply(const BlockEffects& effects);
    /// `effects` was applied last.
    void revert(const BlockEffects& effects);

    wire::Hash state() const { return state_.digest(); }
    wire::Amount total() const;
    const std::map<wire::Outpoint, wire::Output>& coins() const { return coins_; }
    /// What validators earned; those that earned nothing are left out.
    const std::map<wire::ValidatorIndex, wire::Amount>& fees() const { return fees_; }
    const StakeRows& stakes() const { return stakes_; }

private:
    void add(const Coin& coin);
    void remove(const Coin& coin);
    void set_row(const base::Buffer& key, const std::optional<base::Buffer>& before,
                 const std::optional<base::Buffer>& after);
    void set_fees(wire::ValidatorIndex validator, wire::Amount amount);
    wire::Amount fees_of(wire::ValidatorIndex validator) const;

    wire::ChainId chain_;
    std::map<wire::Outpoint, wire::Output> coins_;
    std::set<std::pair<wire::ShortOutpoint, wire::Outpoint>> positions_;
    std::map<wire::ValidatorIndex, wire::Amount> fees_;
    StakeRows stakes_;
    crypto::SetHash state_;
};

}  // namespace meshchain::ledger
