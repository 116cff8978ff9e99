// A store under encryption, from its making to a changed passphrase. Hostile cases first: whatever
// is wrong, nothing is lost.

#include "host/store_key.h"

#include <gtest/gtest.h>

#include "host/argon2_kdf.h"
#include "host/file.h"
#include "host/node_store.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using base::Errc;
using node::StoreEncryption;

constexpr auto table = node::node_tables[0].table;

class StoreKeyTest : public testing::Test {
protected:
    StoreKeyTest() {
        config_.store_engine = node::StoreEngine::flashlog;
        config_.store_size_mb = 16;
        config_.store_passphrase_path = "passphrase";
        config_.wallet.device_secret_path = "device.secret";
        write_passphrase("correct horse");
    }
    void write_passphrase(std::string_view passphrase) {
        ASSERT_TRUE(write_file(root_.path() / "passphrase", base::as_bytes(passphrase)));
    }
    auto open(StoreMode mode = StoreMode::create_if_absent) {
        return open_node_store(folder_, config_, mode);
    }
    void make(StoreEncryption encryption) {
        config_.store_encryption = encryption;
        auto store = open();
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        kv::Batch batch;
        batch.put(table, base::as_bytes("key"), base::as_bytes("a value to be hidden"));
        ASSERT_TRUE((*store)->commit(batch));
        ASSERT_TRUE((*store)->close());
    }
    void expect_all_there() {
        auto store = open(StoreMode::must_exist);
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        const auto value = (*store)->get(table, base::as_bytes("key"));
        ASSERT_TRUE(value && *value);
        EXPECT_EQ(base::as_text(**value), "a value to be hidden");
        EXPECT_TRUE((*store)->verify());
    }
    base::Buffer stored() {
        auto content = read_file(folder_.store(config_), 64 << 20);
        EXPECT_TRUE(content.has_value());
        return content.value_or(base::Buffer{});
    }
    Errc refusal() {
        const base::Buffer before = stored();
        Errc code = Errc::timeout;
        for (const StoreMode mode : {StoreMode::create_if_absent, StoreMode::must_exist}) {
            const auto opened = open(mode);
            EXPECT_FALSE(opened.has_value());
            if (opened) return Errc::timeout;
            EXPECT_FALSE(opened.error().advice.empty()) << sentence(opened.error());
            code = opened.error().code;
        }
        EXPECT_TRUE(stored() == before);
        return code;
    }

    TemporaryFolder root_;
    DataFolder folder_{root_.path()};
    node::NodeConfig config_;
};

TEST_F(StoreKeyTest, WrongPassphrase_IsToldAndLosesNothing) {  // B14
    make(StoreEncryption::passphrase);
    write_passphrase("wrong");
    EXPECT_EQ(refusal(), Errc::unauthorized);
    write_passphrase("correct horse");
    expect_all_there();
}

TEST_F(StoreKeyTest, LostOrForeignKey_IsToldAndLosesNothing) {  // B14
    make(StoreEncryption::passphrase);
    const auto key = folder_.store_key(config_);
    const auto content = read_file(key, 4096);
    std::filesystem::remove(key);
    EXPECT_EQ(refusal(), Errc::not_found);
    Argon2Kdf kdf;
    SystemEntropy entropy;
    ASSERT_TRUE(make_store_key({.kdf = kdf, .entropy = entropy, .cost = {1, 8}}, folder_, config_));
    EXPECT_EQ(refusal(), Errc::corrupt);
    ASSERT_TRUE(write_file(key, base::as_bytes("not a key")));
    EXPECT_EQ(refusal(), Errc::malformed);
    ASSERT_TRUE(write_file(key, *content));
    expect_all_there();
}

TEST_F(StoreKeyTest, ConfigurationThatSaysOtherwise_IsToldAndLosesNothing) {  // B14
    make(StoreEncryption::passphrase);
    config_.store_encryption = StoreEncryption::none;
    EXPECT_EQ(refusal(), Errc::invalid_argument);
    config_.store_encryption = StoreEncryption::device;
    EXPECT_EQ(refusal(), Errc::invalid_argument);
    config_.store_engine = node::StoreEngine::sqlite;
    EXPECT_EQ(refusal(), Errc::invalid_argument);
    config_.store_engine = node::StoreEngine::flashlog;
    config_.store_encryption = StoreEncryption::passphrase;
    expect_all_there();
}

TEST_F(StoreKeyTest, StoreInClear_IsNotTakenForAnEncryptedOne) {
    make(StoreEncryption::none);
    config_.store_encryption = StoreEncryption::passphrase;
    EXPECT_EQ(refusal(), Errc::not_found);
    config_.store_encryption = StoreEncryption::none;
    expect_all_there();
}

TEST_F(StoreKeyTest, AnotherDevice_OpensNothing) {  // B14
    make(StoreEncryption::device);
    expect_all_there();
    config_.wallet.device_secret_path = "another.secret";
    EXPECT_EQ(refusal(), Errc::not_found);
    const auto own = read_file(root_.path() / "device.secret", 4096);
    ASSERT_TRUE(own);
    base::Buffer other = *own;
    other.back() ^= std::byte{1};
    ASSERT_TRUE(write_file(root_.path() / "another.secret", other));
    EXPECT_EQ(refusal(), Errc::corrupt);
}

TEST_F(StoreKeyTest, ChangedPassphrase_IsTheOnlyOneAndLeavesTheStoreAsItIs) {  // B14
    make(StoreEncryption::passphrase);
    const base::Buffer before = stored();
    Argon2Kdf kdf;
    SystemEntropy entropy;
    const StoreKeyDoors doors{.kdf = kdf, .entropy = entropy, .cost = {1, 8}};
    const Secret fresh = Secret::copy_of(base::as_bytes("battery staple"));
    write_passphrase("wrong");
    EXPECT_EQ(change_store_passphrase(doors, folder_, config_, fresh).error().code,
              Errc::unauthorized);
    write_passphrase("correct horse");
    ASSERT_TRUE(change_store_passphrase(doors, folder_, config_, fresh));
    EXPECT_TRUE(stored() == before);
    EXPECT_EQ(refusal(), Errc::unauthorized);
    write_passphrase("battery staple");
    expect_all_there();
}

TEST_F(StoreKeyTest, Content_CannotBeFoundInTheFiles) {  // B14
    make(StoreEncryption::passphrase);
    for (const auto& entry : std::filesystem::directory_iterator(root_.path())) {
        const auto content = read_file(entry.path(), 64 << 20);
        ASSERT_TRUE(content);
        EXPECT_EQ(base::as_text(*content).find("to be hidden"), std::string_view::npos)
            << entry.path();
    }
}

}  // namespace
}  // namespace meshchain::host
