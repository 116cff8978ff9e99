#pragma once
// The state before a block that was applied long ago, as far as the block needs it to be executed
// again on a chain whose stakes move: the rows of stakes, the hash of the whole, and those coins
// that whoever asks has found. It begins with genesis and is brought forward block by block, so a
// block that commits to it (PROTOCOL.md P2.6) proves that all of that was right.
//
// Limits: as many rows as the stakes of a chain have (ledger/stake_records.h).
// Errors: those of ledger::execute; invalid_argument where the state is not the one of the block.

#include <map>

#include "chain/chain_store.h"

namespace meshchain::chain {

class PastState final : public ledger::CoinView {
public:
    /// Of genesis. Coins that are asked for later are looked up in `coins`, which outlives this.
    PastState(const ledger::Genesis& genesis, const std::map<wire::Outpoint, wire::Output>& coins);

    /// That after `hash`, the child of the block before, which did this.
    void advance(const wire::Hash& hash, const wire::BlockHeader& header,
                 const ledger::BlockEffects& effects);
    /// What the child of the last one does.
    std::expected<ledger::BlockEffects, base::Error> execute(const wire::Block& block) const;

    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const override;
    std::expected<ledger::Candidates, base::Error> candidates(
        const wire::ShortOutpoint& position) const override;
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer& key) const override;

private:
    const std::map<wire::Outpoint, wire::Output>* coins_;
    ledger::BlockContext context_;
    ledger::StakeRows stakes_;
    crypto::SetHash state_;
};

}  // namespace meshchain::chain
