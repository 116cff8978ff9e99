#pragma once
// Bookkeeping of lost votes (PROTOCOL.md P3 "Lost votes"): what others asked for, and we will send
// after a random delay unless somebody else does first.
//
// Time:   civil time of the caller; a step of the clock only makes a repair early or late.
// Limits: `rounds_max` rounds; further ones are dropped, the asker repeats.

#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "consensus/validator_set.h"

namespace meshchain::consensus {

class VoteRepair {
public:
    static constexpr std::size_t rounds_max = 64;

    struct Wanted {
        wire::Round round;
        ValidatorBits voters;
    };

    /// Somebody misses these votes; they leave at `due`, or earlier if asked for before.
    void want(wire::Round round, ValidatorBits voters, base::WallTime due);
    /// This vote was heard from somebody else just now.
    void note_overheard(wire::Round round, wire::ValidatorIndex voter);
    std::vector<Wanted> take_due(base::WallTime now);
    base::WallTime next_due() const;

    void forget_below(wire::Round round);

private:
    struct Pending {
        ValidatorBits voters = 0;
        base::WallTime due;
    };
    std::map<wire::Round, Pending> pending_;
};

}  // namespace meshchain::consensus
