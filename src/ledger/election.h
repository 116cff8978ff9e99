#pragma once
// How an epoch rises, and who votes in the one after next (PROTOCOL.md P3 Epochs,
// docs/decisions/0132-epochs.md): everybody with stake in the state before the block that raises.

#include "ledger/stake_book.h"
#include "wire/roster.h"

namespace meshchain::ledger {

/// Whoever has stake now, with a seed that nobody can know before this state.
/// Errors: invalid_argument (nobody has any), those of the storage behind the book.
std::expected<wire::Roster, base::Error> elect(const wire::ChainId& chain, const Economy& economy,
                                               const wire::Hash& state, wire::Slot slot,
                                               const StakeBook& book);

/// Raises the epoch in a block of `slot` on the state with the digest `parent_state`, and returns
/// the roster of the epoch after the one that begins. Errors, with nothing changed:
/// invalid_argument (too early, or the stakes are those of genesis), those of `elect`.
std::expected<wire::Roster, base::Error> raise_epoch(const wire::ChainId& chain,
                                                     const wire::Hash& parent_state,
                                                     wire::Slot slot, StakeBook& book);

}  // namespace meshchain::ledger
