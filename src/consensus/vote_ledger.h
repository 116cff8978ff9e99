#pragma once
// All votes from the round of FINAL on, and what follows from them: justified and final checkpoints
// (PROTOCOL.md P3 Checkpoint).
//
// (b, k) is justified iff votes S_i → T_i of more than 2/3 of stake have T_i.round = k, S_i
// justified and S_i.block ⪯ b ⪯ T_i.block. It is final iff more than 2/3 voted with source exactly
// (b, k) and target round k + 1, which proves it justified as well. A justified checkpoint stays
// so, whatever is forgotten later; the votes that proved it are pinned.
//
// Time:   none: rounds are numbers here. The engine refuses rounds ahead of the clock.
// Limits: `unpinned_max` votes per validator and round that prove nothing here (a further one only
//         takes the place of one if it counts at once). An honest validator makes one; of an
//         equivocator others may hold in a proof what we do not, and who has dropped a vote is not
//         shown it again, so several are kept, of those with one source for targets of one branch
//         the one that reaches furthest. `rounds_max` rounds: at that limit the lowest round goes
//         first that proves nothing, then the lowest; for a round that would prove a source, the
//         one for which least stake voted.
// Errors: none: votes come in verified by the engine.

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "consensus/block_tree.h"
#include "consensus/epochs.h"
#include "wire/vote.h"

namespace meshchain::consensus {

struct HeldVote {
    wire::Vote vote;
    bool pinned = false;  ///< proves a justified checkpoint
    bool stored = false;  ///< is on disk as such
};

/// Total order for maps; `precedes` of wire is the protocol's order and leaves out the block.
struct CheckpointLess {
    bool operator()(const wire::Checkpoint& a, const wire::Checkpoint& b) const;
};

class VoteLedger {
public:
    /// `epochs` and `tree` outlive the ledger; the tree's root is the block of `final`.
    VoteLedger(const Epochs& epochs, const BlockTree& tree, const wire::Checkpoint& final,
               std::size_t rounds_max);

    /// The held vote of the same validator, round, source and target (heard bitmap and signature
    /// are not compared).
    const wire::Vote* find_same(const wire::Vote& vote) const;
    /// Another vote of the validator that together with `vote` proves it guilty.
    std::optional<wire::VoteEvidence> conflict_with(const wire::Vote& vote) const;
    /// Keeps a verified vote that `find_same` does not know. False where the limits leave no room,
    /// or where a held vote says all that it says.
    /// One from the disk is pinned as the proof it was.
    bool insert(const wire::Vote& vote, bool stored = false);

    /// Draws all conclusions from the votes of this round and of later ones. Returns what became
    /// justified, ascending by round.
    std::vector<wire::Checkpoint> evaluate(wire::Round from);
    /// The lowest round with a vote that names this block.
    std::optional<wire::Round> first_round_naming(const Hash& block) const;
    /// A proof that a checkpoint above FINAL is final, its block known or not; the greatest.
    std::optional<wire::Certificate> find_certificate() const;
    /// The held votes with exactly this source and the next round, of those who count for its
    /// block; one a validator.
    wire::Certificate certificate_for(const wire::Checkpoint& source) const;

    const wire::Checkpoint& final() const { return final_; }
    /// The greatest justified checkpoint.
    const wire::Checkpoint& justified() const { return justified_before(wire::Round{UINT32_MAX}); }
    const wire::Checkpoint& justified_before(wire::Round round) const;
    /// Sources below FINAL count as justified: see docs/decisions/0011.
    bool is_justified(const wire::Checkpoint& checkpoint) const;

    ValidatorBits voters(wire::Round round) const;
    /// Votes of rounds before this one have expired: the last but one in which more than 1/3 of
    /// stake voted, or FINAL's.
    wire::Round oldest_that_counts() const;
    std::vector<wire::Vote> votes(wire::Round round, ValidatorBits of) const;
    /// Rounds at or above FINAL of sources that held votes name and nothing here proves.
    std::vector<wire::Round> unproven_source_rounds() const;
    /// Blocks that held votes name, and the tree does not have: first those that the most stake
    /// names, so that a few validators' made-up names come last.
    std::vector<Hash> unknown_blocks(std::size_t count_max) const;

    /// What the votes of proofs are for.
    std::vector<Hash> pinned_targets() const;
    /// Pinned votes not on disk yet; the caller stores them and says so.
    std::vector<wire::Vote> unstored() const;
    void mark_stored(const wire::Vote& vote);

    /// Moves FINAL up, after the tree was pruned to its block, and forgets the rounds below it.
    void finalise(const wire::Checkpoint& checkpoint);

    /// These seats have other holders now: what their former ones voted counts for nobody.
    void forget(ValidatorBits seats);

    void check_invariants() const;

private:
    using RoundVotes = std::map<wire::ValidatorIndex, std::vector<HeldVote>>;

    static constexpr std::size_t unpinned_max = 8;

    bool is_usable(const wire::Vote& vote) const;
    /// Whether a supports whatever b supports: the same source, and b's target below a's.
    bool covers(const wire::Vote& a, const wire::Vote& b) const;
    bool names_unproven_source(wire::Round round) const;
    bool spans(const HeldVote& held, const BlockNode& block) const;
    ValidatorBits support(const RoundVotes& votes, const BlockNode& block) const;
    bool is_quorum(const wire::Hash& source, ValidatorBits voters) const;
    const BlockNode* greatest_supported(const RoundVotes& votes) const;
    void prove_sources(const RoundVotes& votes, std::vector<wire::Checkpoint>& found);
    bool justify(wire::Round round, RoundVotes& votes, const BlockNode& block,
                 std::vector<wire::Checkpoint>& found);
    bool make_room(wire::Round wanted);

    const Epochs* epochs_;
    const BlockTree* tree_;
    wire::Checkpoint final_;
    std::size_t rounds_max_;
    std::map<wire::Round, RoundVotes> rounds_;
    std::set<wire::Checkpoint, CheckpointLess> proven_;  ///< above FINAL, blocks in the tree
};

}  // namespace meshchain::consensus
