#include "consensus/clock_check.h"

namespace meshchain::consensus {

ClockCheck::ClockCheck(const ValidatorSet& validators, std::optional<wire::ValidatorIndex> self)
    : validators_(&validators), self_(self) {}

ValidatorBits ClockCheck::others() const {
    return self_ ? validators_->all() & ~bit(*self_) : validators_->all();
}

bool ClockCheck::note_sample(wire::ValidatorIndex from, wire::Slot claimed, wire::Slot own) {
    const std::uint32_t apart =
        claimed > own ? claimed.value - own.value : own.value - claimed.value;
    if (apart > 1 || (others() & bit(from)) == 0) return false;
    // Those that are not needed today may be when the validators change.
    const bool was_checked = is_checked();
    agreeing_ |= bit(from);
    return !was_checked && is_checked();
}

bool ClockCheck::is_checked() const {
    return !held_ && ((agreeing_ & others()) == others() ||
                      validators_->is_more_than_third(validators_->stake_of(agreeing_)));
}

}  // namespace meshchain::consensus
