#pragma once
// How an epoch rises, and who votes in the one after next (PROTOCOL.md P3 Epochs,
// docs/decisions/0132-epochs.md): everybody with stake in the state before the block that raises.

#include "ledger/stake_book.h"
#include "wire/roster.h"

namespace meshchain::ledger {

/// For so many epochs what a validator said of whom it hears is believed.
inline constexpr std::uint32_t testimony_epochs = 8;

/// Whoever has stake now, as far as it is heard, with a seed of the secrets that were revealed.
/// Errors: invalid_argument (nobody has any), those of the storage behind the book.
std::expected<wire::Roster, base::Error> elect(const wire::ChainId& chain, const Economy& economy,
                                               wire::Slot slot, const StakeBook& book);

/// Raises the epoch in a block of `slot`, and returns the roster of the epoch after the one that
/// begins. Errors, with nothing changed: invalid_argument (too early, or the stakes are those of
/// genesis), those of `elect`.
std::expected<wire::Roster, base::Error> raise_epoch(const wire::ChainId& chain, wire::Slot slot,
                                                     StakeBook& book);

}  // namespace meshchain::ledger
