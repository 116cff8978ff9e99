#include "consensus/vote_ledger.h"

#include <algorithm>

#include "base/assert.h"
#include "consensus/evidence.h"

namespace meshchain::consensus {
namespace {

/// Greatest slot, then lowest hash: the order among blocks that are justified in one round.
bool is_greater(const BlockNode& a, const BlockNode& b) {
    return a.ref.slot != b.ref.slot ? a.ref.slot > b.ref.slot : a.ref.hash < b.ref.hash;
}

}  // namespace

bool CheckpointLess::operator()(const wire::Checkpoint& a, const wire::Checkpoint& b) const {
    if (precedes(a, b) || precedes(b, a)) return precedes(a, b);
    return a.block < b.block;
}

VoteLedger::VoteLedger(const Epochs& epochs, const BlockTree& tree, const wire::Checkpoint& final,
                       std::size_t rounds_max)
    : epochs_(&epochs), tree_(&tree), final_(final), rounds_max_(rounds_max) {
    MESH_ASSERT(rounds_max > 0);
}

const wire::Vote* VoteLedger::find_same(const wire::Vote& vote) const {
    const auto round = rounds_.find(vote.round);
    if (round == rounds_.end()) return nullptr;
    const auto held = round->second.find(vote.validator);
    if (held == round->second.end()) return nullptr;
    for (const HeldVote& other : held->second) {
        if (is_same_statement(other.vote, vote)) return &other.vote;
    }
    return nullptr;
}

std::optional<wire::VoteEvidence> VoteLedger::conflict_with(const wire::Vote& vote) const {
    for (const auto& [round, votes] : rounds_) {
        const auto held = votes.find(vote.validator);
        if (held == votes.end()) continue;
        for (const HeldVote& other : held->second) {
            if (is_slashable(other.vote, vote)) return make_evidence(other.vote, vote);
        }
    }
    return std::nullopt;
}

bool VoteLedger::make_room(wire::Round wanted) {
    if (rounds_.size() < rounds_max_ || rounds_.contains(wanted)) return true;
    const auto proves_nothing = [](const auto& round) {
        return std::ranges::none_of(round.second, [](const auto& held) {
            return std::ranges::any_of(held.second, &HeldVote::pinned);
        });
    };
    auto victim = std::ranges::find_if(rounds_, proves_nothing);
    if (victim == rounds_.end()) victim = rounds_.begin();
    if (wanted < victim->first) {
        // Whoever votes in many rounds could keep from us what all others build on.
        if (!proves_nothing(*victim) || !names_unproven_source(wanted)) return false;
        const auto stake = [&](const auto& round) {
            return proves_nothing(round) ? epochs_->voters().stake_of(voters(round.first))
                                         : wire::Amount{UINT64_MAX};
        };
        victim = std::ranges::min_element(rounds_, {}, stake);
    }
    rounds_.erase(victim);
    return true;
}

bool VoteLedger::names_unproven_source(wire::Round round) const {
    return std::ranges::any_of(rounds_, [&](const auto& item) {
        return std::ranges::any_of(item.second, [&](const auto& of) {
            return std::ranges::any_of(of.second, [&](const HeldVote& held) {
                return held.vote.source.round == round && !is_justified(held.vote.source);
            });
        });
    });
}

bool VoteLedger::covers(const wire::Vote& a, const wire::Vote& b) const {
    if (a.source != b.source) return false;
    const BlockNode* above = tree_->find(a.target);
    const BlockNode* below = tree_->find(b.target);
    return above != nullptr && below != nullptr && tree_->is_ancestor(*below, *above);
}

bool VoteLedger::insert(const wire::Vote& vote, bool stored) {
    if (vote.round < final_.round || !make_room(vote.round)) return false;
    std::vector<HeldVote>& held = rounds_[vote.round][vote.validator];
    const HeldVote fresh{.vote = vote, .pinned = stored, .stored = stored};
    if (!stored && !held.empty()) {
        if (std::ranges::any_of(held, [&](const auto& one) { return covers(one.vote, vote); })) {
            return false;
        }
        std::erase_if(held, [&](const auto& one) { return !one.pinned && covers(vote, one.vote); });
    }
    const auto unpinned = std::ranges::count(held, false, &HeldVote::pinned);
    if (stored || static_cast<std::size_t>(unpinned) < unpinned_max) {
        held.push_back(fresh);
        return true;
    }
    if (!is_usable(vote)) return false;
    held.erase(std::ranges::find(held, false, &HeldVote::pinned));
    held.push_back(fresh);
    return true;
}

bool VoteLedger::is_justified(const wire::Checkpoint& checkpoint) const {
    return checkpoint == final_ || precedes(checkpoint, final_) || proven_.contains(checkpoint);
}

/// Counts towards justification: a justified source that is an ancestor of a known target. A
/// source below FINAL is no ancestor the tree could show, and needs none (docs/decisions/0011).
bool VoteLedger::is_usable(const wire::Vote& vote) const {
    if (!is_justified(vote.source)) return false;
    const BlockNode* target = tree_->find(vote.target);
    if (target == nullptr) return false;
    const BlockNode* source = tree_->find(vote.source.block);
    return source == nullptr || tree_->is_ancestor(*source, *target);
}

/// Counts towards this block: from a source at or below it to a target at or above it.
bool VoteLedger::spans(const HeldVote& held, const BlockNode& block) const {
    if (!is_usable(held.vote)) return false;
    const BlockNode* source = tree_->find(held.vote.source.block);
    return (source == nullptr || tree_->is_ancestor(*source, block)) &&
           tree_->is_ancestor(block, *tree_->find(held.vote.target));
}

ValidatorBits VoteLedger::support(const RoundVotes& votes, const BlockNode& block) const {
    ValidatorBits voters = 0;
    for (const auto& [validator, held] : votes) {
        const auto is_for = [&](const HeldVote& one) { return spans(one, block); };
        if (std::ranges::any_of(held, is_for)) voters |= bit(validator);
    }
    return voters;
}

/// The greatest block with a quorum is a target, or where the ways to two targets part.
const BlockNode* VoteLedger::greatest_supported(const RoundVotes& votes) const {
    std::set<const BlockNode*> targets;
    ValidatorBits voters = 0;
    for (const auto& [validator, held] : votes) {
        for (const HeldVote& one : held) {
            if (!is_usable(one.vote)) continue;
            targets.insert(tree_->find(one.vote.target));
            voters |= bit(validator);
        }
    }
    if (!epochs_->is_moving() && !epochs_->is_quorum(0, voters)) return nullptr;
    std::set<const BlockNode*> candidates = targets;
    for (const BlockNode* a : targets) {
        for (const BlockNode* b : targets) candidates.insert(&tree_->common_ancestor(*a, *b));
    }
    const BlockNode* best = nullptr;
    for (const BlockNode* candidate : candidates) {
        if (best != nullptr && !is_greater(*candidate, *best)) continue;
        if (epochs_->is_quorum(candidate->ref.epoch, support(votes, *candidate))) best = candidate;
    }
    return best;
}

bool VoteLedger::justify(wire::Round round, RoundVotes& votes, const BlockNode& block,
                         std::vector<wire::Checkpoint>& found) {
    const wire::Checkpoint checkpoint{round, block.ref.slot, block.ref.hash};
    if (!precedes(final_, checkpoint) || !proven_.insert(checkpoint).second) return false;
    // One vote of each validator proves it, so that whoever votes for many things does not fill the
    // store: one for a block that is sure to be here after a restart. Where there is none, all.
    const auto is_safe = [&](const HeldVote& one) {
        const BlockNode* target = tree_->find(one.vote.target);
        return spans(one, block) && target->ref.executed && !target->invalid;
    };
    for (auto& [validator, held] : votes) {
        const auto is_proof = [&](const HeldVote& one) { return one.pinned && is_safe(one); };
        if (std::ranges::any_of(held, is_proof)) continue;
        const auto safe = std::ranges::find_if(held, is_safe);
        for (HeldVote& one : held) {
            const bool is_wanted = safe == held.end() ? spans(one, block) : &one == &*safe;
            one.pinned = one.pinned || is_wanted;
        }
    }
    found.push_back(checkpoint);
    return true;
}

/// A source may be justified without being the greatest of its round here: others had fewer votes.
void VoteLedger::prove_sources(const RoundVotes& votes, std::vector<wire::Checkpoint>& found) {
    for (const auto& [validator, held] : votes) {
        for (const HeldVote& one : held) {
            const wire::Checkpoint& source = one.vote.source;
            if (is_justified(source)) continue;
            const auto round = rounds_.find(source.round);
            const BlockNode* block = tree_->find(source.block);
            if (round == rounds_.end() || block == nullptr || block->ref.slot != source.slot)
                continue;
            if (epochs_->is_quorum(block->ref.epoch, support(round->second, *block)))
                justify(source.round, round->second, *block, found);
        }
    }
}

std::vector<wire::Checkpoint> VoteLedger::evaluate(wire::Round from) {
    std::vector<wire::Checkpoint> found;
    for (auto at = rounds_.lower_bound(from); at != rounds_.end(); ++at) {
        prove_sources(at->second, found);
        const BlockNode* best = greatest_supported(at->second);
        if (best != nullptr) justify(at->first, at->second, *best, found);
    }
    return found;
}

wire::Certificate VoteLedger::certificate_for(const wire::Checkpoint& source) const {
    wire::Certificate certificate{.final = source, .votes = {}};
    const auto round = rounds_.find(wire::Round{source.round.value + 1});
    if (round == rounds_.end()) return certificate;
    const BlockNode* block = tree_->find(source.block);
    const ValidatorBits electors =
        block == nullptr ? epochs_->voters().all() : epochs_->electors(block->ref.epoch);
    for (const auto& [validator, held] : round->second) {
        if ((electors & bit(validator)) == 0) continue;
        const auto exact = std::ranges::find_if(
            held, [&](const HeldVote& one) { return one.vote.source == source; });
        if (exact != held.end()) certificate.votes.push_back(exact->vote);
    }
    return certificate;
}

/// Of a block that is not here the epoch is unknown: it is worth asking for if one is enough.
bool VoteLedger::is_quorum(const wire::Hash& source, ValidatorBits voters) const {
    if (const BlockNode* block = tree_->find(source)) {
        return epochs_->is_quorum(block->ref.epoch, voters);
    }
    const std::uint32_t now = epochs_->now();
    return epochs_->is_quorum(now, voters) ||
           (epochs_->is_moving() && epochs_->is_quorum(now + 1, voters));
}

std::optional<wire::Certificate> VoteLedger::find_certificate() const {
    for (auto at = rounds_.rbegin(); at != rounds_.rend(); ++at) {
        std::set<wire::Checkpoint, CheckpointLess> sources;
        for (const auto& [validator, held] : at->second) {
            for (const HeldVote& one : held) {
                const bool adjacent = one.vote.source.round.value + 1 == at->first.value;
                if (adjacent && precedes(final_, one.vote.source)) sources.insert(one.vote.source);
            }
        }
        for (const wire::Checkpoint& source : sources) {
            wire::Certificate certificate = certificate_for(source);
            ValidatorBits voters = 0;
            for (const wire::Vote& vote : certificate.votes) voters |= bit(vote.validator);
            if (is_quorum(source.block, voters)) return certificate;
        }
    }
    return std::nullopt;
}

std::optional<wire::Round> VoteLedger::first_round_naming(const Hash& block) const {
    for (const auto& [round, votes] : rounds_) {
        for (const auto& [validator, held] : votes) {
            for (const HeldVote& one : held) {
                if (one.vote.target == block || one.vote.source.block == block) return round;
            }
        }
    }
    return std::nullopt;
}

std::vector<Hash> VoteLedger::pinned_targets() const {
    std::set<Hash> targets;
    for (const auto& [round, votes] : rounds_) {
        for (const auto& [validator, held] : votes) {
            for (const HeldVote& one : held) {
                if (one.pinned) targets.insert(one.vote.target);
            }
        }
    }
    return {targets.begin(), targets.end()};
}

const wire::Checkpoint& VoteLedger::justified_before(wire::Round round) const {
    const auto after = proven_.lower_bound(wire::Checkpoint{round, {}, {}});
    return after == proven_.begin() ? final_ : *std::prev(after);
}

ValidatorBits VoteLedger::voters(wire::Round round) const {
    const auto found = rounds_.find(round);
    ValidatorBits voters = 0;
    if (found == rounds_.end()) return voters;
    for (const auto& [validator, held] : found->second) voters |= bit(validator);
    return voters;
}

wire::Round VoteLedger::oldest_that_counts() const {
    const ValidatorSet& all = epochs_->voters();
    int thirds = 0;
    for (auto at = rounds_.rbegin(); at != rounds_.rend(); ++at) {
        if (all.is_more_than_third(all.stake_of(voters(at->first))) && ++thirds == 2)
            return at->first;
    }
    return final_.round;
}

std::vector<wire::Vote> VoteLedger::votes(wire::Round round, ValidatorBits of) const {
    std::vector<wire::Vote> found;
    const auto at = rounds_.find(round);
    if (at == rounds_.end()) return found;
    for (const auto& [validator, held] : at->second) {
        if ((of & bit(validator)) == 0) continue;
        for (const HeldVote& one : held) found.push_back(one.vote);
    }
    return found;
}

std::vector<wire::Round> VoteLedger::unproven_source_rounds() const {
    std::set<wire::Round> rounds;
    for (const auto& [round, votes] : rounds_) {
        for (const auto& [validator, held] : votes) {
            for (const HeldVote& one : held) {
                const wire::Checkpoint& source = one.vote.source;
                if (precedes(final_, source) && !is_justified(source)) rounds.insert(source.round);
            }
        }
    }
    return {rounds.begin(), rounds.end()};
}

std::vector<Hash> VoteLedger::unknown_blocks(std::size_t count_max) const {
    std::map<Hash, ValidatorBits> named;
    for (const auto& [round, votes] : rounds_) {
        for (const auto& [validator, held] : votes) {
            for (const HeldVote& one : held) {
                if (!tree_->contains(one.vote.target)) named[one.vote.target] |= bit(validator);
                const wire::Checkpoint& source = one.vote.source;
                if (precedes(final_, source) && !tree_->contains(source.block)) {
                    named[source.block] |= bit(validator);
                }
            }
        }
    }
    std::vector<std::pair<wire::Amount, Hash>> blocks;
    for (const auto& [block, by] : named) {
        blocks.emplace_back(epochs_->voters().stake_of(by), block);
    }
    std::ranges::stable_sort(blocks, std::ranges::greater{}, &std::pair<wire::Amount, Hash>::first);
    if (blocks.size() > count_max) blocks.resize(count_max);
    std::vector<Hash> result;
    for (const auto& [stake, block] : blocks) result.push_back(block);
    return result;
}

std::vector<wire::Vote> VoteLedger::unstored() const {
    std::vector<wire::Vote> found;
    for (const auto& [round, votes] : rounds_) {
        for (const auto& [validator, held] : votes) {
            for (const HeldVote& one : held) {
                if (one.pinned && !one.stored) found.push_back(one.vote);
            }
        }
    }
    return found;
}

void VoteLedger::mark_stored(const wire::Vote& vote) {
    const auto round = rounds_.find(vote.round);
    if (round == rounds_.end()) return;
    for (HeldVote& one : round->second[vote.validator]) {
        if (one.vote == vote) one.stored = true;
    }
}

void VoteLedger::finalise(const wire::Checkpoint& checkpoint) {
    MESH_ASSERT(precedes(final_, checkpoint) && tree_->root().ref.hash == checkpoint.block);
    final_ = checkpoint;
    // A greater block may be justified in the very round of FINAL: its votes stay.
    rounds_.erase(rounds_.begin(), rounds_.lower_bound(checkpoint.round));
    std::erase_if(proven_, [&](const wire::Checkpoint& proven) {
        return !precedes(final_, proven) || !tree_->contains(proven.block);
    });
}

void VoteLedger::forget(ValidatorBits seats) {
    for (auto& [round, votes] : rounds_) {
        std::erase_if(votes, [&](const auto& item) { return (seats & bit(item.first)) != 0; });
    }
}

void VoteLedger::check_invariants() const {
    MESH_ASSERT(rounds_.size() <= rounds_max_);
    for (const auto& [round, votes] : rounds_) {
        MESH_ASSERT(round >= final_.round);
        for (const auto& [validator, held] : votes) {
            const auto unpinned = std::ranges::count(held, false, &HeldVote::pinned);
            MESH_ASSERT(static_cast<std::size_t>(unpinned) <= unpinned_max);
        }
    }
    for (const wire::Checkpoint& proven : proven_) {
        MESH_ASSERT(precedes(final_, proven));
        const BlockNode* block = tree_->find(proven.block);
        MESH_ASSERT(block != nullptr && block->ref.slot == proven.slot);
    }
}

}  // namespace meshchain::consensus
