#pragma once
// Whether somebody of the set has signed a vote: for who holds no ledger of votes.

#include "consensus/validator_set.h"
#include "wire/vote.h"

namespace meshchain::consensus {

/// Whether this vote is of a validator of the set and signed by it.
bool is_signed(const wire::ChainId& chain, const ValidatorSet& validators, const wire::Vote& vote);

}  // namespace meshchain::consensus
