#include "chain/block_pool.h"

#include <gtest/gtest.h>

namespace meshchain::chain {
namespace {

wire::Hash name_of(std::uint32_t number) {
    wire::Hash hash;
    base::FixedWriter(hash.bytes).u32(number).bytes(std::array<std::byte, 28>{});
    return hash;
}

BlockPool::Entry entry(std::uint32_t parent, std::uint32_t slot) {
    BlockPool::Entry made;
    made.block.header.parent = name_of(parent);
    made.block.header.slot = {slot};
    return made;
}

TEST(BlockPoolTest, WhatIsNotHeld_IsNeitherFoundNorTaken) {
    BlockPool pool;
    EXPECT_EQ(pool.find(name_of(1)), nullptr);
    EXPECT_FALSE(pool.take(name_of(1)).has_value());
    EXPECT_FALSE(pool.contains(name_of(1)));
    EXPECT_TRUE(pool.children(name_of(0)).empty());
}

TEST(BlockPoolTest, WhatIsTaken_IsGone) {
    BlockPool pool;
    pool.add(name_of(1), entry(0, 7));
    ASSERT_NE(pool.find(name_of(1)), nullptr);
    const auto taken = pool.take(name_of(1));
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->block.header.slot, wire::Slot{7});
    EXPECT_FALSE(pool.contains(name_of(1)));
    EXPECT_EQ(pool.size(), 0U);
}

TEST(BlockPoolTest, Children_AreThoseOfThisParentOnly) {
    BlockPool pool;
    pool.add(name_of(1), entry(0, 1));
    pool.add(name_of(2), entry(1, 2));
    pool.add(name_of(3), entry(1, 3));
    pool.add(name_of(4), entry(2, 4));
    EXPECT_EQ(pool.children(name_of(1)), (std::vector{name_of(2), name_of(3)}));
    EXPECT_TRUE(pool.children(name_of(4)).empty());
}

TEST(BlockPoolTest, AFullPool_GivesUpWhatConnectsToNothing_HighestSlotsFirst) {
    BlockPool pool;
    constexpr auto limit = static_cast<std::uint32_t>(BlockPool::blocks_max);
    for (std::uint32_t i = 0; i < limit; ++i) pool.add(name_of(i), entry(9999, 1000 + i));
    pool.mark_connected(name_of(limit - 1));
    pool.add(name_of(limit), entry(9999, 1));
    EXPECT_TRUE(pool.contains(name_of(limit))) << "it may be tried first";
    pool.trim();
    EXPECT_EQ(pool.size(), BlockPool::blocks_max);
    EXPECT_TRUE(pool.contains(name_of(limit))) << "the lowest slot is what is needed next";
    EXPECT_TRUE(pool.contains(name_of(limit - 1))) << "it connects";
    EXPECT_FALSE(pool.contains(name_of(limit - 2))) << "the highest slot that does not";
}

TEST(BlockPoolTest, AFullPoolOfConnectedBlocks_KeepsTheLowest) {
    BlockPool pool;
    constexpr auto limit = static_cast<std::uint32_t>(BlockPool::blocks_max);
    for (std::uint32_t i = 0; i <= limit; ++i) {
        pool.add(name_of(i), entry(9999, i));
        pool.mark_connected(name_of(i));
    }
    pool.trim();
    EXPECT_EQ(pool.size(), BlockPool::blocks_max);
    EXPECT_TRUE(pool.contains(name_of(0)));
    EXPECT_FALSE(pool.contains(name_of(limit)));
}

TEST(BlockPoolTest, TheSameBlockAgainInAFullPool_DisplacesNobody) {
    BlockPool pool;
    constexpr auto limit = static_cast<std::uint32_t>(BlockPool::blocks_max);
    for (std::uint32_t i = 0; i < limit; ++i) pool.add(name_of(i), entry(9999, i));
    pool.add(name_of(5), entry(9999, 5));
    pool.trim();
    EXPECT_EQ(pool.size(), BlockPool::blocks_max);
    EXPECT_TRUE(pool.contains(name_of(0)));
}

TEST(BlockPoolTest, Prune_DropsTheSlotItselfAndAllBefore) {
    BlockPool pool;
    for (std::uint32_t slot = 1; slot <= 5; ++slot) pool.add(name_of(slot), entry(0, slot));
    pool.prune({3});
    EXPECT_EQ(pool.size(), 2U);
    EXPECT_FALSE(pool.contains(name_of(3)));
    EXPECT_TRUE(pool.contains(name_of(4)));
}

}  // namespace
}  // namespace meshchain::chain
