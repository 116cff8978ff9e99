#pragma once
// Judging a certificate by itself (row J4; PROTOCOL.md P3 Checkpoint): whoever holds the validator
// set needs nothing else to know that a block is final.

#include <expected>

#include "base/error.h"
#include "consensus/validator_set.h"
#include "wire/vote.h"

namespace meshchain::consensus {

/// Whether votes of more than 2/3 of stake have exactly this source and the next round, each
/// signed. Costs one signature check a vote; the stake is counted first. Errors: malformed (no
/// quorum, a vote that does not belong), bad_signature.
std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Certificate& certificate);

}  // namespace meshchain::consensus
