#include "chain/held_blocks.h"

#include <gtest/gtest.h>

namespace meshchain::chain {
namespace {

constexpr base::Instant start{std::chrono::hours(1)};
constexpr base::Duration patience = std::chrono::minutes(1);

HeldBlock a_block(std::uint32_t name, std::uint16_t proposer = 0) {
    HeldBlock held{.block = {}, .claimed = {}, .until = start + patience};
    held.block.name = {name};
    held.block.parent = {name + 1000};
    held.block.proposer = {proposer};
    return held;
}

TEST(HeldBlocks, WhoeverForgesOfOneProposer_PushesOutNobodyElses) {
    HeldBlocks held;
    ASSERT_NE(held.hold(a_block(1, 7)), nullptr);
    ASSERT_NE(held.hold(a_block(2, 3)), nullptr);
    for (std::uint32_t i = 100; i < 1100; ++i) held.hold(a_block(i, 3));
    EXPECT_EQ(held.size(), 1U + std::size_t{HeldBlocks::of_proposer_max});
    EXPECT_EQ(held.named({1}).size(), 1U);
    EXPECT_EQ(held.named({2}).size(), 1U) << "nor of the same proposer";
    EXPECT_EQ(held.hold(a_block(1099, 3)), nullptr);
}

TEST(HeldBlocks, AnyNumber_IsLimited_AndWhoCameFirstStays) {
    HeldBlocks held;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        held.hold(a_block(i, static_cast<std::uint16_t>(i % 64)));
    }
    EXPECT_EQ(held.size(), HeldBlocks::blocks_max);
    EXPECT_EQ(held.named({0}).size(), 1U);
    EXPECT_TRUE(held.named({999}).empty());
}

TEST(HeldBlocks, TheSameAgain_IsOne_AndKeepsWhatWasAsked) {
    HeldBlocks held;
    held.hold(a_block(1))->parent_asked = true;
    EXPECT_TRUE(held.hold(a_block(1))->parent_asked);
    HeldBlock changed = a_block(1);
    changed.block.short_ids = {7};
    EXPECT_TRUE(held.hold(changed)->parent_asked) << "what is unsigned makes no other block";
    EXPECT_EQ(held.size(), 1U);
}

TEST(HeldBlocks, OneNameOfTwoSignatures_IsTwo_AndSoAreTwoChildrenOfOneParent) {
    HeldBlocks held;
    held.hold(a_block(1));
    HeldBlock other = a_block(1);
    other.block.signature.bytes[0] = std::byte{1};
    held.hold(other);
    EXPECT_EQ(held.named({1}).size(), 2U);
    EXPECT_EQ(held.children_of({1001}).size(), 2U);
    EXPECT_TRUE(held.children_of({1}).empty());
}

TEST(HeldBlocks, WhatWaitedTooLong_IsForgotten) {
    HeldBlocks held;
    held.hold(a_block(1));
    HeldBlock later = a_block(2);
    later.until += patience;
    held.hold(later);
    const auto taken = held.take(start + patience);
    ASSERT_EQ(taken.size(), 1U);
    EXPECT_EQ(taken[0].block.name, wire::BlockName{2});
    EXPECT_EQ(held.size(), 0U);
}

}  // namespace
}  // namespace meshchain::chain
