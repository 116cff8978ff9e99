// A real node process and the commands that ask it: what it refuses to start on, what it pays,
// how it ends and what it finds again.

#include <gmock/gmock.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <fstream>

#include "chain/tables.h"
#include "host/api_client.h"
#include "host/chain_audit.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/sqlite_store.h"
#include "meshchain/test_running_node.h"
#include "node/tables.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;

TEST_F(RunningNode, CommandsWithoutANode_EndWithCodeThree) {
    for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                    {"peers"},
                                                    {"blocks"},
                                                    {"wallet", "show"},
                                                    {"wallet", "balance"},
                                                    {"wallet", "history"},
                                                    {"node", "stop"},
                                                    {"tx", std::string(64, '0')},
                                                    {"send", bob_address_, "1"}}) {
        const Ended ended = ask(command);
        EXPECT_EQ(ended.exit_code, 3) << command.front();
        EXPECT_EQ(ended.error_code(), "closed");
    }
}

TEST_F(RunningNode, FolderInUse_IsRefusedWithCodeFour) {
    start();
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"node", "run"}, {"node", "keys"}}) {
        const Ended ended = ask(command);
        EXPECT_EQ(ended.exit_code, 4);
        EXPECT_EQ(ended.error_code(), "locked");
    }
}

TEST_F(RunningNode, TakenPort_IsNamed) {
    boost::asio::io_context io;
    const boost::asio::ip::udp::socket taken(io, {boost::asio::ip::address_v4::loopback(), 0});
    const std::uint16_t port = taken.local_endpoint().port();
    configure([&](node::NodeConfig& c) { c.network.listen = node::ipv4({127, 0, 0, 1}, port); });
    EXPECT_THAT(start_in_vain().errors, HasSubstr(std::to_string(port)));
}

TEST_F(RunningNode, FolderThatCannotBe_IsNamed) {
    const Ended ended = run({"node", "run", "--data", "/dev/null/meshchain"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_THAT(ended.errors, HasSubstr("/dev/null/meshchain"));
    EXPECT_EQ(run({"wallet", "create", "--no-confirm", "--data", "/proc/meshchain",
                   "--passphrase-file", path("passphrase")})
                  .exit_code,
              1);
}

TEST_F(RunningNode, OtherGenesisThanTheStores_IsRefused) {
    start();
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
    const Ended other =
        run({"genesis", "create", "--start", "2021-01-01T00:00:00Z", "--block-time-ms", "200",
             "--validator", path("alice.json"), "--out", path("other")});
    ASSERT_EQ(other.exit_code, 0) << other.errors;
    std::filesystem::rename(root_ / "other", root_ / "alice" / "genesis.bin");
    EXPECT_THAT(start_in_vain().errors, HasSubstr("wrong_chain"));
}

TEST_F(RunningNode, StoreThatIsNone_IsRefusedAndLeftAsItIs) {
    const std::string garbage(8192, 'x');
    ASSERT_TRUE(host::write_file(root_ / "alice" / "store.db", base::as_bytes(garbage)));
    EXPECT_THAT(start_in_vain().errors, HasSubstr("store.db"));
    EXPECT_EQ(content(root_ / "alice" / "store.db"), garbage);
}

TEST_F(RunningNode, WrongNodeId_IsRefused) {
    configure([](node::NodeConfig& c) { c.node_id = crypto::NodeId{}; });
    EXPECT_THAT(start_in_vain().errors, HasSubstr("node_id"));
}

TEST_F(RunningNode, WrongPassphrase_PaysNothing) {
    start();
    ASSERT_TRUE(host::write_file(root_ / "passphrase", base::as_bytes("wrong")));
    const Ended ended = send("10");
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.error_code(), "unauthorized");
    EXPECT_EQ(ask({"wallet", "show"}).json().at("unlocked"), false);
}

TEST_F(RunningNode, PaymentsThatCannotBe_AreRefusedWithReason) {
    start();
    EXPECT_EQ(send("0").error_code(), "invalid_argument");
    EXPECT_EQ(send("100000").error_code(), "full") << "more than there is";
    EXPECT_EQ(ask({"send", "mesh1nobody", "5", "--passphrase-file", path("passphrase")}).exit_code,
              1);
    EXPECT_EQ(send("x").exit_code, 2);
    EXPECT_EQ(send("-18446744073709551606").exit_code, 2) << "not ten";
    EXPECT_EQ(ask({"mempool"}).json().at("transactions"), 0);
}

TEST_F(RunningNode, Payment_BecomesFinalAndIsSeenEverywhere) {
    start();
    const Ended sent = send("250");
    ASSERT_EQ(sent.exit_code, 0) << sent.errors;
    EXPECT_EQ(sent.json().at("certainty"), "FINAL");
    EXPECT_EQ(ask({"wallet", "show"}).json().at("unlocked"), false) << "locked again by itself";
    const std::string txid = sent.json().at("txid");

    const Json status = ask({"status"}).json();
    EXPECT_GE(status.at("final_height"), 1);
    EXPECT_EQ(status.at("supply"), 1100);
    EXPECT_EQ(ask({"tx", txid}).json().at("certainty"), "FINAL");
    const Json block = ask({"blocks", "--from", "1"}).json().at("blocks").at(0);
    EXPECT_EQ(block.at("transactions").at(0), txid);
    const Json entry = ask({"wallet", "history"}).json().at("history").at(0);
    EXPECT_EQ(entry.at("txid"), txid);
    EXPECT_EQ(entry.at("amount"), 250);
    const std::uint64_t fee = entry.at("fee");
    EXPECT_EQ(ask({"wallet", "balance"}).json().at("final"), 1000 - 250 - fee);
    EXPECT_THAT(run({"status", "--data", alice()}).output, HasSubstr("VALIDATING"));
}

TEST_F(RunningNode, WithoutARadio_SaysSo_AndPausesNone) {
    start();
    EXPECT_EQ(ask({"radio", "status"}).json().at("radios"), Json::array());
    const Ended paused = ask({"radio", "pause"});
    EXPECT_EQ(paused.exit_code, 1);
    EXPECT_NE(paused.errors.find("no radio"), std::string::npos) << paused.errors;
}

TEST_F(RunningNode, OneOfTwoRadios_IsPausedByItsNumber) {
    configure([](node::NodeConfig& config) {
        for (const char* nobody : {"127.0.0.1", "127.0.0.2"}) {
            config.radios.push_back({.door = node::TcpRadio{nobody, 1, ""}, .region = {}});
        }
    });
    start();
    const auto paused = [&](std::vector<std::string> command) {
        std::vector<bool> states;
        const Json answer = ask(std::move(command)).json();
        for (const Json& radio : answer.at("radios")) states.push_back(radio.at("paused"));
        return states;
    };
    const Ended third = ask({"radio", "pause", "2"});
    EXPECT_EQ(third.exit_code, 1);
    EXPECT_THAT(third.errors, HasSubstr("there is no radio 2"));
    EXPECT_EQ(ask({"radio", "pause", "-1"}).exit_code, 2);
    EXPECT_EQ(paused({"radio", "status"}), (std::vector<bool>{false, false}));
    EXPECT_EQ(paused({"radio", "pause", "1"}), (std::vector<bool>{false, true}));
    EXPECT_EQ(paused({"radio", "pause"}), (std::vector<bool>{true, true}));
    EXPECT_EQ(paused({"radio", "resume", "0"}), (std::vector<bool>{false, true}));
    EXPECT_EQ(paused({"radio", "resume"}), (std::vector<bool>{false, false}));
    EXPECT_THAT(run({"radio", "status", "--data", alice()}).output,
                HasSubstr("1: tcp 127.0.0.2:1\n"));
    EXPECT_THAT(content(root_ / "node.log"), HasSubstr("tcp 127.0.0.2:1 is paused"));
}

TEST_F(RunningNode, Stop_EndsCleanlyBySignalAndByCommand) {
    start();
    node_->send_signal(SIGTERM);
    EXPECT_EQ(node_->wait(20s), 0);
    EXPECT_FALSE(std::filesystem::exists(root_ / "alice" / "api.token"));
    start();
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
    EXPECT_EQ(node_->wait(20s), 0);
}

TEST_F(RunningNode, KilledNode_ComesBackWithWhatWasPaid) {
    start();
    const Ended sent = send("250");
    ASSERT_EQ(sent.exit_code, 0) << sent.errors;
    const std::string txid = sent.json().at("txid");
    node_->send_signal(SIGKILL);
    EXPECT_EQ(node_->wait(20s), 128 + SIGKILL);
    EXPECT_EQ(ask({"status"}).exit_code, 3) << "its files lie there still";

    start();
    EXPECT_EQ(ask({"tx", txid}).json().at("certainty"), "FINAL");
    ASSERT_EQ(send("100").exit_code, 0);
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
    const auto audit = host::audit_chain(alice());
    ASSERT_TRUE(audit) << sentence(audit.error());
    EXPECT_EQ(audit->transactions.size(), 2u);
    EXPECT_EQ(audit->supply(), 1100u);
    EXPECT_EQ(audit->final_height, audit->height);
}

TEST_F(RunningNode, Audit_FindsACoinThatNoBlockMade) {
    start();
    ASSERT_EQ(send("250").exit_code, 0);
    EXPECT_EQ(host::audit_chain(alice()).error().code, base::Errc::locked);
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
    {
        const auto store =
            host::SqliteStore::open(root_ / "alice" / "store.db", {.tables = node::node_tables});
        ASSERT_TRUE(store);
        base::Buffer coin(crypto::PublicKey::size + 5);
        coin.back() = std::byte{100};
        kv::Batch batch;
        batch.put(chain::tables::coins, wire::encode(wire::Outpoint{}), coin);
        ASSERT_TRUE((*store)->commit(batch));
    }
    const auto audit = host::audit_chain(alice());
    ASSERT_FALSE(audit);
    EXPECT_EQ(audit.error().code, base::Errc::corrupt);
    EXPECT_THAT(audit.error().where, HasSubstr("coins"));
}

TEST_F(RunningNode, Api_ReadsRequestsStrictly) {
    start();
    const auto client = host::ApiClient::of_folder(alice());
    ASSERT_TRUE(client);
    const auto refused = [&](std::string_view target) {
        const auto answer = client->get(target);
        EXPECT_FALSE(answer) << target;
        return answer ? base::Errc::exists : answer.error().code;
    };
    EXPECT_EQ(refused("/v1/blocks/x"), base::Errc::invalid_argument);
    EXPECT_EQ(refused("/v1/blocks/-1"), base::Errc::invalid_argument);
    EXPECT_EQ(refused("/v1/blocks/4294967295"), base::Errc::not_found);
    EXPECT_EQ(refused("/v1/blocks/" + std::string(64, '0')), base::Errc::not_found);
    EXPECT_EQ(refused("/v1/blocks?count=101"), base::Errc::invalid_argument);
    EXPECT_EQ(refused("/v1/blocks?form=1"), base::Errc::invalid_argument);
    EXPECT_EQ(refused("/v1/transactions/00"), base::Errc::malformed);
    const auto refused_post = [&](std::string_view target, const Json& body) {
        const auto answer = client->post(target, body);
        EXPECT_FALSE(answer) << target << " " << host::to_line(body);
        return answer ? base::Errc::exists : answer.error().code;
    };
    EXPECT_EQ(refused_post("/v1/payments", Json::array()), base::Errc::malformed);
    EXPECT_EQ(refused_post("/v1/payments", {{"to", bob_address_}}), base::Errc::malformed);
    EXPECT_EQ(refused_post("/v1/payments", {{"to", bob_address_}, {"amount", 1}, {"amonut", 2}}),
              base::Errc::malformed);
    EXPECT_EQ(refused_post("/v1/payments", {{"to", bob_address_}, {"amount", 1}}),
              base::Errc::unauthorized)
        << "locked";
    EXPECT_EQ(refused_post("/v1/transactions", {{"transaction", "00"}}), base::Errc::wrong_version);
    EXPECT_EQ(refused_post("/v1/transactions", {{"transaction", "0"}}), base::Errc::malformed);
    EXPECT_EQ(refused_post("/v1/wallet/unlock", {{"passphrase", 5}}), base::Errc::malformed);
    EXPECT_EQ(client->get("/v1/transactions/" + std::string(64, '0'))->at("certainty"), "UNKNOWN");
}

}  // namespace
}  // namespace meshchain::app
