#pragma once
// Whether this node's clock may be trusted to sign (PROTOCOL.md P3 "Sign only if"): since start or
// a clock step, other validators with more than 1/3 of stake, or all others if they hold less,
// stated a slot within one of ours. A single validator needs nobody. The owner may hold it back for
// reasons of its own (row A12).
//
// Stake is that of `signers`, the set that signs with us: who has left owes nobody the time.

#include <optional>

#include "consensus/validator_set.h"

namespace meshchain::consensus {

class ClockCheck {
public:
    /// `self` is empty on a node that does not validate.
    explicit ClockCheck(std::optional<wire::ValidatorIndex> self) : self_(self) {}
    /// It took a seat, or left it.
    void set_self(std::optional<wire::ValidatorIndex> self) { self_ = self; }

    void reset() { agreeing_ = 0; }
    /// These seats have other holders now.
    void forget(ValidatorBits seats) { agreeing_ &= ~seats; }
    /// While held it counts as unchecked, whatever others say.
    void hold(bool held) { held_ = held; }
    bool is_held() const { return held_; }
    /// Returns whether this sample was the one that completed the check.
    bool note_sample(const ValidatorSet& signers, wire::ValidatorIndex from, wire::Slot claimed,
                     wire::Slot own);
    bool is_checked(const ValidatorSet& signers) const;
    /// Other signers whose clock did not agree with ours since the start or a step.
    ValidatorBits missing(const ValidatorSet& signers) const {
        return others(signers) & ~agreeing_;
    }

private:
    ValidatorBits others(const ValidatorSet& signers) const;

    std::optional<wire::ValidatorIndex> self_;
    ValidatorBits agreeing_ = 0;
    bool held_ = false;
};

}  // namespace meshchain::consensus
