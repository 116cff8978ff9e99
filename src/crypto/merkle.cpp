#include "crypto/merkle.h"

#include "base/assert.h"

namespace meshchain::crypto {
namespace {

constexpr std::array leaf_prefix{std::byte{0}};
constexpr std::array node_prefix{std::byte{1}};

Hash node(const Hash& left, const Hash& right) {
    std::array<std::byte, 1 + 2 * Hash::size> bytes;
    bytes[0] = node_prefix[0];
    std::copy(left.bytes.begin(), left.bytes.end(), bytes.begin() + 1);
    std::copy(right.bytes.begin(), right.bytes.end(), bytes.begin() + 1 + Hash::size);
    return hash(bytes);
}

std::vector<Hash> lowest_level(std::span<const Hash> leaves) {
    std::vector<Hash> level;
    level.reserve(leaves.size());
    for (const Hash& leaf : leaves) level.push_back(hash(leaf_prefix, leaf.bytes));
    return level;
}

/// Pairing level by level and promoting the odd one gives RFC 6962's tree: its left subtree is
/// always the largest power of two below the count.
void rise(std::vector<Hash>& level) {
    const std::size_t pairs = level.size() / 2;
    for (std::size_t i = 0; i < pairs; ++i) level[i] = node(level[2 * i], level[2 * i + 1]);
    if (level.size() % 2 != 0) level[pairs] = level.back();
    level.resize(pairs + level.size() % 2);
}

}  // namespace

Hash merkle_root(std::span<const Hash> leaves) {
    if (leaves.empty()) return hash(base::Bytes{});
    std::vector<Hash> level = lowest_level(leaves);
    while (level.size() > 1) rise(level);
    return level.front();
}

std::vector<Hash> merkle_branch(std::span<const Hash> leaves, std::size_t index) {
    MESH_ASSERT(index < leaves.size());
    std::vector<Hash> branch;
    for (std::vector<Hash> level = lowest_level(leaves); level.size() > 1; rise(level)) {
        const std::size_t sibling = index ^ 1;
        if (sibling < level.size()) branch.push_back(level[sibling]);
        index /= 2;
    }
    return branch;
}

std::optional<Hash> merkle_root_by_branch(const Hash& leaf, std::size_t index, std::size_t count,
                                          std::span<const Hash> branch) {
    if (index >= count) return std::nullopt;
    Hash root = hash(leaf_prefix, leaf.bytes);
    for (std::size_t level = count; level > 1; level = (level + 1) / 2) {
        if ((index ^ 1) < level) {
            if (branch.empty()) return std::nullopt;
            root = index % 2 == 0 ? node(root, branch.front()) : node(branch.front(), root);
            branch = branch.subspan(1);
        }
        index /= 2;
    }
    if (!branch.empty()) return std::nullopt;
    return root;
}

}  // namespace meshchain::crypto
