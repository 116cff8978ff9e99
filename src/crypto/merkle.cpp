#include "crypto/merkle.h"

#include <vector>

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

}  // namespace

Hash merkle_root(std::span<const Hash> leaves) {
    if (leaves.empty()) return hash(base::Bytes{});
    std::vector<Hash> level;
    level.reserve(leaves.size());
    for (const Hash& leaf : leaves) level.push_back(hash(leaf_prefix, leaf.bytes));
    // Pairing level by level and promoting the odd one gives RFC 6962's tree: its left subtree is
    // always the largest power of two below the count.
    while (level.size() > 1) {
        const std::size_t pairs = level.size() / 2;
        for (std::size_t i = 0; i < pairs; ++i) level[i] = node(level[2 * i], level[2 * i + 1]);
        if (level.size() % 2 != 0) level[pairs] = level.back();
        level.resize(pairs + level.size() % 2);
    }
    return level.front();
}

}  // namespace meshchain::crypto
