// Who pays or raises an alarm where the air is the only way out is told that it waits for it.

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "host/local_chain.h"
#include "meshchain/air_wait_text.h"
#include "meshchain/test_running_node.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A door behind which there is nobody.
node::RadioConfig radio_at(std::uint16_t port) {
    return {.door = node::TcpRadio{"127.0.0.1", port, "village"}, .region = {}};
}

class RadioWait : public RunningNode {
protected:
    void start_with(const std::vector<node::RadioConfig>& radios) {
        configure([&](node::NodeConfig& config) { config.radios = radios; });
        start();
    }
    Ended pay() {
        return ask({"send", bob_address_, "5", "--passphrase-file", path("passphrase")});
    }
    Ended raise() { return ask({"alert", "send", "Fire in the hall", "--priority", "critical"}); }
    /// Nothing: the answer says nothing of it.
    static Json wait_of(const Ended& ended) {
        EXPECT_EQ(ended.exit_code, 0) << ended.errors;
        return ended.json().value("waits_for_air", Json());
    }
};

TEST_F(RadioWait, WithoutARadio_NothingIsSaidOfIt) {
    start();
    EXPECT_EQ(wait_of(pay()), Json());
    EXPECT_EQ(wait_of(raise()), Json());
}

TEST_F(RadioWait, RadioThatIsPaused_OrNotUp_IsNamedWithTheReason) {
    start_with({radio_at(1), radio_at(2)});
    const Json not_up = {{"radio", 0}, {"reason", "not_up"}};
    EXPECT_EQ(wait_of(pay()), not_up);
    EXPECT_EQ(wait_of(raise()), not_up);
    ASSERT_EQ(ask({"radio", "pause"}).exit_code, 0);
    const Json paused = {{"radio", 0}, {"reason", "paused"}};
    EXPECT_EQ(wait_of(pay()), paused);
    EXPECT_EQ(wait_of(raise()), paused);
    const Ended told = run(
        {"send", bob_address_, "5", "--passphrase-file", path("passphrase"), "--data", alice()});
    EXPECT_THAT(told.output, HasSubstr("\nWaits for air (radio 0: it is paused; `meshchain radio "
                                       "resume` lets it speak).\n"));
    const Ended alarm = run({"alert", "send", "Fire", "--data", alice()});
    EXPECT_THAT(alarm.output, HasSubstr("\nWaits for air (radio 0: it is paused"));
    // The only validator makes it FINAL whatever the air is like.
    const Ended waited = run({"send", bob_address_, "5", "--wait", "--passphrase-file",
                              path("passphrase"), "--data", alice()});
    ASSERT_EQ(waited.exit_code, 0) << waited.errors;
    EXPECT_THAT(waited.output, Not(HasSubstr("Waits")));
    EXPECT_EQ(waited.errors,
              "Waits for air (radio 0: it is paused; `meshchain radio resume` lets "
              "it speak).\n");
}

TEST_F(RadioWait, RadioThatOnlyListens_IsSaidToAndNothingElse) {
    node::RadioConfig deaf = radio_at(1);
    deaf.listen_only = true;
    start_with({deaf});
    const Json told = {{"radio", 0}, {"reason", "listen_only"}};
    EXPECT_EQ(wait_of(pay()), told);
    EXPECT_EQ(wait_of(raise()), told);
}

/// With simulated radios of its own.
class RadioWaitOnAir : public RadioWait {
protected:
    void TearDown() override {
        node_.reset();
        radios_.reset();
    }
    std::vector<std::uint16_t> start_radios(unsigned count) {
        auto radios = host::ChildProcess::start(
            {.program = MESHCHAIN_PROGRAM,
             .arguments = {"radio", "simulate", "--radios", std::to_string(count), "--listen",
                           "127.0.0.1:0", "--preset", "LONG_FAST", "--channel", "village"},
             .output = root_ / "radios"});
        EXPECT_TRUE(radios) << sentence(radios.error());
        radios_.emplace(*std::move(radios));
        EXPECT_TRUE(
            await([&] { return std::ranges::count(content(root_ / "radios"), '\n') == count; }));
        std::vector<std::uint16_t> ports;
        std::istringstream lines(content(root_ / "radios"));
        for (std::string line; std::getline(lines, line);) {
            const std::string address = host::parse_json(line, "line")->at("address");
            ports.push_back(
                static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
        }
        return ports;
    }
    template <class Condition>
    static bool await(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (std::chrono::steady_clock::now() < deadline) {
            if (condition()) return true;
        }
        return false;
    }
    bool is_up(std::size_t radio) {
        return ask({"radio", "status"}).json().at("radios").at(radio).at("up") == true;
    }

    std::optional<host::ChildProcess> radios_;
};

TEST_F(RadioWaitOnAir, PaymentsBeyondTheBudget_AreToldHowLongTheyWait_UnlessAnotherRadioIsFree) {
    const auto ports = start_radios(2);
    node::RadioConfig thrifty = radio_at(ports.at(0));
    thrifty.share_permille = 2;  // some packets an hour
    node::RadioConfig lavish = radio_at(ports.at(1));
    lavish.share_permille = 500;  // for all that waits while it is paused
    start_with({thrifty, lavish});
    ASSERT_TRUE(await([&] { return is_up(0) && is_up(1); }));
    ASSERT_EQ(ask({"radio", "pause", "1"}).exit_code, 0);
    Json first;
    for (int i = 0; i < 8 && first.is_null(); ++i) first = wait_of(pay());
    ASSERT_FALSE(first.is_null());
    EXPECT_EQ(first.at("radio"), 0) << "the other is paused";
    EXPECT_THAT(first.at("reason"), testing::AnyOf("pace", "hour"));
    EXPECT_GT(first.at("for_s"), 1);
    const Json second = wait_of(pay());
    EXPECT_GT(second.at("for_s"), first.at("for_s")) << "it leaves behind the first";
    const Ended told = run(
        {"send", bob_address_, "5", "--passphrase-file", path("passphrase"), "--data", alice()});
    EXPECT_THAT(told.output, testing::ContainsRegex(
                                 "Waits [0-9]+ (min|h|s).* for air \\(radio 0: (its airtime is "
                                 "paced over the hour|the hour's airtime is used up)\\)"));
    ASSERT_EQ(ask({"radio", "resume", "1"}).exit_code, 0);
    EXPECT_EQ(wait_of(pay()), Json());
}

/// Two validators on one loopback, the first with a radio that leads nowhere.
class RadioWaitOfTwo : public Program {
protected:
    void SetUp() override {
        const auto chain = host::LocalChain::create(root_ / "site", {.nodes = 2});
        ASSERT_TRUE(chain) << sentence(chain.error());
        chain_ = *chain;
        const auto file = host::DataFolder(folder(0)).config();
        auto config = host::load_config(file);
        ASSERT_TRUE(config);
        config->radios = {radio_at(1)};
        ASSERT_TRUE(host::save_config(*config, file));
        ASSERT_TRUE(host::write_file(root_ / "passphrase",
                                     base::as_bytes(std::string(host::LocalChain::passphrase))));
    }
    void TearDown() override {
        for (auto& node : nodes_) node.reset();
    }
    void start(std::size_t node) {
        auto child =
            host::ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                       .arguments = {"node", "run", "--data", folder(node)},
                                       .errors = root_ / ("node" + std::to_string(node) + ".log")});
        ASSERT_TRUE(child) << sentence(child.error());
        nodes_[node].emplace(*std::move(child));
    }
    bool await_peers(int count) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (std::chrono::steady_clock::now() < deadline) {
            const auto client = host::ApiClient::of_folder(folder(0));
            const auto status =
                client ? client->get("/v1/status") : std::unexpected(client.error());
            if (status && status->at("peers") == count) return true;
        }
        return false;
    }
    std::string folder(std::size_t node) const { return chain_.members[node].folder.string(); }
    Json ask(std::vector<std::string> command) {
        command.insert(command.end(), {"--data", folder(0), "--json"});
        const Ended ended = run(std::move(command));
        EXPECT_EQ(ended.exit_code, 0) << ended.errors;
        return ended.json();
    }
    Json pay() {
        return ask({"send", wallet::encode_address(chain_.members[1].owner), "5",
                    "--passphrase-file", path("passphrase")});
    }

    host::LocalChain chain_;
    std::array<std::optional<host::ChildProcess>, 2> nodes_;
};

TEST_F(RadioWaitOfTwo, WhileThereIsAPeerOnTheNetwork_NothingWaitsForAir) {
    start(0);
    ASSERT_TRUE(await_peers(0));
    EXPECT_TRUE(pay().contains("waits_for_air"));
    start(1);
    ASSERT_TRUE(await_peers(1));
    EXPECT_FALSE(pay().contains("waits_for_air"));
    EXPECT_FALSE(ask({"alert", "send", "Fire"}).contains("waits_for_air"));
}

TEST(AirWaitText, NamesLengthRadioAndReason) {
    EXPECT_EQ(air_wait_text({{"txid", "00"}}), "");
    EXPECT_EQ(
        air_wait_text({{"waits_for_air", {{"radio", 1}, {"reason", "hour"}, {"for_s", 182.4}}}}),
        "Waits 3 min 3 s for air (radio 1: the hour's airtime is used up).");
    EXPECT_EQ(air_wait_text({{"waits_for_air", {{"radio", 0}, {"reason", "novel"}}}}),
              "Waits for air (radio 0: novel).");
}

}  // namespace
}  // namespace meshchain::app
