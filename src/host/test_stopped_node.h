#pragma once
// A stopped node's folder with a few blocks, and an export of its store. Only test files include
// it.

#include <gtest/gtest.h>

#include "chain/test_long_chain.h"
#include "host/config_json.h"
#include "host/file.h"
#include "host/store_tools.h"
#include "host/temporary_folder.h"
#include "ledger/test_payments.h"
#include "node/tables.h"

namespace meshchain::host {

namespace fs = std::filesystem;

/// A stopped node's folder, and an export of its store.
class StoppedNode : public testing::Test {
protected:
    static constexpr std::uint32_t blocks = 12;

    void SetUp() override {
        ASSERT_TRUE(save_config(config_, DataFolder(origin()).config()));
        ASSERT_TRUE(write_file(DataFolder(origin()).genesis(), ledger::encode(genesis_)));
        const auto store =
            *open_node_store(DataFolder(origin()), config_, StoreMode::create_if_absent);
        const ledger::test::KeyRing keys(3);
        const chain::test::LongChain made(
            *store, genesis_, [&](const auto& key) { return keys(key); },
            {.blocks = blocks, .final_every = 4, .consensus_table = node::tables::consensus});
        ASSERT_TRUE(store->close());
        ASSERT_TRUE(export_store(origin(), exported()).has_value());
    }

    const fs::path& origin() const { return origin_.path(); }
    fs::path exported() const { return elsewhere_.path() / "export"; }
    static void expect_whole(const fs::path& root) {
        const auto check = check_store(root);
        ASSERT_TRUE(check.has_value()) << base::sentence(check.error());
        EXPECT_TRUE(check->is_sound()) << base::sentence(check->damages.at(0).error);
        ASSERT_TRUE(check->tip.has_value());
        EXPECT_EQ(check->tip->height, blocks);
    }

    TemporaryFolder origin_;
    TemporaryFolder elsewhere_;
    node::NodeConfig config_;
    ledger::Genesis genesis_ = ledger::test::genesis_with(3, 8, 100'000);
};

}  // namespace meshchain::host
