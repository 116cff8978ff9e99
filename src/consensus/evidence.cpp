#include "consensus/evidence.h"

namespace meshchain::consensus {
namespace {

bool surrounds(const wire::Vote& outer, const wire::Vote& inner) {
    return precedes(outer.source, inner.source) && inner.round < outer.round;
}

template <class Signed>
bool is_signed(const wire::ChainId& chain, const Signed& message, const crypto::PublicKey& key) {
    return crypto::verify(key, preimage(chain, message, key), message.signature);
}

std::optional<wire::ValidatorIndex> verify(const wire::ChainId& chain,
                                           const ValidatorSet& validators,
                                           const wire::VoteEvidence& votes) {
    const wire::ValidatorIndex guilty = votes.first.validator;
    if (!validators.contains(guilty) || !is_slashable(votes.first, votes.second) ||
        make_evidence(votes.first, votes.second) != votes)
        return std::nullopt;
    const crypto::PublicKey& key = validators[guilty].key;
    const bool proven = is_signed(chain, votes.first, key) && is_signed(chain, votes.second, key);
    return proven ? std::optional(guilty) : std::nullopt;
}

std::optional<wire::ValidatorIndex> verify(const wire::ChainId& chain,
                                           const ValidatorSet& validators,
                                           const wire::BlockEvidence& blocks) {
    const wire::ValidatorIndex guilty = blocks.first.proposer;
    if (!validators.contains(guilty) || blocks.second.proposer != guilty ||
        blocks.first.slot != blocks.second.slot)
        return std::nullopt;
    const crypto::PublicKey& key = validators[guilty].key;
    if (block_hash(chain, blocks.first, key) >= block_hash(chain, blocks.second, key))
        return std::nullopt;
    const bool proven = is_signed(chain, blocks.first, key) && is_signed(chain, blocks.second, key);
    return proven ? std::optional(guilty) : std::nullopt;
}

}  // namespace

bool is_same_statement(const wire::Vote& a, const wire::Vote& b) {
    return a.validator == b.validator && a.round == b.round && a.source == b.source &&
           a.target == b.target;
}

bool is_slashable(const wire::Vote& a, const wire::Vote& b) {
    if (a.validator != b.validator || is_same_statement(a, b)) return false;
    return a.round == b.round || surrounds(a, b) || surrounds(b, a);
}

wire::VoteEvidence make_evidence(const wire::Vote& a, const wire::Vote& b) {
    const bool ascending = a.round != b.round ? a.round < b.round : a.target <= b.target;
    return ascending ? wire::VoteEvidence{a, b} : wire::VoteEvidence{b, a};
}

std::optional<wire::ValidatorIndex> verify_evidence(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Evidence& evidence) {
    return std::visit([&](const auto& kind) { return verify(chain, validators, kind); }, evidence);
}

}  // namespace meshchain::consensus
