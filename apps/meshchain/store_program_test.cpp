// What operators do with a store, by the real program: check, compact, back up, move to another
// engine and back (B16).

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "base/random.h"
#include "host/chain_audit.h"
#include "meshchain/test_running_node.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class StoreProgram : public RunningNode {
protected:
    void stop() { ASSERT_EQ(ask({"node", "stop"}).exit_code, 0); }

    /// A chain with a payment, its node stopped.
    void pay_and_stop() {
        start();
        const Ended paid = send("5");
        ASSERT_EQ(paid.exit_code, 0) << paid.errors;
        stop();
    }
    Json must(std::vector<std::string> command) {
        const Ended ended = ask(std::move(command));
        EXPECT_EQ(ended.exit_code, 0) << ended.errors;
        return ended.exit_code == 0 ? ended.json() : Json();
    }
    fs::path file(const std::string& name) const { return root_ / "alice" / name; }
};

TEST_F(StoreProgram, DamagedStore_IsCheckedToTheEndAndNamesTheRemedy) {
    pay_and_stop();
    const Json before = must({"store", "check"});
    EXPECT_EQ(before.at("sound"), true);
    std::string bytes = content(file("store.db"));
    // A coin's owner stands in its value.
    const auto keys = host::parse_json(content(root_ / "alice.json"), "keys");
    const auto owner = wallet::parse_address(keys->at("payout").get<std::string>());
    ASSERT_TRUE(owner);
    const std::size_t at = bytes.find(std::string(base::as_text(owner->span())));
    ASSERT_NE(at, std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    std::ofstream(file("store.db"), std::ios::binary) << bytes;
    const Ended checked = ask({"store", "check"});
    EXPECT_EQ(checked.exit_code, 1);
    const Json report = checked.json();
    EXPECT_EQ(report.at("sound"), false);
    ASSERT_FALSE(report.at("damage").empty());
    EXPECT_EQ(report.at("damage")[0].at("error").at("code"), "corrupt");
    EXPECT_THAT(report.at("advice").get<std::string>(), HasSubstr("meshchain store salvage"));
    // Everything else is still counted.
    std::uint64_t lost = 0;
    for (const auto& [table, count] : before.at("entries").items()) {
        lost += count.get<std::uint64_t>() - report.at("entries").at(table).get<std::uint64_t>();
    }
    EXPECT_GE(lost, 1u);
    EXPECT_LE(lost, 2u);

    const Ended refused = start_in_vain();
    EXPECT_THAT(refused.errors, HasSubstr("meshchain store salvage"));
    const Json salvaged = must({"store", "salvage"});
    EXPECT_EQ(salvaged.at("chain"), "whole") << "the blocks make the coin again";
    EXPECT_EQ(salvaged.at("height"), before.at("height"));
    EXPECT_EQ(salvaged.at("had_signing_record"), true);
    const Json after = must({"store", "check"});
    EXPECT_EQ(after.at("sound"), true);
    EXPECT_EQ(after.at("tip"), before.at("tip"));
    EXPECT_EQ(ask({"store", "salvage"}).error_code(), "exists") << "nothing is damaged now";
    start();
}

/// A second node, which follows alice's.
class TwoStores : public StoreProgram {
protected:
    std::string bob() const { return path("bob"); }
    Json of_bob(std::vector<std::string> command) {
        command.insert(command.end(), {"--data", bob(), "--json"});
        const Ended ended = run(std::move(command));
        return ended.output.empty() ? Json() : ended.json();
    }
    void make_bob() {
        ASSERT_EQ(run({"node", "init", "--genesis", path("g"), "--listen", "127.0.0.1:0",
                       "--no-multicast", "--data", bob()})
                      .exit_code,
                  0);
    }
    /// Runs until it has alice's tip.
    void follow() {
        const std::string log = content(root_ / "node.log");
        const std::size_t at = log.find("127.0.0.1:", log.find("listens on "));
        const host::DataFolder folder(bob());
        auto config = *host::load_config(folder.config());
        config.network.static_peers = {
            *base::parse_link_address(log.substr(at, log.find(',', at) - at))};
        ASSERT_TRUE(host::save_config(config, folder.config()).has_value());
        const auto alices = [&] { return host::ApiClient::of_folder(alice())->get("/v1/status"); };
        auto child = host::ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                                .arguments = {"node", "run", "--data", bob()},
                                                .errors = root_ / "bob.log"});
        ASSERT_TRUE(child) << sentence(child.error());
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        bool is_there = false;
        while (!is_there && std::chrono::steady_clock::now() < deadline && child->running()) {
            const auto client = host::ApiClient::of_folder(bob());
            const auto status =
                client ? client->get("/v1/status") : std::unexpected(client.error());
            is_there = status && status->at("final_block") == alices()->at("final_block") &&
                       status->at("height") > 0;
        }
        EXPECT_TRUE(is_there) << content(root_ / "bob.log");
        of_bob({"node", "stop"});
        child->wait(10s);
    }
};

TEST_F(TwoStores, BitsFlippedAllOverOne_SalvagedAndStarted_HasWhatThePeerHas) {
    start();
    for (const char* amount : {"5", "6", "7"}) ASSERT_EQ(send(amount).exit_code, 0);
    make_bob();
    ASSERT_NO_FATAL_FAILURE(follow());
    std::string bytes = content(root_ / "bob" / "store.db");
    constexpr std::size_t spared = std::size_t{4} * 4096;  // the first pages say what tables are
    base::Random random(7);
    for (int flips = 0; flips < 40;) {
        char& byte = bytes[spared + random.below(bytes.size() - spared)];
        if (byte == 0) continue;
        byte = static_cast<char>(byte ^ (1 << random.below(7)));
        ++flips;
    }
    std::ofstream(root_ / "bob" / "store.db", std::ios::binary) << bytes;
    EXPECT_EQ(of_bob({"store", "check"}).at("sound"), false);
    const Json salvaged = of_bob({"store", "salvage"});
    ASSERT_TRUE(salvaged.contains("chain")) << salvaged.dump();
    ASSERT_EQ(send("8").exit_code, 0);
    ASSERT_NO_FATAL_FAILURE(follow());
    const auto audit = host::audit_chain(root_ / "bob");
    ASSERT_TRUE(audit.has_value()) << sentence(audit.error());
    EXPECT_GE(audit->transactions.size(), 4u);
}

TEST_F(StoreProgram, Import_OfWhatIsNoExport_LeavesTheNodeAsItWas) {
    pay_and_stop();
    const std::string config = content(file("config.json"));
    must({"store", "export", path("e")});
    std::string bytes = content(root_ / "e");
    std::ofstream(root_ / "cut", std::ios::binary) << bytes.substr(0, bytes.size() - 40);
    const Ended cut = ask({"store", "import", path("cut")});
    EXPECT_EQ(cut.exit_code, 1);
    EXPECT_EQ(cut.error_code(), "corrupt");
    const Ended other = ask({"store", "import", path("g")});
    EXPECT_EQ(other.error_code(), "malformed");
    EXPECT_EQ(content(file("config.json")), config);
    EXPECT_FALSE(fs::exists(file("store-2.db")));
    EXPECT_EQ(must({"store", "check"}).at("sound"), true);
}

TEST_F(StoreProgram, Import_WithASizeOutOfRange_IsAUsageError) {
    for (const char* size : {"15", "8192", "x"}) {
        EXPECT_EQ(ask({"store", "import", path("e"), "--size-mb", size}).exit_code, 2) << size;
    }
}

TEST_F(StoreProgram, Import_CutOffByACrash_IsNeverOpenedAndCleanedUpByTheNext) {
    pay_and_stop();
    must({"store", "export", path("e")});
    // What a killed import leaves: a store that no configuration names, and a note of its name.
    std::ofstream(file("store-2.db")) << "half a store";
    std::ofstream(file("store.import")) << "store-2.db";
    const Json imported = must({"store", "import", path("e")});
    EXPECT_EQ(imported.at("file"), file("store-2.db").string());
    EXPECT_FALSE(fs::exists(file("store.import")));
    EXPECT_EQ(must({"store", "check"}).at("sound"), true);
}

TEST_F(StoreProgram, EngineToEngineAndBack_KeepsTheTipAndThePaymentsGoOn) {  // B16
    pay_and_stop();
    const Json sqlite = must({"store", "export", path("1")});
    const Json flash =
        must({"store", "import", path("1"), "--engine", "flashlog", "--size-mb", "16"});
    EXPECT_EQ(flash.at("tip"), sqlite.at("tip"));
    EXPECT_GT(flash.at("height").get<int>(), 0);
    EXPECT_EQ(flash.at("key_waits"), false) << "nothing was signed since";
    const Json checked = must({"store", "check"});
    EXPECT_EQ(checked.at("engine"), "flashlog");
    EXPECT_EQ(checked.at("tip"), sqlite.at("tip"));
    must({"store", "export", path("2")});
    EXPECT_EQ(content(root_ / "1"), content(root_ / "2")) << "the same content, the same bytes";
    must({"store", "compact"});

    start();  // The node goes on with it.
    EXPECT_EQ(ask({"store", "backup", path("b")}).error_code(), "locked");
    EXPECT_EQ(send("7").exit_code, 0);
    stop();
    const Json later = must({"store", "export", path("3")});
    EXPECT_GT(later.at("height"), flash.at("height"));
    const Json back = must({"store", "import", path("3"), "--engine", "sqlite"});
    EXPECT_EQ(back.at("tip"), later.at("tip"));
    EXPECT_EQ(must({"store", "check"}).at("engine"), "sqlite");
    start();
    EXPECT_EQ(send("9").exit_code, 0);
}

TEST_F(StoreProgram, Import_OfAnOlderExport_MakesTheKeyWait) {
    pay_and_stop();
    must({"store", "export", path("old")});
    start();
    EXPECT_EQ(send("7").exit_code, 0);
    stop();
    EXPECT_EQ(must({"store", "import", path("old")}).at("key_waits"), true);
}

TEST_F(StoreProgram, BackupOfARunningNode_IsWholeAndItsKeyWaits) {
    start();
    EXPECT_EQ(send("5").exit_code, 0);
    const Json copy = must({"store", "backup", path("copy.db")});
    EXPECT_GT(copy.at("height").get<int>(), 0);
    EXPECT_EQ(copy.at("key_waits"), true);
    EXPECT_EQ(ask({"store", "backup", path("copy.db")}).error_code(), "exists");
    EXPECT_EQ(ask({"store", "compact"}).exit_code, 4) << "not while the node runs";
    EXPECT_EQ(ask({"store", "import", path("copy.db")}).exit_code, 4);
    stop();
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(file("store.db").string() + end);
    fs::copy_file(path("copy.db"), file("store.db"));
    const Json checked = must({"store", "check"});
    EXPECT_EQ(checked.at("sound"), true);
    EXPECT_EQ(checked.at("tip"), copy.at("tip"));
    must({"store", "compact"});
    EXPECT_EQ(must({"store", "check"}).at("tip"), copy.at("tip"));
}

TEST_F(StoreProgram, BackupAfterACrash_IsRestoredByTheBook) {
    start();
    EXPECT_EQ(send("5").exit_code, 0);
    const Json copy = must({"store", "backup", path("copy.db")});
    EXPECT_EQ(send("7").exit_code, 0);
    node_->send_signal(SIGKILL);  // what it wrote last waits in the log beside the store
    node_->wait(std::chrono::seconds(10));
    const Json restored = must({"store", "import", path("copy.db")});
    EXPECT_EQ(restored.at("tip"), copy.at("tip"));
    EXPECT_EQ(restored.at("key_waits"), true);
    const Json checked = must({"store", "check"});
    EXPECT_EQ(checked.at("sound"), true);
    EXPECT_EQ(checked.at("tip"), copy.at("tip"));
}

}  // namespace
}  // namespace meshchain::app
