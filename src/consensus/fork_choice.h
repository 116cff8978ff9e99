#pragma once
// Which block to build on: from a justified checkpoint, always the child whose subtree has the
// heaviest latest messages (PROTOCOL.md P3 Fork choice).
//
// A validator's latest message is its newest vote (for the target) or block; each counts once,
// equivocators not at all, and none from two rounds or more behind the highest round in which
// more than 1/3 of stake voted. Ties go to the lower rank, then the lower hash. A late block
// loses only against a timely one that nobody supports either.

#include <array>
#include <optional>

#include "consensus/block_tree.h"
#include "consensus/validator_set.h"
#include "wire/vote.h"

namespace meshchain::consensus {

class ForkChoice {
public:
    explicit ForkChoice(const ValidatorSet& validators) : validators_(&validators) {}

    void note_vote(const wire::Vote& vote);
    void note_block(const BlockRef& block, wire::Round round);
    /// These seats have other holders now.
    void forget(ValidatorBits seats);

    /// The head above `from`, a block of `tree`. Messages of rounds before `oldest_that_counts`
    /// have expired.
    const BlockNode& head(const BlockTree& tree, const BlockNode& from,
                          wire::Round oldest_that_counts, ValidatorBits equivocators) const;

    /// Who built on or voted for this block or a descendant, by latest message, expired or not.
    ValidatorBits supporters(const BlockTree& tree, const BlockNode& block) const;

private:
    struct Message {
        wire::Round round;
        bool is_block = false;  ///< of one round, the block is newer: votes leave at its start
        wire::Slot slot;
        Hash block;
    };
    struct Weight {
        const BlockNode* node;
        std::uint64_t stake;
    };

    static bool is_newer(const Message& a, const Message& b);
    void note(wire::ValidatorIndex validator, const Message& message);
    const BlockNode* best_child(const BlockTree& tree, const BlockNode& node,
                                const std::vector<Weight>& weights) const;

    const ValidatorSet* validators_;
    std::array<std::optional<Message>, wire::validators_max> latest_;
};

}  // namespace meshchain::consensus
