#pragma once
// The blocks from FINAL upward, as references: who follows whom. Bodies are the chain's.
//
// Limits: `capacity` references; a full tree takes no block until finality prunes it. Ancestor
//         queries take O(log depth) steps.
// Errors: a block that does not fit is an Error; asking about unknown hashes yields nothing.

#include <expected>
#include <map>
#include <vector>

#include "base/error.h"
#include "wire/block.h"

namespace meshchain::consensus {

using Hash = crypto::Hash;

struct BlockRef {
    Hash hash;
    Hash parent;
    wire::Height height;
    wire::Slot slot;
    std::uint8_t rank = 0;
    wire::ValidatorIndex proposer;
    std::uint32_t epoch = 0;
    bool timely = false;    ///< received before the next rank's time
    bool executed = false;  ///< it is valid, and on the chain that the owner has applied
};

/// A block in the tree. Nodes stay where they are until they are pruned.
struct BlockNode {
    BlockRef ref;
    const BlockNode* parent = nullptr;  ///< null for the root
    const BlockNode* jump = nullptr;    ///< an ancestor further up, for logarithmic queries
    std::uint32_t depth = 0;            ///< distance from the root of a never pruned tree
    bool invalid = false;               ///< it or an ancestor failed execution
    std::vector<BlockNode*> children;
};

class BlockTree {
public:
    BlockTree(const BlockRef& root, std::size_t capacity);
    BlockTree(const BlockTree&) = delete;
    BlockTree& operator=(const BlockTree&) = delete;

    const BlockNode& root() const { return *root_; }
    const BlockNode* find(const Hash& hash) const;
    /// Those whose hash begins so.
    std::vector<BlockRef> named(wire::BlockName name) const;
    bool contains(const Hash& hash) const { return find(hash) != nullptr; }
    std::size_t size() const { return nodes_.size(); }
    bool is_full() const { return size() >= capacity_; }

    /// Adding a block again changes nothing.
    /// Errors: not_found (parent unknown), malformed (slot, height or epoch does not follow the
    /// parent), full.
    std::expected<const BlockNode*, base::Error> add(const BlockRef& block);
    /// False for an unknown block.
    bool mark_executed(const Hash& hash, bool executed);
    /// Marks the whole subtree; the root cannot be marked. False for an unknown block.
    bool mark_invalid(const Hash& hash);

    /// Takes the marks back from the block, its ancestors and all that descends from it.
    void clear_invalid(const Hash& hash);

    /// a ⪯ b.
    bool is_ancestor(const BlockNode& a, const BlockNode& b) const;
    const BlockNode& ancestor_at(const BlockNode& node, std::uint32_t depth) const;
    const BlockNode& common_ancestor(const BlockNode& a, const BlockNode& b) const;
    /// The highest ancestor-or-self with at most this slot, or the root.
    const BlockNode& at_slot(const BlockNode& node, wire::Slot slot) const;

    /// Makes `hash`, a known block, the root; all that does not descend from it is forgotten.
    void prune_to(const Hash& hash);
    /// Forgets everything; used when finality jumps beyond what is known.
    void reset(const BlockRef& root);

    void check_invariants() const;

private:
    void link(BlockNode& node, BlockNode& parent);
    void erase_subtree(BlockNode& node, const BlockNode* spared);

    std::map<Hash, BlockNode> nodes_;
    BlockNode* root_ = nullptr;
    std::size_t capacity_;
};

}  // namespace meshchain::consensus
