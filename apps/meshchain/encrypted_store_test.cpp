// A node on an encrypted store, through the real program.

#include <gmock/gmock.h>

#include <csignal>

#include "meshchain/test_running_node.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;

class EncryptedNode : public RunningNode {
protected:
    EncryptedNode() {
        store_ = {"--store",
                  "flashlog",
                  "--store-encryption",
                  "passphrase",
                  "--store-passphrase-file",
                  path("store.passphrase")};
        write_passphrase("what the store is sealed under");
    }
    void write_passphrase(std::string_view passphrase) {
        ASSERT_TRUE(host::write_file(path("store.passphrase"), base::as_bytes(passphrase)));
    }
};

TEST_F(EncryptedNode, KilledAndStartedAgain_HasWhatWasPaid_ButNotUnderAWrongPassphrase) {  // B14
    start();
    ASSERT_EQ(send("7").exit_code, 0);
    const Json before = ask({"status"}).json();
    node_->send_signal(SIGKILL);
    ASSERT_TRUE(node_->wait(10s));
    std::filesystem::remove(root_ / "alice" / "api.address");
    write_passphrase("wrong");
    const Ended refused = start_in_vain();
    EXPECT_THAT(refused.errors, HasSubstr("store.db.key"));
    EXPECT_THAT(refused.errors, HasSubstr("unauthorized"));
    write_passphrase("what the store is sealed under");
    start();
    EXPECT_GE(before.at("final_height"), 1);
    EXPECT_GE(ask({"status"}).json().at("final_height"), before.at("final_height"));
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
}

TEST_F(EncryptedNode, StoreCommands_WorkUnderItsPassphrase) {  // B14, B16
    const auto must = [&](std::vector<std::string> command) {
        const Ended ended = ask(std::move(command));
        EXPECT_EQ(ended.exit_code, 0) << ended.errors;
        return ended.exit_code == 0 ? ended.json() : Json();
    };
    start();
    ASSERT_EQ(send("7").exit_code, 0);
    must({"node", "stop"});
    const Json before = must({"store", "check"});
    EXPECT_EQ(before.at("sound"), true);
    must({"store", "compact"});
    EXPECT_EQ(must({"store", "prune", "--keep", "64"}).at("blocks_pruned"), 0);
    const Json copy = must({"store", "backup", path("copy.db")});
    EXPECT_EQ(copy.at("key_file"), path("copy.db.key"));
    EXPECT_EQ(must({"store", "export", path("export")}).at("tip"), before.at("tip"));

    const Ended in_clear = ask({"store", "import", path("export"), "--engine", "sqlite"});
    EXPECT_EQ(in_clear.exit_code, 1) << "encryption is the flash log's alone";
    EXPECT_EQ(must({"store", "import", path("export")}).at("key_waits"), false);
    EXPECT_TRUE(std::filesystem::exists(root_ / "alice" / "store-2.db.key"));
    EXPECT_EQ(must({"store", "check"}).at("tip"), before.at("tip"));
    start();
    EXPECT_EQ(send("9").exit_code, 0);
    must({"node", "stop"});
    EXPECT_EQ(must({"store", "import", path("copy.db")}).at("key_waits"), true);
    EXPECT_EQ(must({"store", "check"}).at("tip"), before.at("tip"));

    write_passphrase("wrong");
    for (const char* command : {"check", "compact"}) {
        EXPECT_EQ(ask({"store", command}).error_code(), "unauthorized") << command;
    }
    EXPECT_EQ(ask({"store", "export", path("e2")}).error_code(), "unauthorized");
}

TEST_F(EncryptedNode, ChangedPassphrase_IsTheOnlyOne) {  // B14
    ASSERT_TRUE(host::write_file(path("fresh"), base::as_bytes("battery staple")));
    const Ended changed = ask({"node", "passphrase", "--new-passphrase-file", path("fresh")});
    ASSERT_EQ(changed.exit_code, 0) << changed.errors;
    EXPECT_THAT(start_in_vain().errors, HasSubstr("unauthorized"));
    write_passphrase("battery staple");
    start();
}

TEST_F(EncryptedNode, EncryptionWithSqlite_IsRefusedByName) {  // B14
    const Ended refused = run({"node", "keys", "--data", path("other"), "--store-encryption",
                               "device", "--payout", bob_address_});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.errors, HasSubstr("store.encryption"));
    EXPECT_THAT(refused.errors, HasSubstr("flashlog"));
}

}  // namespace
}  // namespace meshchain::app
