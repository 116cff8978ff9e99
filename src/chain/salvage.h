#pragma once
// A chain made whole again in a store that lacks rows: what could be read of a damaged one. What
// is left behind is a chain like any other, maybe shorter at either end; the rest is what peers
// have.
//
// Nothing is believed that the rows do not prove together: the coins, fee balances and stakes as
// stored count only if all of them add up to what a block commits to; else the blocks are executed
// again from genesis.
//
// Time:      as long as reading all coins and blocks, or executing all blocks.
// Ownership: the store outlives the call, and nobody else uses it.
// Errors:    those of the store. It is then to be thrown away, as it is after a crash.
// Format:    docs/formats/chain-store.md

#include <set>

#include "chain/chain_store.h"

namespace meshchain::chain {

struct SalvagedChain {
    enum class Kind : std::uint8_t {
        whole,    ///< nothing of it is lost
        clipped,  ///< its history starts later, as after pruning
        cut,      ///< it ends earlier
        lost,     ///< nothing is left: the node begins again
    };

    Kind kind = Kind::lost;
    Tip tip;
    wire::Height history_start;
};

/// `proven` are the blocks of which certificates of FINAL are there: only below one may history be
/// clipped.
std::expected<SalvagedChain, base::Error> salvage_chain(kv::Store& store,
                                                        const ledger::Genesis& genesis,
                                                        const std::set<wire::Hash>& proven);

}  // namespace meshchain::chain
