#include "consensus/block_tree.h"

#include <algorithm>
#include <string>

#include "base/assert.h"

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";

}  // namespace

BlockTree::BlockTree(const BlockRef& root, std::size_t capacity) : capacity_(capacity) {
    reset(root);
}

void BlockTree::reset(const BlockRef& root) {
    nodes_.clear();
    root_ = &nodes_[root.hash];
    root_->ref = root;
    root_->jump = root_;
}

const BlockNode* BlockTree::find(const Hash& hash) const {
    const auto found = nodes_.find(hash);
    return found == nodes_.end() ? nullptr : &found->second;
}

std::vector<BlockRef> BlockTree::named(wire::BlockName name) const {
    Hash first;
    base::Buffer prefix;
    base::Writer(prefix).u32(name.value);
    std::ranges::copy(prefix, first.bytes.begin());
    std::vector<BlockRef> found;
    for (auto at = nodes_.lower_bound(first);
         at != nodes_.end() && wire::name_of(at->first) == name; ++at) {
        found.push_back(at->second.ref);
    }
    return found;
}

/// Jump pointers of the skew-binary kind (Myers 1983), as in Bitcoin Core's block index.
void BlockTree::link(BlockNode& node, BlockNode& parent) {
    node.parent = &parent;
    node.depth = parent.depth + 1;
    const BlockNode& next = *parent.jump;
    const bool equal_steps = parent.depth - next.depth == next.depth - next.jump->depth;
    node.jump = equal_steps ? next.jump : &parent;
}

std::expected<const BlockNode*, base::Error> BlockTree::add(const BlockRef& block) {
    if (const BlockNode* known = find(block.hash)) return known;
    const auto parent = nodes_.find(block.parent);
    if (parent == nodes_.end()) {
        return base::failure(base::Errc::not_found, "parent " + to_hex(block.parent) + " unknown",
                             module, "add the parent first");
    }
    BlockNode& above = parent->second;
    const bool epoch_follows =
        block.epoch == above.ref.epoch || block.epoch == above.ref.epoch + std::uint64_t{1};
    if (block.slot <= above.ref.slot || block.height.value != above.ref.height.value + 1 ||
        !epoch_follows) {
        return base::failure(base::Errc::malformed,
                             "slot " + std::to_string(block.slot.value) + ", height " +
                                 std::to_string(block.height.value) + " or epoch " +
                                 std::to_string(block.epoch) + " does not follow the parent",
                             module);
    }
    if (is_full()) {
        return base::failure(base::Errc::full,
                             std::to_string(size()) + " blocks are waiting to become final", module,
                             "wait until more than two thirds of the stake can be heard again");
    }
    BlockNode& node = nodes_[block.hash];
    node.ref = block;
    node.invalid = above.invalid;
    link(node, above);
    above.children.push_back(&node);
    return &node;
}

bool BlockTree::mark_executed(const Hash& hash, bool executed) {
    const auto found = nodes_.find(hash);
    if (found == nodes_.end()) return false;
    found->second.ref.executed = executed;
    return true;
}

bool BlockTree::mark_invalid(const Hash& hash) {
    const auto found = nodes_.find(hash);
    if (found == nodes_.end() || &found->second == root_) return false;
    std::vector<BlockNode*> queue{&found->second};
    while (!queue.empty()) {
        BlockNode* node = queue.back();
        queue.pop_back();
        node->invalid = true;
        queue.insert(queue.end(), node->children.begin(), node->children.end());
    }
    return true;
}

const BlockNode& BlockTree::ancestor_at(const BlockNode& node, std::uint32_t depth) const {
    MESH_ASSERT(depth <= node.depth && depth >= root_->depth);
    const BlockNode* at = &node;
    while (at->depth > depth) at = at->jump->depth >= depth ? at->jump : at->parent;
    return *at;
}

void BlockTree::clear_invalid(const Hash& hash) {
    const auto found = nodes_.find(hash);
    if (found == nodes_.end()) return;
    BlockNode* lowest = &found->second;
    while (lowest->invalid && lowest->parent != nullptr && lowest->parent->invalid) {
        lowest = &nodes_.at(lowest->parent->ref.hash);
    }
    for (const BlockNode* node = &found->second; node != lowest->parent; node = node->parent) {
        nodes_.at(node->ref.hash).invalid = false;
    }
    std::vector<BlockNode*> queue{&found->second};
    while (!queue.empty()) {
        BlockNode* node = queue.back();
        queue.pop_back();
        node->invalid = false;
        queue.insert(queue.end(), node->children.begin(), node->children.end());
    }
}

bool BlockTree::is_ancestor(const BlockNode& a, const BlockNode& b) const {
    return a.depth <= b.depth && &ancestor_at(b, a.depth) == &a;
}

const BlockNode& BlockTree::common_ancestor(const BlockNode& a, const BlockNode& b) const {
    const std::uint32_t depth = std::min(a.depth, b.depth);
    const BlockNode* left = &ancestor_at(a, depth);
    const BlockNode* right = &ancestor_at(b, depth);
    while (left != right) {  // nodes of one depth have jumps of one length
        const bool far = left->jump != right->jump;
        left = far ? left->jump : left->parent;
        right = far ? right->jump : right->parent;
    }
    return *left;
}

const BlockNode& BlockTree::at_slot(const BlockNode& node, wire::Slot slot) const {
    const BlockNode* at = &node;
    while (at != root_ && at->ref.slot > slot) {
        at = at->jump->ref.slot > slot ? at->jump : at->parent;
    }
    return *at;
}

/// Erases `node` and what is above it, except the subtree of `spared`.
void BlockTree::erase_subtree(BlockNode& node, const BlockNode* spared) {
    std::vector<BlockNode*> queue{&node};
    while (!queue.empty()) {
        BlockNode* at = queue.back();
        queue.pop_back();
        if (at == spared) continue;
        queue.insert(queue.end(), at->children.begin(), at->children.end());
        const Hash name = at->ref.hash;
        nodes_.erase(name);
    }
}

void BlockTree::prune_to(const Hash& hash) {
    const auto found = nodes_.find(hash);
    MESH_ASSERT(found != nodes_.end());
    BlockNode* target = &found->second;
    if (target == root_) return;
    erase_subtree(*root_, target);
    root_ = target;
    root_->parent = nullptr;
    root_->jump = root_;
    std::vector<BlockNode*> queue{root_};
    while (!queue.empty()) {  // jumps may have led below the new root
        BlockNode* parent = queue.back();
        queue.pop_back();
        for (BlockNode* child : parent->children) {
            link(*child, *parent);
            queue.push_back(child);
        }
    }
}

void BlockTree::check_invariants() const {
    MESH_ASSERT(root_ != nullptr && root_->parent == nullptr && root_->jump == root_);
    MESH_ASSERT(nodes_.size() <= std::max<std::size_t>(capacity_, 1));
    std::size_t children = 0;
    for (const auto& [hash, node] : nodes_) {
        MESH_ASSERT(node.ref.hash == hash);
        children += node.children.size();
        if (&node == root_) continue;
        MESH_ASSERT(node.parent != nullptr && node.ref.parent == node.parent->ref.hash);
        MESH_ASSERT(node.depth == node.parent->depth + 1);
        MESH_ASSERT(node.ref.slot > node.parent->ref.slot);
        MESH_ASSERT(node.invalid || !node.parent->invalid);
    }
    MESH_ASSERT(children + 1 == nodes_.size());
}

}  // namespace meshchain::consensus
