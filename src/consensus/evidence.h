#pragma once
// What can be slashed (PROTOCOL.md P3): two different votes of one target round, a vote that
// surrounds another, two blocks of one key in one slot.

#include "consensus/validator_set.h"
#include "wire/misconduct.h"

namespace meshchain::consensus {

using wire::is_same_statement;
using wire::is_slashable;
using wire::make_evidence;

/// Whom the evidence proves guilty; nothing if it proves nothing, a signature is wrong, or the two
/// are not in the order of the format, so that one proof has one form.
std::optional<wire::ValidatorIndex> verify_evidence(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Evidence& evidence);

}  // namespace meshchain::consensus
