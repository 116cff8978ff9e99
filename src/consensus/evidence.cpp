#include "consensus/evidence.h"

namespace meshchain::consensus {

std::optional<wire::ValidatorIndex> verify_evidence(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Evidence& evidence) {
    const wire::ValidatorIndex guilty = wire::accused(evidence);
    if (!validators.contains(guilty)) return std::nullopt;
    const bool proven = wire::convicts(chain, evidence, validators[guilty].key);
    return proven ? std::optional(guilty) : std::nullopt;
}

}  // namespace meshchain::consensus
