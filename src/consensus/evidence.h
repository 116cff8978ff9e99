#pragma once
// What can be slashed (PROTOCOL.md P3): two different votes of one target round, a vote that
// surrounds another, two blocks of one key in one slot.

#include "consensus/validator_set.h"
#include "wire/vote.h"

namespace meshchain::consensus {

/// Same validator, round, source and target: one vote, whatever its heard bitmap says.
bool is_same_statement(const wire::Vote& a, const wire::Vote& b);
/// Whether no honest key signs both.
bool is_slashable(const wire::Vote& a, const wire::Vote& b);
/// In the order the evidence format asks for.
wire::VoteEvidence make_evidence(const wire::Vote& a, const wire::Vote& b);

/// Whom the evidence proves guilty; nothing if it proves nothing, a signature is wrong, or the two
/// are not in the order of the format, so that one proof has one form.
std::optional<wire::ValidatorIndex> verify_evidence(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Evidence& evidence);

}  // namespace meshchain::consensus
