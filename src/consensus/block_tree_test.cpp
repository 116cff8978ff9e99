#include "consensus/block_tree.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace meshchain::consensus::test {
namespace {

Hash name(std::uint32_t number) {
    Hash hash;
    for (std::size_t i = 0; i < 4; ++i)
        hash.bytes[i] = static_cast<std::byte>(number >> (24 - 8 * i));
    return hash;
}

BlockRef block(std::uint32_t number, const BlockRef& parent, std::uint32_t slot) {
    BlockRef ref;
    ref.hash = name(number);
    ref.parent = parent.hash;
    ref.slot = {slot};
    ref.height = {parent.height.value + 1};
    return ref;
}

BlockRef root() {
    BlockRef ref;
    ref.hash = name(0);
    return ref;
}

base::Errc error_of(const std::expected<const BlockNode*, base::Error>& result) {
    return result.error().code;
}

TEST(BlockTree, BlockWithoutItsParent_IsRefused) {
    BlockTree tree(root(), 8);
    BlockRef orphan = block(2, block(1, root(), 1), 2);
    EXPECT_EQ(error_of(tree.add(orphan)), base::Errc::not_found);
    EXPECT_EQ(tree.size(), 1U);
}

TEST(BlockTree, SlotOrHeightThatDoesNotFollow_IsRefused) {
    BlockTree tree(root(), 8);
    const BlockRef one = block(1, root(), 5);
    ASSERT_TRUE(tree.add(one).has_value());
    EXPECT_EQ(error_of(tree.add(block(2, one, 5))), base::Errc::malformed);
    BlockRef high = block(3, one, 6);
    high.height.value += 1;
    EXPECT_EQ(error_of(tree.add(high)), base::Errc::malformed);
}

TEST(BlockTree, FullTree_TakesBlocksAgainAfterFinality) {
    BlockTree tree(root(), 3);
    const BlockRef one = block(1, root(), 1);
    const BlockRef two = block(2, one, 2);
    ASSERT_TRUE(tree.add(one).has_value());
    ASSERT_TRUE(tree.add(two).has_value());
    EXPECT_EQ(error_of(tree.add(block(3, two, 3))), base::Errc::full);
    EXPECT_TRUE(tree.add(two).has_value());  // known already
    tree.prune_to(one.hash);
    EXPECT_TRUE(tree.add(block(3, two, 3)).has_value());
    tree.check_invariants();
}

TEST(BlockTree, BlocksOfOneName_AreAllFound) {
    BlockTree tree(root(), 8);
    const BlockRef first = block(7, root(), 1);
    BlockRef second = block(7, root(), 2);
    second.hash.bytes[31] = std::byte{1};
    for (const BlockRef& ref : {first, second, block(8, root(), 3)}) tree.add(ref).value();
    const auto found = tree.named({7});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].hash, first.hash);
    EXPECT_EQ(found[1].hash, second.hash);
    EXPECT_EQ(tree.named({8}).size(), 1U);
    EXPECT_TRUE(tree.named({6}).empty());
    EXPECT_TRUE(tree.named({9}).empty());
}

TEST(BlockTree, InvalidBlock_TaintsWhatIsAboveItAndComesLater) {
    BlockTree tree(root(), 8);
    const BlockRef one = block(1, root(), 1);
    const BlockRef two = block(2, one, 2);
    ASSERT_TRUE(tree.add(one).has_value());
    ASSERT_TRUE(tree.add(two).has_value());
    ASSERT_TRUE(tree.mark_invalid(one.hash));
    ASSERT_TRUE(tree.add(block(3, two, 3)).has_value());
    EXPECT_TRUE(tree.find(name(3))->invalid);
    EXPECT_FALSE(tree.mark_invalid(name(0)));
    tree.check_invariants();
}

TEST(BlockTree, AncestorQueries_AgreeWithWalkingTheParents_AlsoAfterPruning) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        base::Random random(seed);
        BlockTree tree(root(), 400);
        std::vector<BlockRef> blocks{root()};
        const auto grow = [&](std::uint32_t from, std::uint32_t to) {
            for (std::uint32_t i = from; i < to; ++i) {
                const std::size_t recent = std::min<std::size_t>(blocks.size(), 6);
                const BlockRef& parent = blocks[blocks.size() - 1 - random.below(recent)];
                if (!tree.contains(parent.hash)) continue;
                blocks.push_back(
                    block(i, parent,
                          parent.slot.value + 1 + static_cast<std::uint32_t>(random.below(3))));
                ASSERT_TRUE(tree.add(blocks.back()).has_value());
            }
        };
        grow(1, 150);
        tree.prune_to(tree.at_slot(*tree.find(blocks.back().hash), {20}).ref.hash);
        grow(1000, 1100);
        tree.check_invariants();
        const auto walks_to = [](const BlockNode* from, const BlockNode* to) {
            while (from != nullptr && from != to) from = from->parent;
            return from == to;
        };
        for (int i = 0; i < 2000; ++i) {
            const BlockNode* a = tree.find(blocks[random.below(blocks.size())].hash);
            const BlockNode* b = tree.find(blocks[random.below(blocks.size())].hash);
            if (a == nullptr || b == nullptr) continue;
            EXPECT_EQ(tree.is_ancestor(*a, *b), walks_to(b, a));
            const BlockNode& common = tree.common_ancestor(*a, *b);
            EXPECT_TRUE(walks_to(a, &common) && walks_to(b, &common));
            for (const BlockNode* child : common.children)
                EXPECT_FALSE(walks_to(a, child) && walks_to(b, child));
            const wire::Slot limit{static_cast<std::uint32_t>(random.below(200))};
            const BlockNode* at = a;
            while (at->parent != nullptr && at->ref.slot > limit) at = at->parent;
            EXPECT_EQ(&tree.at_slot(*a, limit), at);
        }
    }
}

}  // namespace
}  // namespace meshchain::consensus::test
