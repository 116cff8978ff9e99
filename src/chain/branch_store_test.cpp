#include "chain/branch_store.h"

#include <gtest/gtest.h>

#include "chain/tables.h"
#include "kv/memory_store.h"

namespace meshchain::chain {
namespace {

wire::Hash name_of(std::uint32_t slot) {
    wire::Hash hash;
    hash.bytes[0] = static_cast<std::byte>(slot);
    hash.bytes[1] = static_cast<std::byte>(slot >> 8);
    return hash;
}
wire::Block block_of(std::uint32_t slot) {
    wire::Block block;
    block.header.height = {slot};
    block.header.parent = name_of(slot - 1);
    block.header.slot = {slot};
    return block;
}

class BranchStoreTest : public testing::Test {
protected:
    std::vector<std::uint32_t> stored() {
        std::vector<std::uint32_t> slots;
        const auto loaded = BranchStore(*store_).load();
        EXPECT_TRUE(loaded.has_value());
        for (const auto& [hash, block] : *loaded) {
            EXPECT_EQ(hash, name_of(block.header.slot.value));
            slots.push_back(block.header.slot.value);
        }
        return slots;
    }
    void keep(std::uint32_t slot, bool executed = false) {
        const auto kept = branches_.keep(name_of(slot), block_of(slot), executed);
        EXPECT_TRUE(kept.has_value()) << base::sentence(kept.error());
    }

    std::unique_ptr<kv::Store> store_ =
        *kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(), {chain_tables});
    BranchStore branches_{*store_};
};

TEST_F(BranchStoreTest, WhatIsKept_IsThereAfterAnOpening_LowestFirst) {
    for (const std::uint32_t slot : {9U, 3U, 7U, 3U}) keep(slot);
    EXPECT_EQ(stored(), (std::vector<std::uint32_t>{3, 7, 9}));
    EXPECT_TRUE(branches_.contains(name_of(7)));
    EXPECT_TRUE(branches_.has_child_of(name_of(6)));
    EXPECT_FALSE(branches_.has_child_of(name_of(7)));
}

TEST_F(BranchStoreTest, Final_EndsThoseUpToItsSlot) {
    for (const std::uint32_t slot : {3U, 7U, 9U}) keep(slot);
    ASSERT_TRUE(branches_.prune({7}));
    EXPECT_EQ(stored(), (std::vector<std::uint32_t>{9}));
    EXPECT_FALSE(branches_.contains(name_of(3)));
}

TEST_F(BranchStoreTest, AtTheLimit_WhatIsHigherAndWasNeverExecutedGivesWay) {
    const auto most = static_cast<std::uint32_t>(BranchStore::unproven_max);
    keep(most + 9, true);
    for (std::uint32_t slot = 2; slot < most + 2; ++slot) keep(slot);
    keep(most + 2);
    EXPECT_FALSE(branches_.contains(name_of(most + 2))) << "higher than all";
    keep(1);
    EXPECT_FALSE(branches_.contains(name_of(most + 1)));
    EXPECT_FALSE(branches_.has_child_of(name_of(most)));
    EXPECT_TRUE(branches_.contains(name_of(most + 9))) << "executed";
    const auto slots = stored();
    EXPECT_EQ(slots.size(), most + 1);
    EXPECT_EQ(slots.front(), 1U);
}

TEST_F(BranchStoreTest, WhatWasExecuted_TakesThePlaceOfWhatOthersGave) {
    wire::Block given = block_of(4);
    given.header.rank = 1;
    ASSERT_TRUE(branches_.keep(name_of(4), given, false));
    EXPECT_EQ(branches_.block(name_of(4)).value()->header.rank, 1);
    keep(4, true);
    EXPECT_EQ(branches_.block(name_of(4)).value()->header.rank, 0);
    ASSERT_TRUE(branches_.keep(name_of(4), given, false));
    EXPECT_EQ(branches_.block(name_of(4)).value()->header.rank, 0);
    ASSERT_TRUE(branches_.erase(name_of(4)));
    EXPECT_EQ(branches_.block(name_of(4)).value(), std::nullopt);
    EXPECT_TRUE(stored().empty());
}

TEST_F(BranchStoreTest, ADamagedRow_IsLeftOutAndGoesWithTheNextFinal) {
    keep(5);
    kv::Batch batch;
    batch.put(tables::branches, name_of(6).bytes, base::as_bytes("no block"));
    ASSERT_TRUE(store_->commit(batch));
    EXPECT_EQ(branches_.load()->size(), 1U);
    ASSERT_TRUE(branches_.prune({1}));
    EXPECT_EQ(store_->count(tables::branches), 1U);
    EXPECT_EQ(stored(), (std::vector<std::uint32_t>{5}));
}

}  // namespace
}  // namespace meshchain::chain
