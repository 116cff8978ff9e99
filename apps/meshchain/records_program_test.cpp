// Alarms, states, registry and search between processes of the real program.

#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>
#include <csignal>
#include <fstream>

#include "host/api_client.h"
#include "host/data_folder.h"
#include "host/local_chain.h"
#include "meshchain/test_program.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;

class RecordsProgram : public Program {
protected:
    static constexpr std::size_t nodes_count = 3;

    void SetUp() override {
        const auto chain = host::LocalChain::create(root_ / "site", {.nodes = nodes_count});
        ASSERT_TRUE(chain) << sentence(chain.error());
        chain_ = *chain;
        for (std::size_t i = 0; i < nodes_count; ++i) start(i);
        for (std::size_t i = 0; i < nodes_count; ++i) {
            ASSERT_TRUE(await([&] {
                const Ended topology = ask(i, {"topology"});
                return topology.exit_code == 0 && topology.json().at("edges").size() == 3;
            })) << "node "
                << i << " does not meet the others";
        }
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
    std::string folder(std::size_t node) const { return chain_.members[node].folder.string(); }
    Ended ask(std::size_t node, std::vector<std::string> command) {
        command.insert(command.end(), {"--data", folder(node), "--json"});
        return run(std::move(command));
    }
    template <class Condition>
    static bool await(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (std::chrono::steady_clock::now() < deadline) {
            if (condition()) return true;
        }
        return false;
    }
    /// What a node tells of its events of one type, from now on.
    void listen_to(std::size_t node, const std::string& type) {
        const auto files = host::DataFolder(folder(node));
        const std::string address = content(files.api_address());
        const std::size_t colon = address.find(':');
        events_.expires_after(30s);
        events_.connect(address.substr(0, colon), address.substr(colon + 1, 5));
        std::string token = content(files.api_token());
        token.resize(token.find_last_not_of('\n') + 1);
        events_ << "GET /v1/events?types=" << type << " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                << "Authorization: Bearer " << token << "\r\n\r\n"
                << std::flush;
        std::string line;
        while (std::getline(events_, line) && !line.starts_with(":")) continue;
    }
    Json next_event() {
        const std::string mark = "data: ";
        std::string line;
        while (std::getline(events_, line)) {
            if (!line.starts_with(mark)) continue;
            return host::parse_json(line.substr(mark.size()), "event").value();
        }
        ADD_FAILURE() << "no event came: " << events_.error().message();
        return Json::object();
    }
    Json alerts(std::size_t node) { return ask(node, {"alert", "list"}).json().at("alerts"); }

    /// 512 numbers as programs write them: float32 in little-endian bytes.
    std::string embedding_file(std::size_t axis) {
        std::array<float, 512> numbers{};
        numbers[axis] = 1;
        numbers[axis + 1] = 0.25F;
        const std::string name = path("like" + std::to_string(axis));
        std::ofstream(name, std::ios::binary)
            .write(reinterpret_cast<const char*>(numbers.data()), sizeof numbers);
        return name;
    }

    host::LocalChain chain_;
    std::array<std::optional<host::ChildProcess>, nodes_count> nodes_;
    boost::asio::ip::tcp::iostream events_;
};

TEST_F(RecordsProgram, AlarmAndSearch_WorkAsTheGuideSays) {
    const Ended sent = ask(0, {"alert", "send", "Bag left at gate 2", "--priority", "critical",
                               "--payload", R"({"camera":2})", "--wait", "30"});
    ASSERT_EQ(sent.exit_code, 0) << sent.errors;
    EXPECT_EQ(sent.json().at("reached").size(), nodes_count - 1);
    for (std::size_t i = 0; i < nodes_count; ++i) {
        ASSERT_EQ(alerts(i).size(), 1U);
        EXPECT_EQ(alerts(i)[0].at("payload").at("camera"), 2);
    }
    const std::string id = sent.json().at("id");
    const Ended seen = ask(1, {"alert", "ack", id.substr(0, 8), "--by", "Ana", "--note", "coming"});
    ASSERT_EQ(seen.exit_code, 0) << seen.errors;
    EXPECT_TRUE(await([&] {
        const Json shown = ask(0, {"alert", "show", id}).json();
        return !shown.at("acknowledged").empty() && shown.at("acknowledged")[0].at("by") == "Ana";
    }));

    for (std::size_t i = 0; i < nodes_count; ++i) {
        const Ended added = ask(i, {"registry", "add", "bag-" + std::to_string(i), "--type", "bag",
                                    "--embedding", embedding_file(10 * i), "--confidence", "0.9"});
        ASSERT_EQ(added.exit_code, 0) << added.errors;
    }
    EXPECT_TRUE(await([&] {
        const Json found =
            ask(0, {"search", "--like", embedding_file(20), "--top", "1", "--min", "0.9"}).json();
        return found.at("answered") == nodes_count - 1 && found.at("hits").size() == 1 &&
               found.at("hits")[0].at("hash") == "bag-2";
    }));
    EXPECT_EQ(ask(0, {"registry", "rm", "bag-0"}).exit_code, 0);
    EXPECT_TRUE(await([&] { return ask(2, {"registry", "show", "bag-0"}).exit_code == 1; }));
    EXPECT_EQ(ask(0, {"stats"}).json().at("records").at("refused").at("bad_signature"), 0);
}

TEST_F(RecordsProgram, SearchUnderWay_ShowsEachAnswer_AndSoDoTheEvents) {
    ASSERT_EQ(ask(0, {"registry", "add", "bag-0", "--type", "bag"}).exit_code, 0);
    ASSERT_TRUE(await([&] { return ask(1, {"registry", "show", "bag-0"}).exit_code == 0; }));
    const Json first = ask(1, {"status"}).json().at("node_id");
    const Json second = ask(2, {"status"}).json().at("node_id");
    listen_to(0, "SEARCH_ANSWERED");
    nodes_[2]->send_signal(SIGSTOP);
    auto search =
        host::ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                   .arguments = {"search", "--type", "bag", "--follow", "--wait-ms",
                                                 "4000", "--data", folder(0), "--json"},
                                   .output = root_ / "search"});
    ASSERT_TRUE(search) << sentence(search.error());
    ASSERT_TRUE(await([&] { return content(root_ / "search").contains('\n'); }));
    EXPECT_TRUE(search->running()) << "what one has found is shown while another is awaited";
    const std::string shown = content(root_ / "search");
    const Json partial = host::parse_json(shown.substr(0, shown.find('\n')), "search").value();
    EXPECT_EQ(partial.at("asked"), 2);
    EXPECT_EQ(partial.at("answered"), 1);
    EXPECT_EQ(partial.at("done"), false);
    EXPECT_EQ(partial.at("hits").size(), 1);

    const Json told = next_event();
    EXPECT_EQ(told.at("type"), "SEARCH_ANSWERED");
    EXPECT_EQ(told.at("search"), partial.at("search"));
    EXPECT_EQ(told.at("node_id"), first);
    EXPECT_EQ(told.at("results"), 1);
    EXPECT_EQ(told.at("asked"), 2);
    EXPECT_EQ(told.at("answered"), 1);
    EXPECT_EQ(told.at("late"), 0);
    EXPECT_EQ(told.at("done"), false);
    EXPECT_EQ(search->wait(30s), 0);
    nodes_[2]->send_signal(SIGCONT);
    const Json late = next_event();
    EXPECT_EQ(late.at("node_id"), second);
    EXPECT_EQ(late.at("answered"), 1);
    EXPECT_EQ(late.at("late"), 1);
    EXPECT_EQ(late.at("done"), true);
}

TEST_F(RecordsProgram, NodeThatWasKilled_LearnsWhatItMissedAndKeepsWhatItHad) {
    ASSERT_EQ(ask(0, {"state", "set", R"({"battery":90})"}).exit_code, 0);
    ASSERT_EQ(ask(2, {"state", "set", R"({"battery":20})"}).exit_code, 0);
    EXPECT_TRUE(await([&] { return ask(2, {"state", "list"}).json().at("states").size() == 2; }));
    nodes_[2]->send_signal(SIGKILL);
    nodes_[2].reset();
    ASSERT_EQ(ask(0, {"alert", "send", "fire"}).exit_code, 0);
    ASSERT_EQ(ask(1, {"state", "set", R"({"battery":50})", "--key", "camera"}).exit_code, 0);
    start(2);
    EXPECT_TRUE(await([&] {
        const Ended states = ask(2, {"state", "list"});
        return states.exit_code == 0 && states.json().at("states").size() == 3 &&
               alerts(2).size() == 1;
    })) << content(root_ / "node2.log");
}

TEST_F(RecordsProgram, AlarmOfAKilledOrigin_SaysAgainWhomItReached_AndReachesWhoWasOff) {
    const auto kill = [&](std::size_t node) {
        nodes_[node]->send_signal(SIGKILL);
        nodes_[node].reset();
    };
    const auto reached = [&](const std::string& id) {
        const Ended shown = ask(0, {"alert", "show", id});
        return shown.exit_code == 0 ? shown.json().at("reached").size() : 0;
    };
    kill(2);
    const Ended sent = ask(0, {"alert", "send", "fire", "--priority", "critical"});
    ASSERT_EQ(sent.exit_code, 0) << sent.errors;
    const std::string id = sent.json().at("id");
    ASSERT_TRUE(await([&] { return reached(id) == 1; }));
    for (const char* by : {"Ana", "Ben"}) {
        EXPECT_EQ(ask(1, {"alert", "ack", id, "--by", by}).exit_code, 0);
    }
    EXPECT_EQ(ask(1, {"alert", "ack", id, "--by", ""}).error_code(), "invalid_argument");
    kill(0);
    start(0);
    ASSERT_TRUE(await([&] { return reached(id) >= 1; })) << content(root_ / "node0.log");
    start(2);
    EXPECT_TRUE(await([&] { return reached(id) == 2; })) << content(root_ / "node2.log");
    EXPECT_TRUE(await([&] { return alerts(2).at(0).at("acknowledged").size() == 2; }));
}

TEST_F(RecordsProgram, WhatIsGivenAway_IsItsNewOwnersOnEveryNode) {
    ASSERT_EQ(ask(0, {"registry", "claim", "umbrella", "--note", "found"}).exit_code, 0);
    const std::string me = ask(0, {"status"}).json().at("node_id");
    const std::string owner = ask(1, {"status"}).json().at("node_id");
    EXPECT_EQ(ask(0, {"registry", "give", "umbrella", "--to", "somebody"}).error_code(),
              "not_found");
    EXPECT_EQ(ask(0, {"registry", "give", "umbrella", "--to", owner}).exit_code, 0);
    ASSERT_TRUE(await([&] { return ask(1, {"registry", "accept", "umbrella"}).exit_code == 0; }));
    Json steps;
    ASSERT_TRUE(await([&] {
        steps = ask(2, {"registry", "history", "umbrella"}).json().at("steps");
        return steps.size() == 2 && steps[1].at("accepted") == true;
    })) << steps;
    EXPECT_EQ(steps[0].at("to_node_id"), me);
    EXPECT_EQ(steps[0].at("kept_by").size(), 2);
    EXPECT_EQ(steps[1].at("to_node_id"), owner);
    EXPECT_EQ(ask(0, {"registry", "withdraw", "umbrella"}).error_code(), "not_found");
}

TEST_F(RecordsProgram, ImportedEntries_AreAllInOrNamedByTheirLine) {
    std::ofstream(path("good")) << R"({"hash":"a","type":"bag"})" << "\n\n"
                                << R"({"hash":"b","type":"bag","metadata":{"colour":"blue"}})"
                                << "\n";
    EXPECT_EQ(ask(0, {"registry", "import", path("good")}).json().at("entered"), 2);
    const Json again = ask(0, {"registry", "import", path("good")}).json();
    EXPECT_EQ(again.at("entered"), 0);
    EXPECT_EQ(again.at("unchanged"), 2);
    std::ofstream(path("good")) << R"({"hash":"a","type":"bag","metadata":{"colour":"red"}})"
                                << "\n"
                                << R"({"hash":"b","type":"bag","metadata":{"colour":"blue"}})";
    EXPECT_EQ(ask(0, {"registry", "import", path("good")}).json().at("entered"), 1)
        << "what has changed is entered anew";
    EXPECT_EQ(ask(0, {"registry", "show", "a"}).json().at("entries")[0].at("metadata"),
              (Json{{"colour", "red"}}));
    std::ofstream(path("bad")) << R"({"hash":"c"})" << "\n"
                               << R"({"hash":"d","novel":1})" << "\n";
    const Ended bad = ask(0, {"registry", "import", path("bad")});
    EXPECT_EQ(bad.exit_code, 1);
    EXPECT_THAT(bad.errors, HasSubstr("line 2"));
    EXPECT_THAT(bad.errors, HasSubstr("novel"));
    EXPECT_EQ(ask(0, {"registry", "show", "nothing"}).error_code(), "not_found");
    EXPECT_EQ(ask(0, {"alert", "show", "abc"}).error_code(), "not_found");
    EXPECT_EQ(ask(0, {"search", "--min", "2"}).exit_code, 1);
    EXPECT_EQ(ask(0, {"alert", "send", "x", "--priority", "novel"}).error_code(),
              "invalid_argument");
}

}  // namespace
}  // namespace meshchain::app
