// Pruning the store of a stopped node, with either engine on a real disk.

#include "host/store_pruning.h"

#include <gtest/gtest.h>

#include "chain/test_long_chain.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/node_store.h"
#include "host/temporary_folder.h"
#include "ledger/test_payments.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

class StorePruning : public testing::TestWithParam<node::StoreEngine> {
protected:
    static constexpr std::uint32_t blocks = 120;

    void SetUp() override {
        config_.store_engine = GetParam();
        config_.store_size_mb = 16;
        ASSERT_TRUE(save_config(config_, folder().config()));
        ASSERT_TRUE(write_file(folder().genesis(), ledger::encode(genesis_)));
    }
    DataFolder folder() const { return DataFolder(root_.path()); }
    std::unique_ptr<kv::Store> open() {
        return *open_node_store(folder(), config_, StoreMode::create_if_absent);
    }
    void make_chain() {
        const auto store = open();
        const ledger::test::KeyRing keys(3);
        const chain::test::LongChain made(
            *store, genesis_, [&](const auto& key) { return keys(key); },
            {.blocks = blocks, .final_every = 40, .consensus_table = node::tables::consensus});
        ASSERT_TRUE(store->close());
    }

    TemporaryFolder root_;
    node::NodeConfig config_;
    ledger::Genesis genesis_ = ledger::test::genesis_with(3, 8, 100'000);
};

TEST_P(StorePruning, OldBlocks_AreGone_AndTheChainIsAsItWas) {
    make_chain();
    const auto pruned = prune_store(root_.path(), 70);
    ASSERT_TRUE(pruned.has_value()) << base::sentence(pruned.error());
    EXPECT_EQ(pruned->blocks, 50U);
    EXPECT_EQ(pruned->history_start.value, 50U);
    EXPECT_EQ(prune_store(root_.path(), 70)->blocks, 0U);
    const auto store = open();
    EXPECT_TRUE(store->verify().has_value());
    const auto chain = *chain::ChainStore::open(*store, genesis_);
    EXPECT_EQ(chain->tip().height.value, blocks);
    EXPECT_EQ(chain->base().height.value, 50U);
    EXPECT_EQ(store->count(chain::tables::blocks).value(), 70U);
    const auto hash = chain->hash_at({51}).value();
    EXPECT_TRUE(chain->block(*hash).value().has_value());
}

TEST_P(StorePruning, WhatIsNotFinalOrInUse_IsLeftAlone) {
    {
        const auto store = open();
        ASSERT_TRUE(chain::ChainStore::open(*store, genesis_).has_value());
        ASSERT_TRUE(store->close());
    }
    EXPECT_EQ(prune_store(root_.path(), 70).error().code, base::Errc::not_found);
    const auto lock = FileLock::acquire(root_.path());
    ASSERT_TRUE(lock.has_value());
    EXPECT_EQ(prune_store(root_.path(), 70).error().code, base::Errc::locked);
}

INSTANTIATE_TEST_SUITE_P(Engines, StorePruning,
                         testing::Values(node::StoreEngine::sqlite, node::StoreEngine::flashlog),
                         [](const auto& engine) {
                             return engine.param == node::StoreEngine::sqlite ? "Sqlite"
                                                                              : "FlashLog";
                         });

}  // namespace
}  // namespace meshchain::host
