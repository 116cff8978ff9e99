#pragma once
// What no honest key signs (PROTOCOL.md P3 Slashable): judged from the messages and the key alone,
// so that the ledger can punish what consensus has found.

#include "wire/vote.h"

namespace meshchain::wire {

/// Same validator, round, source and target: one vote, whatever its heard bitmap says.
bool is_same_statement(const Vote& a, const Vote& b);
/// Whether no honest key signs both.
bool is_slashable(const Vote& a, const Vote& b);
/// In the order the evidence format asks for.
VoteEvidence make_evidence(const Vote& a, const Vote& b);

/// Whom it accuses: the maker of the first message.
ValidatorIndex accused(const Evidence& evidence);
/// Whether it convicts the owner of `key`: both messages are the accused's, slashable together,
/// signed, and in the order of the format, so that one proof has one form.
bool convicts(const ChainId& chain, const Evidence& evidence, const crypto::PublicKey& key);

}  // namespace meshchain::wire
