#include "wire/misconduct.h"

namespace meshchain::wire {
namespace {

bool surrounds(const Vote& outer, const Vote& inner) {
    return precedes(outer.source, inner.source) && inner.round < outer.round;
}

template <class Signed>
bool is_signed(const ChainId& chain, const Signed& message, const crypto::PublicKey& key) {
    return crypto::verify(key, preimage(chain, message, key), message.signature);
}

bool judge(const ChainId& chain, const VoteEvidence& votes, const crypto::PublicKey& key) {
    return is_slashable(votes.first, votes.second) &&
           make_evidence(votes.first, votes.second) == votes &&
           is_signed(chain, votes.first, key) && is_signed(chain, votes.second, key);
}

bool judge(const ChainId& chain, const BlockEvidence& blocks, const crypto::PublicKey& key) {
    return blocks.first.proposer == blocks.second.proposer &&
           blocks.first.slot == blocks.second.slot &&
           block_hash(chain, blocks.first, key) < block_hash(chain, blocks.second, key) &&
           is_signed(chain, blocks.first, key) && is_signed(chain, blocks.second, key);
}

}  // namespace

bool is_same_statement(const Vote& a, const Vote& b) {
    return a.validator == b.validator && a.round == b.round && a.source == b.source &&
           a.target == b.target;
}

bool is_slashable(const Vote& a, const Vote& b) {
    if (a.validator != b.validator || is_same_statement(a, b)) return false;
    return a.round == b.round || surrounds(a, b) || surrounds(b, a);
}

VoteEvidence make_evidence(const Vote& a, const Vote& b) {
    const bool ascending = a.round != b.round ? a.round < b.round : a.target <= b.target;
    return ascending ? VoteEvidence{a, b} : VoteEvidence{b, a};
}

ValidatorIndex accused(const Evidence& evidence) {
    if (const auto* votes = std::get_if<VoteEvidence>(&evidence)) return votes->first.validator;
    return std::get<BlockEvidence>(evidence).first.proposer;
}

bool convicts(const ChainId& chain, const Evidence& evidence, const crypto::PublicKey& key) {
    return std::visit([&](const auto& kind) { return judge(chain, kind, key); }, evidence);
}

}  // namespace meshchain::wire
