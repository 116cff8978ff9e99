// The file of a node's secrets: damage and loose permissions are refused, whole files come back.

#include "host/node_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "consensus/vote_store.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/node_setup.h"
#include "host/node_store.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

class NodeKeysFile : public testing::Test {
protected:
    SystemEntropy entropy_;
    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "node.keys";
};

TEST_F(NodeKeysFile, EveryTruncation_IsRefused) {
    const Secret whole = encode(generate_keys(entropy_));
    for (std::size_t size = 0; size < whole.bytes().size(); ++size) {
        EXPECT_FALSE(parse_node_keys(whole.bytes().first(size))) << size;
    }
}

TEST_F(NodeKeysFile, EveryFlippedBit_IsRefused) {
    const Secret whole = encode(generate_keys(entropy_));
    for (std::size_t bit = 0; bit < whole.bytes().size() * 8; ++bit) {
        base::Buffer damaged = base::to_buffer(whole.bytes());
        damaged[bit / 8] ^= std::byte(1U << (bit % 8));
        EXPECT_FALSE(parse_node_keys(damaged)) << bit;
    }
}

TEST_F(NodeKeysFile, TrailingByte_IsRefused) {
    base::Buffer longer = base::to_buffer(encode(generate_keys(entropy_)).bytes());
    longer.push_back(std::byte{0});
    EXPECT_FALSE(parse_node_keys(longer));
}

TEST_F(NodeKeysFile, NewerVersion_IsToldApartFromDamage) {
    base::Buffer newer = base::to_buffer(encode(generate_keys(entropy_)).bytes());
    newer[4] = std::byte{2};
    EXPECT_EQ(parse_node_keys(newer).error().code, base::Errc::wrong_version);
}

TEST_F(NodeKeysFile, GoldenBytes_NeverChange) {
    crypto::SigningKey::Seed identity;
    crypto::SigningKey::Seed validating;
    for (std::size_t i = 0; i < identity.size(); ++i) {
        identity[i] = std::byte(i);
        validating[i] = std::byte(32 + i);
    }
    const node::Keys keys{crypto::SigningKey::from_seed(identity),
                          crypto::SigningKey::from_seed(validating)};
    EXPECT_EQ(base::to_hex(encode(keys).bytes()),
              "4d434e4b0101"
              "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
              "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
              "29974667053688ba");
}

TEST_F(NodeKeysFile, FileThatOthersMayRead_IsRefused) {
    ASSERT_TRUE(save_node_keys(generate_keys(entropy_), path_));
    ASSERT_TRUE(load_node_keys(path_));
    ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
    EXPECT_EQ(load_node_keys(path_).error().code, base::Errc::unauthorized);
}

TEST_F(NodeKeysFile, SecondSave_DoesNotEndAnIdentity) {
    const node::Keys first = generate_keys(entropy_);
    ASSERT_TRUE(save_node_keys(first, path_));
    EXPECT_EQ(save_node_keys(generate_keys(entropy_), path_).error().code, base::Errc::exists);
    EXPECT_EQ(load_node_keys(path_)->identity.public_key(), first.identity.public_key());
}

TEST_F(NodeKeysFile, SavedKeys_ComeBackWithAndWithoutValidatingKey) {
    node::Keys keys = generate_keys(entropy_);
    ASSERT_TRUE(save_node_keys(keys, path_));
    auto loaded = load_node_keys(path_);
    ASSERT_TRUE(loaded) << sentence(loaded.error());
    EXPECT_EQ(loaded->identity.public_key(), keys.identity.public_key());
    EXPECT_EQ(loaded->validating->public_key(), keys.validating->public_key());
    keys.validating.reset();
    loaded = parse_node_keys(encode(keys).bytes());
    ASSERT_TRUE(loaded);
    EXPECT_FALSE(loaded->validating);
}

class NewNodeKeys : public testing::TestWithParam<node::StoreEngine> {
protected:
    std::expected<node::Keys, base::Error> make() {
        return load_or_make_keys(folder(), entropy_, config_);
    }
    DataFolder folder() const { return DataFolder(root_.path()); }

    SystemEntropy entropy_;
    TemporaryFolder root_;
    void SetUp() override {
        config_.store_engine = GetParam();
        config_.store_size_mb = 16;
    }

    node::NodeConfig config_;
};

TEST_P(NewNodeKeys, CutShortWhileTheyAreMade_AreMadeAnewWithARecordOfTheirOwn) {
    ASSERT_TRUE(make().has_value());
    // As after a kill between the record and the keys.
    std::filesystem::remove(folder().node_keys());
    std::filesystem::remove(folder().store_marker());
    const auto keys = make();
    ASSERT_TRUE(keys.has_value()) << base::sentence(keys.error());
    const auto store = *open_node_store(folder(), config_, StoreMode::must_exist);
    const auto content = consensus::VoteStore(*store, node::tables::consensus).load();
    ASSERT_TRUE(content.has_value() && content->record.has_value());
    EXPECT_EQ(content->record->key, keys->validating->public_key());
}

TEST_P(NewNodeKeys, WhereNoStoreCanBeMade_AreNotKeptEither) {
    config_.storage_path = "missing/store.db";
    EXPECT_FALSE(make().has_value());
    EXPECT_FALSE(std::filesystem::exists(folder().node_keys()));
    config_.storage_path = "store.db";
    EXPECT_TRUE(make().has_value());
}

INSTANTIATE_TEST_SUITE_P(Engine, NewNodeKeys,
                         testing::Values(node::StoreEngine::sqlite, node::StoreEngine::flashlog),
                         [](const auto& of) {
                             return of.param == node::StoreEngine::sqlite ? "Sqlite" : "FlashLog";
                         });

TEST_F(NodeKeysFile, Folder_IsMadeForItsOwnerAlone) {
    const auto folder = folder_.path() / "a" / "b";
    ASSERT_TRUE(make_folder(folder));
    ASSERT_TRUE(make_folder(folder)) << "again is fine";
    struct stat info{};
    ASSERT_EQ(::stat(folder.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    ASSERT_TRUE(write_file(folder / "file", {}));
    EXPECT_EQ(make_folder(folder / "file").error().code, base::Errc::invalid_argument);
    EXPECT_EQ(make_folder(folder / "file" / "below").error().code, base::Errc::invalid_argument);
}

}  // namespace
}  // namespace meshchain::host
