#include "consensus/vote_check.h"

namespace meshchain::consensus {

bool is_signed(const wire::ChainId& chain, const ValidatorSet& validators, const wire::Vote& vote) {
    if (!validators.contains(vote.validator)) return false;
    const crypto::PublicKey& key = validators[vote.validator].key;
    return crypto::verify(key, wire::preimage(chain, vote, key), vote.signature);
}

}  // namespace meshchain::consensus
