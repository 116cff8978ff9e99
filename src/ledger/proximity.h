#pragma once
// How far a validator is heard directly, as the others say (row A6; PROTOCOL.md P3 Selection,
// docs/decisions/0134-testimony.md). A pure function of what they said.

#include <span>

#include "wire/testimony.h"

namespace meshchain::ledger {

/// What one of the others says of a validator; who says nothing heard it in no round.
struct Hearer {
    wire::Amount stake;
    std::uint8_t rounds = 0;  ///< of wire::Reception::rounds_max
};

/// 0 … 255: the most rounds that others with more than half of the stake of all the others confirm.
/// So whoever holds less than half of that can neither raise it above what an honest one says, nor
/// press it below.
std::uint8_t proximity(std::span<const Hearer> others);

}  // namespace meshchain::ledger
