#pragma once
// Blocks that are executed one after the other in memory, on top of the store, before all of them
// are stored in one batch: each sees the coins and the state that the ones before it leave.
//
// Ownership: borrows the store, which does not change meanwhile.
// Limits:    what fits one batch of the store: ask `has_room`.

#include "chain/chain_store.h"

namespace meshchain::chain {

class PendingBlocks final : public ledger::CoinView {
public:
    explicit PendingBlocks(const ChainStore& store);

    /// What a child of the last one is judged against.
    ledger::BlockContext context() const;
    /// Whether the batch takes a block of these transactions too. The first one always fits.
    bool has_room(const std::vector<wire::WireTransaction>& transactions) const;
    /// Executes a block on the last one. Errors, with nothing changed: those of ledger::execute.
    std::expected<void, base::Error> execute(const wire::Hash& hash, wire::Block block,
                                             const ledger::VerifiedSet& verified,
                                             ledger::SignatureQueue& later);

    const std::vector<ExecutedBlock>& blocks() const { return blocks_; }
    std::vector<ExecutedBlock> take_blocks() && { return std::move(blocks_); }
    /// Of coins and fee balances after the last one.
    const crypto::SetHash& state() const { return state_; }

    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const override;
    std::expected<ledger::Candidates, base::Error> candidates(
        const wire::ShortOutpoint& position) const override;
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer& key) const override;

private:
    /// An upper bound of what a transaction adds to the batch.
    struct Weight {
        std::size_t operations = 0;
        std::size_t bytes = 0;
    };
    static Weight weight_of(const std::vector<wire::WireTransaction>& transactions);
    std::expected<wire::Amount, base::Error> earned_by(wire::ValidatorIndex validator) const;
    void note(const ledger::BlockEffects& effects);

    const ChainStore* store_;
    ledger::BlockContext context_;
    crypto::SetHash state_;
    std::vector<ExecutedBlock> blocks_;
    Weight weight_;
    std::map<wire::Outpoint, std::optional<wire::Output>> coins_;         ///< nothing: spent
    std::set<std::pair<wire::ShortOutpoint, wire::Outpoint>> positions_;  ///< of coins made here
    std::map<wire::ValidatorIndex, wire::Amount> earned_;                 ///< balances
    ledger::StakeWrites stakes_;
};

}  // namespace meshchain::chain
