#include "consensus/vote_repair.h"

#include <algorithm>

namespace meshchain::consensus {

void VoteRepair::want(wire::Round round, ValidatorBits voters, base::WallTime due) {
    const auto found = pending_.find(round);
    if (found != pending_.end()) {
        found->second.voters |= voters;
        found->second.due = std::min(found->second.due, due);
        return;
    }
    if (voters == 0 || pending_.size() >= rounds_max) return;
    pending_[round] = {.voters = voters, .due = due};
}

void VoteRepair::note_overheard(wire::Round round, wire::ValidatorIndex voter) {
    const auto found = pending_.find(round);
    if (found == pending_.end()) return;
    found->second.voters &= ~bit(voter);
    if (found->second.voters == 0) pending_.erase(found);
}

std::vector<VoteRepair::Wanted> VoteRepair::take_due(base::WallTime now) {
    std::vector<Wanted> due;
    for (const auto& [round, pending] : pending_) {
        if (pending.due <= now) due.push_back({round, pending.voters});
    }
    for (const Wanted& wanted : due) pending_.erase(wanted.round);
    return due;
}

base::WallTime VoteRepair::next_due() const {
    base::WallTime next = base::never_wall;
    for (const auto& [round, pending] : pending_) next = std::min(next, pending.due);
    return next;
}

void VoteRepair::forget_below(wire::Round round) {
    pending_.erase(pending_.begin(), pending_.lower_bound(round));
}

}  // namespace meshchain::consensus
