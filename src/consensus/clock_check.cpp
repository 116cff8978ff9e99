#include "consensus/clock_check.h"

namespace meshchain::consensus {

ValidatorBits ClockCheck::others(const ValidatorSet& signers) const {
    return self_ ? signers.all() & ~bit(*self_) : signers.all();
}

bool ClockCheck::note_sample(const ValidatorSet& signers, wire::ValidatorIndex from,
                             wire::Slot claimed, wire::Slot own) {
    const std::uint32_t apart =
        claimed > own ? claimed.value - own.value : own.value - claimed.value;
    if (apart > 1 || self_ == from) return false;
    // Those that are not needed today may be when the validators change.
    const bool was_checked = is_checked(signers);
    agreeing_ |= bit(from);
    return !was_checked && is_checked(signers);
}

bool ClockCheck::is_checked(const ValidatorSet& signers) const {
    const ValidatorBits all = others(signers);
    return !held_ &&
           ((agreeing_ & all) == all || signers.is_more_than_third(signers.stake_of(agreeing_)));
}

}  // namespace meshchain::consensus
