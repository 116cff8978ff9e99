#pragma once
// The last FINAL state of a store, proven and added up (row A13): what a successor chain begins
// with. For a node that does not run.
//
// Time:   reads every coin.
// Errors: not_found (nothing is FINAL), corrupt (certificate, state and coins do not fit), those
//         of ChainStore::open and of the store.

#include "chain/chain_store.h"
#include "ledger/successor.h"

namespace meshchain::chain {

std::expected<ledger::FinalState, base::Error> read_final_state(kv::Store& store,
                                                                kv::Table consensus_table,
                                                                const ledger::Genesis& genesis);

}  // namespace meshchain::chain
