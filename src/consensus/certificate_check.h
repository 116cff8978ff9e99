#pragma once
// Whether a certificate proves its checkpoint FINAL (PROTOCOL.md P3): all that a node needs to
// believe which knows the validators and nothing else.

#include "consensus/validator_set.h"
#include "wire/vote.h"

namespace meshchain::consensus {

/// Whether this vote is of a validator of the set and signed by it.
bool is_signed(const wire::ChainId& chain, const ValidatorSet& validators, const wire::Vote& vote);

/// Votes of different validators with more than 2/3 of the stake, all with source exactly
/// `certificate.final` and the round after it as target.
/// Errors: malformed (another source or round, a validator twice or unknown, too little stake),
/// bad_signature.
std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Certificate& certificate);

}  // namespace meshchain::consensus
