#include "consensus/fork_choice.h"

#include "base/assert.h"

namespace meshchain::consensus {

bool ForkChoice::is_newer(const Message& a, const Message& b) {
    if (a.round != b.round) return a.round > b.round;
    if (a.is_block != b.is_block) return a.is_block;
    return a.slot > b.slot;
}

void ForkChoice::note(wire::ValidatorIndex validator, const Message& message) {
    std::optional<Message>& latest = latest_[validator.value];
    if (!latest || is_newer(message, *latest)) latest = message;
}

void ForkChoice::note_vote(const wire::Vote& vote) {
    note(vote.validator,
         {.round = vote.round, .is_block = false, .slot = {}, .block = vote.target});
}

void ForkChoice::note_block(const BlockRef& block, wire::Round round) {
    note(block.proposer,
         {.round = round, .is_block = true, .slot = block.slot, .block = block.hash});
}

void ForkChoice::forget(ValidatorBits seats) {
    for (std::uint16_t i = 0; i < latest_.size(); ++i) {
        if ((seats & bit({i})) != 0) latest_[i].reset();
    }
}

const BlockNode& ForkChoice::head(const BlockTree& tree, const BlockNode& from,
                                  wire::Round oldest_that_counts,
                                  ValidatorBits equivocators) const {
    std::vector<Weight> weights;
    for (std::uint16_t i = 0; i < validators_->size(); ++i) {
        const std::optional<Message>& message = latest_[i];
        if (!message || (equivocators & bit({i})) != 0) continue;
        if (message->round < oldest_that_counts) continue;
        const BlockNode* node = tree.find(message->block);
        if (node == nullptr || !tree.is_ancestor(from, *node)) continue;
        weights.push_back({node, (*validators_)[{i}].stake.units});
    }
    const BlockNode* at = &from;
    while (const BlockNode* next = best_child(tree, *at, weights)) at = next;
    return *at;
}

const BlockNode* ForkChoice::best_child(const BlockTree& tree, const BlockNode& node,
                                        const std::vector<Weight>& weights) const {
    const BlockNode* best = nullptr;
    std::uint64_t best_stake = 0;
    for (const BlockNode* child : node.children) {
        if (child->invalid) continue;
        std::uint64_t stake = 0;
        for (const Weight& weight : weights) {
            if (tree.is_ancestor(*child, *weight.node)) stake += weight.stake;
        }
        const auto wins = [&] {
            if (best == nullptr || stake != best_stake)
                return best == nullptr || stake > best_stake;
            const BlockRef& a = child->ref;
            const BlockRef& b = best->ref;
            if (stake == 0 && a.timely != b.timely) return a.timely;
            return a.rank != b.rank ? a.rank < b.rank : a.hash < b.hash;
        };
        if (wins()) {
            best = child;
            best_stake = stake;
        }
    }
    return best;
}

ValidatorBits ForkChoice::supporters(const BlockTree& tree, const BlockNode& block) const {
    ValidatorBits supporters = 0;
    for (std::uint16_t i = 0; i < validators_->size(); ++i) {
        if (!latest_[i]) continue;
        const BlockNode* node = tree.find(latest_[i]->block);
        if (node != nullptr && tree.is_ancestor(block, *node)) supporters |= bit({i});
    }
    return supporters;
}

}  // namespace meshchain::consensus
