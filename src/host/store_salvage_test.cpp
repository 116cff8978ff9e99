// A damaged store, and what `store salvage` makes of it: never a wrong value, never a key that
// signs again what it may have signed.

#include "host/store_salvage.h"

#include "base/test_effort.h"
#include "consensus/vote_store.h"
#include "host/chain_audit.h"
#include "host/node_keys.h"
#include "host/test_stopped_node.h"

namespace meshchain::host {
namespace {

using Kind = chain::SalvagedChain::Kind;

class StoreSalvageTest : public StoppedNode {
protected:
    void SetUp() override {
        StoppedNode::SetUp();
        const auto store = open(StoreMode::must_exist);
        ASSERT_TRUE(consensus::VoteStore::create(*store, node::tables::consensus, key_));
        ASSERT_TRUE(store->close());
    }
    std::unique_ptr<kv::Store> open(StoreMode mode) {
        return *open_node_store(DataFolder(origin()), *load_config(DataFolder(origin()).config()),
                                mode);
    }
    void use_flash_log() {
        const ImportOptions flash{.engine = node::StoreEngine::flashlog, .size_mb = 16};
        ASSERT_TRUE(export_store(origin(), elsewhere_.path() / "with record").has_value());
        ASSERT_TRUE(import_store(origin(), elsewhere_.path() / "with record", flash).has_value());
    }
    /// Flips bits in so many of the bytes that are not zero, behind the first `spared`.
    static void damage(const fs::path& file, std::size_t count, std::uint64_t seed,
                       std::size_t spared) {
        base::Buffer bytes = *read_file(file, std::size_t{1} << 30);
        base::Random random(seed);
        while (count > 0) {
            std::byte& byte = bytes[spared + random.below(bytes.size() - spared)];
            if (byte == std::byte{0}) continue;
            byte ^= static_cast<std::byte>(1U << random.below(8));
            --count;
        }
        ASSERT_TRUE(write_file(file, bytes).has_value());
    }
    /// Whatever is left passes every rule again, and the key waits.
    static Kind expect_true(const fs::path& root) {
        auto salvaged = salvage_store(root);
        // What is missing is known by the mark alone: the message says what to do.
        if (!salvaged && salvaged.error().code == base::Errc::exists) {
            salvaged = salvage_store(root, {.even_if_sound = true});
        }
        EXPECT_TRUE(salvaged.has_value()) << base::sentence(salvaged.error());
        if (!salvaged) return Kind::lost;
        const auto folder = DataFolder(root);
        const auto config = load_config(folder.config());
        EXPECT_EQ(folder.store(*config), salvaged->path);
        EXPECT_TRUE(fs::exists(salvaged->old_path)) << "the old one is left";
        {
            const auto store = *open_node_store(folder, *config, StoreMode::read_only);
            EXPECT_TRUE(store->verify().has_value());
            const auto votes = consensus::VoteStore(*store, node::tables::consensus).load();
            EXPECT_TRUE(votes.has_value());
            if (votes->record) {
                EXPECT_TRUE(votes->record->waiting && !votes->record->waiting_beyond);
            }
            if (votes->final) {
                EXPECT_LE(votes->final->height, salvaged->chain.tip.height);
            }
        }
        if (salvaged->chain.kind == Kind::lost) return Kind::lost;
        const auto audit = audit_chain(root);
        EXPECT_TRUE(audit.has_value()) << base::sentence(audit.error());
        if (audit) {
            EXPECT_EQ(audit->height, salvaged->chain.tip.height);
        }
        return salvaged->chain.kind;
    }

    const crypto::PublicKey key_ = ledger::test::public_key(77);  // owns nothing
};

TEST_F(StoreSalvageTest, SoundStore_IsLeftAlone) {
    const auto refused = salvage_store(origin());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::exists);
    EXPECT_FALSE(fs::exists(origin() / "store-2.db"));
    ASSERT_NO_FATAL_FAILURE(expect_whole(origin()));
    const auto done = salvage_store(origin(), {.even_if_sound = true});
    ASSERT_TRUE(done.has_value()) << base::sentence(done.error());
    EXPECT_EQ(done->chain.kind, Kind::whole);
    EXPECT_TRUE(done->had_record);
    ASSERT_NO_FATAL_FAILURE(expect_whole(origin()));
}

TEST_F(StoreSalvageTest, BitsFlippedAllOverASqliteFile_LeaveATrueChain) {
    std::map<Kind, int> seen;
    for (std::uint64_t seed = 1; seed <= test::effort(6U, 400U); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const TemporaryFolder folder;
        fs::copy(origin(), folder.path(), fs::copy_options::recursive);
        // The first pages say what tables there are.
        damage(folder.path() / "store.db", 1 + seed * seed % 40, seed, std::size_t{4096} * 4);
        const auto check = check_store(folder.path());
        ASSERT_TRUE(check.has_value());
        if (check->is_sound()) continue;  // where nothing is kept
        if (check->tables.empty()) continue;
        ++seen[expect_true(folder.path())];
    }
    EXPECT_FALSE(seen.empty());
}

TEST_F(StoreSalvageTest, BitsFlippedAllOverAFlashLog_LeaveATrueChain) {
    ASSERT_NO_FATAL_FAILURE(use_flash_log());
    int salvaged = 0;
    for (std::uint64_t seed = 1; seed <= test::effort(6U, 400U); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const TemporaryFolder folder;
        fs::copy(origin(), folder.path(), fs::copy_options::recursive);
        damage(folder.path() / "store-2.db", 1 + seed % 4, seed, 0);
        const auto check = check_store(folder.path());
        ASSERT_TRUE(check.has_value());
        if (check->is_sound()) continue;
        const auto config = load_config(DataFolder(folder.path()).config());
        if (!open_node_store(DataFolder(folder.path()), *config, StoreMode::salvage)) {
            EXPECT_EQ(salvage_store(folder.path()).error().code, base::Errc::corrupt);
            continue;
        }
        static_cast<void>(expect_true(folder.path()));
        ++salvaged;
    }
    EXPECT_GT(salvaged, 0);
}

/// What the key signed cannot be made again: a node without it is one that was restored.
TEST_F(StoreSalvageTest, ALostSigningRecord_MakesTheKeyWait_AndTheChainIsWhole) {
    {
        const auto store = open(StoreMode::must_exist);
        const auto record =
            consensus::VoteStore::read_record(*store, node::tables::consensus).value();
        ASSERT_TRUE(record.has_value() && !record->waiting);
    }
    base::Buffer bytes = *read_file(origin() / "store.db", 1 << 30);
    const base::Bytes name = key_.span();
    const auto at = std::ranges::search(bytes, name);
    ASSERT_FALSE(at.empty());
    *at.begin() ^= std::byte{1};
    ASSERT_TRUE(write_file(origin() / "store.db", bytes).has_value());

    const auto salvaged = salvage_store(origin());
    ASSERT_TRUE(salvaged.has_value()) << base::sentence(salvaged.error());
    EXPECT_FALSE(salvaged->had_record);
    EXPECT_EQ(salvaged->chain.kind, Kind::whole);
    ASSERT_NO_FATAL_FAILURE(expect_whole(origin()));
    const auto store = open(StoreMode::must_exist);
    EXPECT_EQ(consensus::VoteStore::read_record(*store, node::tables::consensus).value(),
              std::nullopt)
        << "such a key waits";
}

TEST_F(StoreSalvageTest, AStoreOfTheOtherEngine_IsLeftAloneAndSaidToBeOne) {
    ASSERT_NO_FATAL_FAILURE(use_flash_log());
    auto config = *load_config(DataFolder(origin()).config());
    config.store_engine = node::StoreEngine::sqlite;
    ASSERT_TRUE(save_config(config, DataFolder(origin()).config()).has_value());
    const auto refused = salvage_store(origin());
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().advice.find("store.engine"), std::string::npos);
    EXPECT_EQ(check_store(origin())->advice, refused.error().advice);
}

TEST_F(StoreSalvageTest, AFileThatIsNoStore_IsLeftAloneAndToldWhatToDo) {
    base::Buffer bytes = *read_file(origin() / "store.db", 1 << 30);
    std::ranges::fill(bytes, std::byte{0x5a});
    ASSERT_TRUE(write_file(origin() / "store.db", bytes).has_value());
    const auto refused = salvage_store(origin());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::corrupt);
    EXPECT_NE(refused.error().advice.find("--accept-empty-store"), std::string::npos);
    EXPECT_FALSE(fs::exists(origin() / "store-2.db"));
}

}  // namespace
}  // namespace meshchain::host
