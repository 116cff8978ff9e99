#pragma once
// What operations on stakes ask for and what they do (row A11; PROTOCOL.md P2.11). The one place
// that changes a seat.
//
// Errors: invalid_argument, not_found, conflict, future, bad_signature: the operation breaks a rule
//         here and now. Those of the storage behind the book are no verdict.

#include "ledger/stake_book.h"

namespace meshchain::ledger {

/// Does `operation` to `book`, or nothing. Signatures of its authorities are the caller's to
/// judge, as are amounts against inputs and outputs.
std::expected<void, base::Error> run(const wire::ChainId& chain, const wire::Operation& operation,
                                     StakeBook& book);

/// What a block's fees do: its proposer earns them, unless he was slashed; then they are burnt.
/// Nothing on a chain without stakes in its state: false then.
std::expected<bool, base::Error> pay_fees(wire::ValidatorIndex proposer, wire::Amount fees,
                                          StakeBook& book);

}  // namespace meshchain::ledger
