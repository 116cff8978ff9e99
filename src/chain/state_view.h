#pragma once
// The coins and fee balances as they were after an earlier block, while the tip moves on: a
// snapshot of the store with what came later undone in memory (rows A10, J4).
//
// Ownership: pins what the store held when it was opened until it is destroyed, which must be
//            before the store is. Does not refer to the ChainStore.
// Limits:    `blocks_undone_max` blocks between the state and the tip; a few hundred bytes of
//            memory for each of their payments.
// Errors:    those of the store; corrupt.

#include <functional>
#include <map>
#include <memory>

#include "chain/chain_store.h"
#include "wire/state.h"

namespace meshchain::chain {

class StateView {
public:
    static constexpr std::uint32_t blocks_undone_max = 1024;

    /// The state after the applied block of this height.
    /// Errors: not_found (no such block applied, or below where this store's history starts),
    /// too_large (further below the tip than blocks_undone_max), full (too many snapshots are
    /// open), those of the store.
    static std::expected<std::unique_ptr<StateView>, base::Error> open(kv::Store& store,
                                                                       const ChainStore& chain,
                                                                       wire::Height height);

    /// The same, but nothing is undone yet: undo() must be called until is_whole().
    static std::expected<std::unique_ptr<StateView>, base::Error> begin(kv::Store& store,
                                                                        const ChainStore& chain,
                                                                        wire::Height height);
    /// Undoes blocks that changed `coins` coins in all, and one at least; returns how many.
    /// `chain` may have moved on. Errors: corrupt (also where the chain was taken back meanwhile).
    std::expected<std::size_t, base::Error> undo(const ChainStore& chain, std::size_t coins);
    bool is_whole() const { return at_.height <= height_; }

    /// The block after which the coins are as seen here, once it is whole.
    const Tip& at() const { return at_; }
    wire::Hash digest() const { return state_.digest(); }
    const std::map<wire::ValidatorIndex, wire::Amount>& fees() const { return fees_; }

    /// Up to `count` coins in key order, of this range and after that one.
    std::expected<std::vector<wire::StateCoin>, base::Error> coins(
        std::uint8_t range, const std::optional<wire::Outpoint>& after, std::size_t count);
    /// All coins in key order, until `visit` returns false.
    std::expected<void, base::Error> each_coin(
        const std::function<bool(const wire::StateCoin&)>& visit);
    /// The page that answers a request. `block` is repeated in it.
    std::expected<wire::StatePage, base::Error> page(const wire::StatePageRequest& request);
    std::expected<wire::Hash, base::Error> range_hash(std::uint8_t range);

private:
    StateView() = default;
    std::expected<std::size_t, base::Error> undo_block(const ChainStore& chain);

    Tip at_{};
    wire::Height height_;  ///< where undoing ends
    crypto::SetHash state_;
    std::map<wire::ValidatorIndex, wire::Amount> fees_;
    /// Coins that differ from the snapshot's: as they were, or nothing.
    std::map<wire::Outpoint, std::optional<wire::Output>> undone_;
    std::unique_ptr<kv::View> view_;
};

}  // namespace meshchain::chain
