#pragma once
// What a validator tells of itself, which nobody can make it say truly: whom it heard, in its
// votes, and once an epoch the secret it was bound to (PROTOCOL.md P3 Epochs, Selection). Without
// one it says both as they are. It is a door because a simulated world has validators that lie (row
// J1, sim/lying_tamper.h); no other program has one.
//
// Ownership: outlives whoever was given it.

#include <cstdint>

#include "consensus/validator_set.h"

namespace meshchain::consensus {

class Witness {
public:
    virtual ~Witness() = default;
    /// What its vote states instead of `heard`, some of `others`: the voters but itself. More than
    /// those is left out, since the vote would be void.
    virtual ValidatorBits states(ValidatorBits heard, ValidatorBits others) = 0;
    /// Whether its blocks of this epoch carry a testimony. Asked at each block that could.
    virtual bool testifies(std::uint32_t epoch) = 0;
};

}  // namespace meshchain::consensus
