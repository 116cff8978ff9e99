#include "consensus/proposal_log.h"

namespace meshchain::consensus {

std::optional<wire::BlockEvidence> ProposalLog::note(const wire::BlockHeader& header,
                                                     const crypto::Hash& hash) {
    const Key key{header.slot, header.proposer};
    const auto found = seen_.find(key);
    if (found == seen_.end()) {
        if (seen_.size() >= capacity_) seen_.erase(seen_.begin());
        seen_[key] = {.header = header, .hash = hash};
        return std::nullopt;
    }
    Seen& seen = found->second;
    if (seen.hash == hash || seen.blocks > 1) return std::nullopt;
    seen.blocks = 2;
    return hash < seen.hash ? wire::BlockEvidence{header, seen.header}
                            : wire::BlockEvidence{seen.header, header};
}

const ProposalLog::Seen* ProposalLog::find(wire::Slot slot, wire::ValidatorIndex proposer) const {
    const auto found = seen_.find({slot, proposer});
    return found == seen_.end() ? nullptr : &found->second;
}

void ProposalLog::forget_through(wire::Slot slot) {
    seen_.erase(seen_.begin(), seen_.upper_bound({slot, {UINT16_MAX}}));
}

}  // namespace meshchain::consensus
