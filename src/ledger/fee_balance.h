#pragma once
// What a validator has earned, as the state that blocks commit to holds it beside the coins
// (PROTOCOL.md P2.3, P2.6).
//
// Format: docs/formats/block.md, State

#include "crypto/set_hash.h"
#include "wire/numbers.h"

namespace meshchain::ledger {

struct FeeBalance {
    wire::ValidatorIndex validator;
    wire::Amount amount;
    friend auto operator<=>(const FeeBalance&, const FeeBalance&) = default;
};

/// H(`mc/fees/1` behind its length ‖ validator ‖ amount): the balance's element of the set hash.
/// The domain keeps it apart from every coin's.
crypto::Hash fee_hash(const FeeBalance& balance);

/// A balance of zero is no element, so that who earned nothing leaves no trace.
void add(const FeeBalance& balance, crypto::SetHash& state);
void remove(const FeeBalance& balance, crypto::SetHash& state);

}  // namespace meshchain::ledger
