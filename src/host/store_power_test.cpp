// Power goes in the middle of what an operator does with a store: the folder afterwards has the old
// store or the new one, whole, and the same command then works.

#include <gtest/gtest.h>

#include "base/test_effort.h"
#include "chain/test_long_chain.h"
#include "host/config_json.h"
#include "host/file.h"
#include "host/store_tools.h"
#include "host/temporary_folder.h"
#include "host/test_fault_vfs.h"
#include "ledger/test_payments.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t blocks = 12;

/// A stopped node's folder, and an export of its store.
class StorePowerTest : public testing::Test {
protected:
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

TEST_F(StorePowerTest, CutInAnImport_LeavesTheOldStoreInUseOrTheNewOneWhole) {  // B16
    bool is_done = false;
    for (std::uint64_t cut = 0; !is_done; cut += test::effort(9U, 1U)) {
        SCOPED_TRACE(cut);
        const TemporaryFolder folder;
        const fs::path& root = folder.path();
        fs::copy(origin(), root, fs::copy_options::recursive);
        FaultVfs disk;
        disk.cut_power_after(cut);
        is_done = import_store(root, exported(), {}).has_value();
        base::Random random(cut);
        disk.power_on(random);
        const auto config = load_config(DataFolder(root).config());
        ASSERT_TRUE(config.has_value());
        EXPECT_EQ(config->storage_path, is_done ? "store-2.db" : "store.db");
        ASSERT_NO_FATAL_FAILURE(expect_whole(root));
        const auto again = import_store(root, exported(), {});
        ASSERT_TRUE(again.has_value()) << base::sentence(again.error());
        ASSERT_NO_FATAL_FAILURE(expect_whole(root));
    }
}

TEST_F(StorePowerTest, CutWhileAStoreIsCompacted_LosesNothing) {
    bool is_done = false;
    for (std::uint64_t cut = 0; !is_done; cut += test::effort(9U, 1U)) {
        SCOPED_TRACE(cut);
        const TemporaryFolder folder;
        const fs::path& root = folder.path();
        fs::copy(origin(), root, fs::copy_options::recursive);
        FaultVfs disk;
        disk.cut_power_after(cut);
        is_done = compact_store(root).has_value();
        base::Random random(cut);
        disk.power_on(random);
        ASSERT_NO_FATAL_FAILURE(expect_whole(root));
    }
}

}  // namespace
}  // namespace meshchain::host
