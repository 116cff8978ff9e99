#pragma once
// Whom this validator hears directly (row A6; PROTOCOL.md P3 Selection): what it states in its
// votes, and what its last votes come to.
//
// Time:   wall time, which may jump: who was heard in what is then the future counts as heard.
// Limits: `votes_max` of its own votes.

#include <array>
#include <deque>

#include "base/time.h"
#include "consensus/validator_set.h"
#include "wire/testimony.h"

namespace meshchain::consensus {

class ReceptionLog {
public:
    /// A chain may go on for long before it finalises.
    static constexpr std::size_t votes_max = 64;

    void note_direct(wire::ValidatorIndex from, base::WallTime now) { last_[from.value] = now; }
    /// Everybody heard within the last `window`.
    ValidatorBits heard(base::WallTime now, base::Milliseconds window) const;
    /// An own vote stated this.
    void note_vote(wire::Round round, ValidatorBits heard);
    /// Of the last rounds up to `final` in which it voted: in how many each was heard.
    wire::Reception counts(wire::Round final) const;
    /// These seats have other holders now.
    void forget(ValidatorBits seats);

private:
    struct Stated {
        wire::Round round;
        ValidatorBits heard = 0;
    };

    std::array<base::WallTime, wire::validators_max> last_{};
    std::deque<Stated> votes_;
};

}  // namespace meshchain::consensus
