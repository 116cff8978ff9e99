// Commands that go on until Ctrl-C, an import that is broken off, and the nodes of a bridge.

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <csignal>
#include <fstream>

#include "host/kodikon_message.h"
#include "meshchain/screen/status_page.h"
#include "meshchain/test_running_node.h"

namespace meshchain::app {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using udp = boost::asio::ip::udp;

constexpr int ended_by_interrupt = 128 + SIGINT;

class RecordsFollow : public RunningNode {
protected:
    host::ChildProcess begin(std::vector<std::string> command) {
        command.insert(command.end(), {"--data", alice()});
        shown_ = root_ / ("follow" + std::to_string(++begun_));
        auto child = host::ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                                .arguments = std::move(command),
                                                .output = shown_,
                                                .errors = root_ / "follow.errors"});
        EXPECT_TRUE(child) << sentence(child.error());
        return *std::move(child);
    }
    std::string shown() const { return content(shown_); }
    static int interrupt(host::ChildProcess& child) {
        child.send_signal(SIGINT);
        return child.wait(30s).value_or(-1);
    }
    template <class Condition>
    static bool await(Condition condition, base::Duration patience = 30s) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < deadline) {
            if (condition()) return true;
        }
        return false;
    }
    /// Does it until the command, which may have begun to look only after the first, shows it.
    template <class Cause>
    bool cause_until_shown(const std::string& text, Cause cause) {
        return await([&] {
            cause();
            return await([&] { return shown().contains(text); }, 1s);
        });
    }

    std::filesystem::path shown_;
    int begun_ = 0;
};

TEST_F(RecordsFollow, AlertList_ShowsEachNewAlarmAndNothingElse) {
    start();
    ASSERT_EQ(ask({"alert", "send", "of yesterday"}).exit_code, 0);
    auto following = begin({"alert", "list", "--follow"});
    EXPECT_TRUE(cause_until_shown("Fire in the hall", [&] {
        EXPECT_EQ(ask({"alert", "send", "Fire in the hall"}).exit_code, 0);
    }));
    EXPECT_THAT(shown(), Not(HasSubstr("of yesterday")));
    EXPECT_EQ(interrupt(following), ended_by_interrupt);
}

TEST_F(RecordsFollow, StateList_ShowsEachNewAndEachChangedStateOnce) {
    start();
    ASSERT_EQ(ask({"state", "set", R"({"battery":11})", "--key", "old"}).exit_code, 0);
    auto following = begin({"state", "list", "--follow", "--json"});
    int battery = 100;
    ASSERT_TRUE(cause_until_shown("\"camera\"", [&] {
        const std::string value = R"({"battery":)" + std::to_string(--battery) + "}";
        EXPECT_EQ(ask({"state", "set", value, "--key", "camera"}).exit_code, 0);
    }));
    ASSERT_EQ(ask({"state", "set", R"({"battery":22})", "--key", "camera"}).exit_code, 0);
    ASSERT_TRUE(await([&] { return shown().contains("\"battery\":22"); }));
    ASSERT_EQ(ask({"state", "set", R"({"battery":33})", "--key", "camera"}).exit_code, 0);
    ASSERT_TRUE(await([&] { return shown().contains("\"battery\":33"); }));
    EXPECT_THAT(shown(), Not(HasSubstr("\"old\"")));
    EXPECT_EQ(shown().find("\"battery\":22"), shown().rfind("\"battery\":22"));
    EXPECT_EQ(interrupt(following), ended_by_interrupt);
}

TEST_F(RecordsFollow, Stats_ShowsALineAtEachChange) {
    start();
    auto following = begin({"stats", "--follow", "--json"});
    const auto lines = [&] { return std::ranges::count(shown(), '\n'); };
    ASSERT_TRUE(await([&] { return lines() == 1; })) << shown();
    ASSERT_EQ(ask({"registry", "add", "bag-17"}).exit_code, 0);
    ASSERT_TRUE(await([&] { return lines() == 2; })) << shown();
    const std::string last = shown().substr(shown().find('\n') + 1);
    EXPECT_EQ(host::parse_json(last, "line")->at("records").at("registry_entries"), 1);
    EXPECT_EQ(interrupt(following), ended_by_interrupt);

    auto text = begin({"stats", "--follow"});
    ASSERT_TRUE(await([&] { return lines() == 2; })) << shown();
    EXPECT_THAT(shown(), HasSubstr("ENTRIES"));
    EXPECT_EQ(interrupt(text), ended_by_interrupt);
}

TEST_F(RecordsFollow, ImportThatWasBrokenOff_KeepsWhatIsIn_AndASecondRunEndsIt) {
    start();
    constexpr std::size_t count = 1'000;
    {
        std::ofstream file(path("bags"));
        for (std::size_t i = 0; i < count; ++i) {
            file << R"({"hash":"bag-)" << i << R"(","type":"bag"})" << "\n";
        }
    }
    const auto client = host::ApiClient::of_folder(alice());
    ASSERT_TRUE(client);
    const auto entries = [&] {
        return client->get("/v1/records")->at("registry_entries").get<std::size_t>();
    };
    auto first = begin({"registry", "import", path("bags")});
    ASSERT_TRUE(await([&] { return entries() > 0; }));
    EXPECT_EQ(interrupt(first), ended_by_interrupt);
    const std::size_t kept = entries();
    ASSERT_LT(kept, count) << "it was over before it was broken off";
    const Json second = ask({"registry", "import", path("bags")}).json();
    EXPECT_EQ(second.at("unchanged"), kept);
    EXPECT_EQ(second.at("entered"), count - kept);
    EXPECT_EQ(entries(), count);
    const Json third = ask({"registry", "import", path("bags")}).json();
    EXPECT_EQ(third.at("unchanged"), count);
    EXPECT_EQ(third.at("entered"), 0);
}

TEST_F(RecordsFollow, EmbeddingWithNaN_IsRefusedByItsPlace) {
    start();
    std::array<float, 512> numbers{};
    numbers[16] = std::numeric_limits<float>::quiet_NaN();
    std::ofstream(path("bag.f32"), std::ios::binary)
        .write(reinterpret_cast<const char*>(numbers.data()), sizeof numbers);
    EXPECT_THAT(ask({"registry", "add", "bag-17", "--embedding", path("bag.f32")}).errors,
                HasSubstr("value 17 of 512 is NaN"));
    EXPECT_THAT(ask({"search", "--like", path("bag.f32")}).errors,
                HasSubstr("value 17 of 512 is NaN"));
    Json list = std::vector<double>(512, 0.5);
    list[1] = "x";
    std::ofstream(path("bag.json")) << list;
    EXPECT_THAT(ask({"registry", "add", "bag-17", "--embedding", path("bag.json")}).errors,
                HasSubstr("value 2 of 512 is no number"));
}

class RecordsBridge : public RecordsFollow {
protected:
    RecordsBridge() : camera_(io_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}

    /// Of 127.0.0.1, free a moment ago.
    std::uint16_t free_port() {
        return udp::socket(io_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0))
            .local_endpoint()
            .port();
    }
    void say_heartbeat(std::uint16_t port) {
        const auto bytes = host::encode(host::KodikonMessage{
            .type = host::KodikonType::heartbeat,
            .source = "cam-1",
            .timestamp = 1.5,
            .seq = ++sequence_,
            .payload = R"({"node_id":"cam-1","state":{},"version":1,"timestamp":1.5})",
            .path = {}});
        camera_.send_to(boost::asio::buffer(bytes.value()),
                        udp::endpoint(boost::asio::ip::address_v4::loopback(), port));
    }

    boost::asio::io_context io_;
    udp::socket camera_;
    std::uint64_t sequence_ = 0;
};

TEST_F(RecordsBridge, KodikonNodes_AppearAmongThePeers) {
    const std::uint16_t port = free_port();
    configure([&](node::NodeConfig& config) {
        config.kodikon.enabled = true;
        config.kodikon.listen = node::ipv4({127, 0, 0, 1}, port);
        config.kodikon.broadcast = node::ipv4({127, 0, 0, 1}, camera_.local_endpoint().port());
    });
    start();
    EXPECT_TRUE(ask({"peers"}).json().at("peers").empty());
    Json peers;
    ASSERT_TRUE(await([&] {
        say_heartbeat(port);
        peers = ask({"peers"}).json().at("peers");
        return !peers.empty();
    }));
    ASSERT_EQ(peers.size(), 1U);
    EXPECT_EQ(peers[0].at("link"), "kodikon");
    EXPECT_EQ(peers[0].at("name"), "cam-1");
    EXPECT_LT(peers[0].at("last_heard_ms"), 30'000);
    EXPECT_EQ(ask({"status"}).json().at("peers"), 0) << "it has no session";
    const Ended text = run({"peers", "--data", alice()});
    EXPECT_THAT(text.output, HasSubstr("cam-1"));
    EXPECT_THAT(text.output, HasSubstr("kodikon"));
    EXPECT_THAT(run({"stats", "--data", alice()}).output, HasSubstr("1 nodes, "));
    for (const std::size_t columns : {std::size_t{100}, std::size_t{50}}) {
        const Json status = ask({"status"}).json();
        const auto lines =
            StatusPage{.status = status, .peers = peers, .remaining = {}, .columns = columns}
                .lines();
        EXPECT_THAT(lines, Contains(HasSubstr("cam-1"))) << columns;
    }
}

TEST_F(RecordsBridge, NodeWithoutABridge_SaysNothingOfKodikon) {
    start();
    EXPECT_THAT(run({"stats", "--data", alice()}).output, Not(HasSubstr("Kodikon")));
    EXPECT_TRUE(ask({"peers"}).json().at("peers").empty());
}

}  // namespace
}  // namespace meshchain::app
