#pragma once
// Accounting for a stopped node: its chain replayed from genesis, everything else it stored held
// against the result. Of what the node wrote, only genesis and the blocks are taken as input, and
// the blocks must pass every rule again: leaders, signatures, transactions, coins. Where history
// starts with a FINAL state from others, the first block must commit to that state.
//
// Time:   as long as syncing the chain from a local peer; all coins are held in memory.
// Errors: locked (the node runs), corrupt (the first thing that does not agree), those of reading.

#include <expected>
#include <filesystem>
#include <map>

#include "ledger/genesis.h"

namespace meshchain::host {

struct ChainAudit {
    wire::ChainId chain;
    wire::Height history_start;  ///< 0 unless it began with a state from others
    wire::Height height;
    wire::Hash tip;
    wire::Height final_height;  ///< proven by the stored certificate's votes
    wire::Hash state;           ///< of coins and fee balances after the tip
    std::uint64_t coins = 0;    ///< how many
    wire::Amount coins_total;
    wire::Amount fees;
    wire::Amount stakes;
    std::map<wire::Txid, wire::Height> transactions;

    std::uint64_t supply() const { return coins_total.units + fees.units + stakes.units; }
};

/// Takes the folder's lock and opens its store read-only.
std::expected<ChainAudit, base::Error> audit_chain(const std::filesystem::path& folder);

}  // namespace meshchain::host
