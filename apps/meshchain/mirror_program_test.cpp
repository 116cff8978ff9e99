// Alarms and payments as plain texts on the air of simulated radios, by nodes of the real program.

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "host/api_client.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/local_chain.h"
#include "host/stream_door.h"
#include "host/system_entropy.h"
#include "meshchain/test_program.h"

namespace meshchain::app {
namespace {

using host::ChildProcess;
using testing::ElementsAre;
using testing::HasSubstr;

/// Two nodes on a LAN, each with a radio that mirrors, and a third radio that a person reads.
class MirrorProgram : public Program {
protected:
    static constexpr std::size_t nodes_count = 2;

    void SetUp() override {
        const auto chain = host::LocalChain::create(root_ / "site", {.nodes = nodes_count});
        ASSERT_TRUE(chain) << sentence(chain.error());
        chain_ = *chain;
        start_radios();
        for (std::size_t i = 0; i < nodes_count; ++i) {
            configure(i);
            start(i);
        }
        open_reader();
        ASSERT_TRUE(await([&] { return reader_->is_up() && is_ready(0) && is_ready(1); }))
            << content(root_ / "node0.log");
    }
    void TearDown() override {
        for (auto& node : nodes_) node.reset();
        radios_.reset();
    }

    void start_radios() {
        auto radios = ChildProcess::start(
            {.program = MESHCHAIN_PROGRAM,
             .arguments = {"radio", "simulate", "--radios", "3", "--listen", "127.0.0.1:0",
                           "--preset", "SHORT_TURBO", "--channel", "village"},
             .output = root_ / "radios"});
        ASSERT_TRUE(radios) << sentence(radios.error());
        radios_.emplace(*std::move(radios));
        ASSERT_TRUE(
            await([&] { return std::ranges::count(content(root_ / "radios"), '\n') == 3; }));
        std::istringstream lines(content(root_ / "radios"));
        for (std::string line; std::getline(lines, line);) {
            const std::string address = host::parse_json(line, "line")->at("address");
            ports_.push_back(
                static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
        }
    }
    /// On the radios' primary channel, which is not that of the packets.
    void configure(std::size_t node) {
        const auto file = host::DataFolder(folder(node)).config();
        auto config = host::load_config(file);
        ASSERT_TRUE(config);
        config->node_name = "Node " + std::to_string(node);
        config->radios = {{.door = node::TcpRadio{"127.0.0.1", ports_.at(node), "village"},
                           .region = {},
                           .share_permille = 100,
                           .mirror = node::MirrorConfig{.channel = "ShortTurbo",
                                                        .alerts = records::AlertPriority::high,
                                                        .payments = true}}};
        ASSERT_TRUE(host::save_config(*config, file));
    }
    void start(std::size_t node) {
        auto child =
            ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                 .arguments = {"node", "run", "--data", folder(node)},
                                 .errors = root_ / ("node" + std::to_string(node) + ".log")});
        ASSERT_TRUE(child) << sentence(child.error());
        nodes_[node].emplace(*std::move(child));
    }
    void open_reader() {
        host::StreamDoorOptions options;
        options.stream.channel = "village";
        options.stream.text_channel = "ShortTurbo";
        auto door = host::StreamDoor::open_tcp(io_, {"127.0.0.1", ports_.at(2)}, options, entropy_,
                                               base::Random(1));
        ASSERT_TRUE(door) << sentence(door.error());
        reader_ = *std::move(door);
    }
    std::string folder(std::size_t node) const { return chain_.members[node].folder.string(); }
    Ended ask(std::size_t node, std::vector<std::string> command) {
        command.insert(command.end(), {"--data", folder(node), "--json"});
        return run(std::move(command));
    }
    bool is_ready(std::size_t node) {
        const auto client = host::ApiClient::of_folder(folder(node));
        if (!client) return false;
        const auto radios = client->get("/v1/radios");
        const auto status = client->get("/v1/status");
        return radios && status && radios->at("radios").at(0).at("up") == true &&
               status->at("peers") == 1;
    }
    Json mirror_of(std::size_t node) {
        return ask(node, {"radio", "status"}).json().at("radios").at(0).at("mirror");
    }
    template <class Condition>
    bool await(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (std::chrono::steady_clock::now() < deadline) {
            io_.restart();
            io_.run_for(20ms);
            while (reader_) {
                const auto text = reader_->receive_text();
                if (!text) break;
                texts_.push_back(*text);
            }
            if (condition()) return true;
        }
        return false;
    }

    boost::asio::io_context io_;
    host::SystemEntropy entropy_;
    host::LocalChain chain_;
    std::optional<ChildProcess> radios_;
    std::array<std::optional<ChildProcess>, nodes_count> nodes_;
    std::vector<std::uint16_t> ports_;
    std::unique_ptr<host::StreamDoor> reader_;
    std::vector<std::string> texts_;
};

TEST_F(MirrorProgram, AlarmOnce_AndPaymentWhenItIsFinal_AreReadOnThePhone) {  // E10
    const std::string from = crypto::to_hex(chain_.members[0].identity).substr(0, 8);
    EXPECT_EQ(ask(0, {"alert", "send", "only for programs", "--priority", "normal"}).exit_code, 0);
    const Ended sent = ask(0, {"alert", "send", "Bag left at gate 2", "--priority", "critical"});
    ASSERT_EQ(sent.exit_code, 0) << sent.errors;
    ASSERT_TRUE(await([&] { return !texts_.empty(); })) << mirror_of(0) << mirror_of(1);
    // Of the two that know it one speaks; the other has heard it.
    ASSERT_TRUE(await([&] {
        return mirror_of(0).at("said_by_others").get<int>() +
                   mirror_of(1).at("said_by_others").get<int>() ==
               1;
    })) << mirror_of(0)
        << mirror_of(1);

    ASSERT_TRUE(host::write_file(root_ / "passphrase",
                                 base::as_bytes(std::string(host::LocalChain::passphrase))));
    const Ended paid = ask(0, {"send", wallet::encode_address(chain_.members[1].owner), "12",
                               "--wait", "--passphrase-file", path("passphrase")});
    ASSERT_EQ(paid.exit_code, 0) << paid.errors;
    const std::string txid = paid.json().at("txid");
    ASSERT_TRUE(await([&] { return texts_.size() >= 2; })) << mirror_of(1);
    EXPECT_THAT(texts_,
                ElementsAre("ALARM critical: Bag left at gate 2 (from " + from + ")",
                            "You were paid 12 (payment " + txid.substr(0, 8) + ", to Node 1)"));
    const Ended status = run({"radio", "status", "--data", folder(1)});
    EXPECT_THAT(status.output, HasSubstr("on ShortTurbo")) << status.output;

    // Neither is news after a restart.
    nodes_[1]->send_signal(SIGTERM);
    ASSERT_TRUE(nodes_[1]->wait(30s));
    start(1);
    ASSERT_TRUE(await([&] { return is_ready(1); }));
    EXPECT_EQ(ask(1, {"alert", "list"}).json().at("alerts").size(), 2U);
    EXPECT_EQ(mirror_of(1).at("said"), 0);
    EXPECT_EQ(mirror_of(1).at("waiting"), 0);
    EXPECT_EQ(texts_.size(), 2U);
}

}  // namespace
}  // namespace meshchain::app
