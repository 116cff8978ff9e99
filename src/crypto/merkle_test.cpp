#include "crypto/merkle.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/random.h"

namespace meshchain::crypto {
namespace {

Hash leaf(unsigned number) {
    const std::byte byte{static_cast<unsigned char>(number)};
    return hash(base::Bytes(&byte, 1));
}

std::vector<Hash> leaves(std::initializer_list<unsigned> numbers) {
    std::vector<Hash> result;
    for (const unsigned number : numbers) result.push_back(leaf(number));
    return result;
}

base::Buffer join(unsigned prefix, std::initializer_list<Hash> parts) {
    base::Buffer bytes{static_cast<std::byte>(prefix)};
    for (const Hash& part : parts) bytes.insert(bytes.end(), part.bytes.begin(), part.bytes.end());
    return bytes;
}
Hash l(unsigned number) { return hash(join(0, {leaf(number)})); }
Hash n(const Hash& left, const Hash& right) { return hash(join(1, {left, right})); }

TEST(MerkleRoot, DuplicatedLastLeaf_ChangesTheRoot) {  // N-8
    EXPECT_NE(merkle_root(leaves({1, 2, 3})), merkle_root(leaves({1, 2, 3, 3})));
    EXPECT_NE(merkle_root(leaves({1})), merkle_root(leaves({1, 1})));
    EXPECT_NE(merkle_root(leaves({1, 2, 3, 4, 5, 6})),
              merkle_root(leaves({1, 2, 3, 4, 5, 6, 5, 6})));
}

TEST(MerkleRoot, InnerNodesAsLeaves_DoNotGiveTheSameRoot) {
    const std::vector<Hash> inner{n(l(1), l(2)), n(l(3), l(4))};
    EXPECT_NE(merkle_root(inner), merkle_root(leaves({1, 2, 3, 4})));
    EXPECT_NE(merkle_root(leaves({1})), leaf(1));
}

TEST(MerkleRoot, SmallTrees_AreAsByHand) {
    EXPECT_EQ(merkle_root({}), hash(base::Bytes{}));
    EXPECT_EQ(merkle_root(leaves({1})), l(1));
    EXPECT_EQ(merkle_root(leaves({1, 2})), n(l(1), l(2)));
    EXPECT_EQ(merkle_root(leaves({1, 2, 3})), n(n(l(1), l(2)), l(3)));
    EXPECT_EQ(merkle_root(leaves({1, 2, 3, 4, 5})), n(n(n(l(1), l(2)), n(l(3), l(4))), l(5)));
    EXPECT_EQ(merkle_root(leaves({1, 2, 3, 4, 5, 6, 7})),
              n(n(n(l(1), l(2)), n(l(3), l(4))), n(n(l(5), l(6)), l(7))));
}

TEST(MerkleRoot, NoTwoListsOfLeaves_ShareARoot) {
    const std::uint64_t seed = 42;
    base::Random random(seed);
    std::map<Hash, std::vector<Hash>> seen;
    for (int round = 0; round < 4000; ++round) {
        std::vector<Hash> list;
        // Few values and short lists, so that duplicates and near-duplicates abound.
        for (auto size = random.below(10); size > 0; --size) {
            list.push_back(leaf(static_cast<unsigned>(random.below(3))));
        }
        const auto [found, inserted] = seen.try_emplace(merkle_root(list), list);
        ASSERT_TRUE(inserted || found->second == list) << "seed " << seed << " round " << round;
    }
    EXPECT_GT(seen.size(), 1000U);
}

}  // namespace
}  // namespace meshchain::crypto
