#pragma once
// A successor to a chain that lost its quorum for good (row A13): a genesis that hands out exactly
// the money of its predecessor's last FINAL state, and the signatures of those who go on with it.
//
// Every owner gets one allocation: the sum of his coins, of the fee balances that are paid out to
// him, and of the stake that is released to him. Who stays a validator was one before, and keeps at
// most his stake; the rest of it, and the whole stake of those who are gone, is released to the
// payout key. So the supply stays what it was.
//
// Nothing makes one by itself: people do, with `meshchain genesis new`.
//
// Limits: genesis_allocations_max owners.
// Errors: invalid_argument, too_large, conflict (not the predecessor's final state), those of
//         `validate`.
// Format: docs/formats/genesis.md

#include <map>

#include "crypto/signature.h"
#include "ledger/genesis.h"

namespace meshchain::ledger {

/// Whose money there is after a FINAL block.
struct FinalState {
    Predecessor at;
    std::map<crypto::PublicKey, wire::Amount> coins;  ///< by owner
    std::map<wire::ValidatorIndex, wire::Amount> fees;
};

/// What those who go on decide; the rest follows from the predecessor.
struct SuccessorPlan {
    base::WallTime start{};
    std::vector<GenesisValidator> validators;
    std::optional<wire::Hash> seed;  ///< derived from the rest unless given
};

std::expected<Genesis, base::Error> make_successor(const Genesis& old, const FinalState& state,
                                                   const SuccessorPlan& plan);
/// Whether `next` hands out exactly what `old` had at `state`. Its times and limits are for its
/// signers to judge.
std::expected<void, base::Error> check_successor(const Genesis& next, const Genesis& old,
                                                 const FinalState& state);

/// A genesis on its way from hand to hand, and the signatures of its validators' identity keys
/// over `mc/succ/1` ‖ its chain id. They are not part of the chain: the order of signing must not
/// change its id.
struct SuccessorDraft {
    Genesis genesis;
    std::map<wire::ValidatorIndex, crypto::Signature> approvals;
    friend bool operator==(const SuccessorDraft&, const SuccessorDraft&) = default;
};
base::Buffer encode(const SuccessorDraft& draft);
/// Verifies the signatures it holds. Errors: malformed, wrong_version, bad_signature, those of
/// parse_genesis; invalid_argument (a genesis without predecessor).
std::expected<SuccessorDraft, base::Error> parse_successor_draft(base::Bytes bytes);

/// Errors: unauthorized (no validator of the draft has this identity).
std::expected<void, base::Error> approve(SuccessorDraft& draft, const crypto::SigningKey& identity);
/// All validators have signed.
bool is_approved(const SuccessorDraft& draft);
/// Takes over the other's signatures. Errors: conflict (another chain).
std::expected<void, base::Error> merge(SuccessorDraft& draft, const SuccessorDraft& other);

}  // namespace meshchain::ledger
