// Processes of the real program in a line, that are in two groups while the one in between is off:
// what they say meanwhile, and what all hold when they meet again.

#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "host/local_chain.h"
#include "meshchain/test_program.h"

namespace meshchain::app {
namespace {

class RecordsApart : public Program {
protected:
    void start_line(std::size_t count) {
        const auto chain = host::LocalChain::create(root_ / "line", {.nodes = count, .line = true});
        ASSERT_TRUE(chain) << sentence(chain.error());
        chain_ = *chain;
        nodes_.resize(count);
        for (std::size_t i = 0; i < count; ++i) start(i);
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_TRUE(await([&] { return edges(i) == count - 1; }))
                << "node " << i << " does not know all";
        }
    }
    void TearDown() override { nodes_.clear(); }

    void start(std::size_t node) {
        auto child =
            host::ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                       .arguments = {"node", "run", "--data", folder(node)},
                                       .errors = root_ / ("node" + std::to_string(node) + ".log")});
        ASSERT_TRUE(child) << sentence(child.error());
        nodes_[node].emplace(*std::move(child));
    }
    void kill(std::size_t node) {
        nodes_[node]->send_signal(SIGKILL);
        nodes_[node].reset();
    }
    std::string folder(std::size_t node) const { return chain_.members[node].folder.string(); }
    Ended ask(std::size_t node, std::vector<std::string> command) {
        command.insert(command.end(), {"--data", folder(node), "--json"});
        return run(std::move(command));
    }
    /// Of a command that is to be done.
    Json tell(std::size_t node, std::vector<std::string> command) {
        const Ended ended = ask(node, std::move(command));
        EXPECT_EQ(ended.exit_code, 0) << ended.errors;
        return ended.exit_code == 0 ? ended.json() : Json();
    }
    template <class Condition>
    static bool await(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 40s;
        while (std::chrono::steady_clock::now() < deadline) {
            if (condition()) return true;
        }
        return false;
    }
    std::size_t edges(std::size_t node) {
        const Ended topology = ask(node, {"topology"});
        return topology.exit_code == 0 ? topology.json().at("edges").size() : 0;
    }
    /// Who says what of it, as this node knows it.
    std::set<std::string> entries(std::size_t node, const std::string& hash) {
        const Ended shown = ask(node, {"registry", "show", hash});
        std::set<std::string> found;
        if (shown.exit_code != 0) return found;
        const Json json = shown.json();
        for (const Json& entry : json.at("entries")) {
            found.insert(entry.at("node_id").get<std::string>() + " " +
                         entry.at("type").get<std::string>());
        }
        return found;
    }
    std::set<std::string> states(std::size_t node) {
        const Ended shown = ask(node, {"state", "list"});
        std::set<std::string> found;
        if (shown.exit_code != 0) return found;
        const Json json = shown.json();
        for (const Json& state : json.at("states")) {
            found.insert(state.at("node_id").get<std::string>() + host::to_line(state.at("value")));
        }
        return found;
    }
    std::string history(std::size_t node, const std::string& hash) {
        const Ended shown = ask(node, {"registry", "history", hash});
        return shown.exit_code == 0 ? host::to_line(shown.json().at("steps")) : "";
    }
    bool knows(std::size_t node, const std::string& alert) {
        return ask(node, {"alert", "show", alert}).exit_code == 0;
    }
    std::size_t reached(std::size_t node, const std::string& alert) {
        const Ended shown = ask(node, {"alert", "show", alert});
        return shown.exit_code == 0 ? shown.json().at("reached").size() : 0;
    }

    host::LocalChain chain_;
    std::vector<std::optional<host::ChildProcess>> nodes_;
};

TEST_F(RecordsApart, TwoGroupsThatEditTheSame_AgreeWhenTheyMeet_AndLoseNothing) {
    start_line(5);
    tell(0, {"registry", "add", "bag", "--type", "blue"});
    tell(4, {"registry", "add", "umbrella", "--type", "lost"});
    tell(4, {"state", "set", R"({"battery":90})"});
    ASSERT_TRUE(await([&] {
        return entries(4, "bag").size() == 1 && entries(0, "umbrella").size() == 1 &&
               states(0).size() == 1;
    }));

    kill(2);
    tell(0, {"registry", "add", "bag", "--type", "red"});
    tell(4, {"registry", "add", "bag", "--type", "green"});
    tell(1, {"registry", "add", "coat", "--type", "wool"});
    tell(3, {"registry", "add", "coat", "--type", "fur"});
    tell(4, {"registry", "rm", "umbrella"});
    tell(0, {"registry", "claim", "coat"});
    tell(4, {"registry", "claim", "coat"});
    tell(0, {"state", "set", R"({"battery":50})"});
    tell(4, {"state", "set", R"({"battery":20})"});
    const std::string fire = tell(0, {"alert", "send", "fire", "--priority", "critical"}).at("id");
    const std::string flood =
        tell(4, {"alert", "send", "flood", "--priority", "critical"}).at("id");
    ASSERT_TRUE(await([&] { return knows(1, fire) && entries(0, "coat").size() == 1; }));
    ASSERT_TRUE(await([&] { return knows(3, flood) && entries(4, "coat").size() == 1; }));
    EXPECT_FALSE(knows(3, fire) || knows(1, flood)) << "they are not apart";
    EXPECT_EQ(entries(1, "bag").size(), 1U);
    EXPECT_EQ(entries(3, "umbrella").size(), 0U);

    start(2);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        SCOPED_TRACE("node " + std::to_string(i));
        EXPECT_TRUE(await([&] { return knows(i, fire) && knows(i, flood); }));
        EXPECT_TRUE(await([&] {
            return entries(i, "bag").size() == 2 && entries(i, "coat").size() == 2 &&
                   entries(i, "umbrella").empty() && states(i).size() == 2;
        }));
        EXPECT_TRUE(await([&] { return entries(i, "bag") == entries(4 - i, "bag"); }));
        EXPECT_TRUE(await([&] { return entries(i, "coat") == entries(4 - i, "coat"); }));
        EXPECT_TRUE(await([&] { return states(i) == states(4); }));
        EXPECT_TRUE(await([&] { return history(i, "coat") == history(2, "coat"); }));
    }
    const std::set<std::string> bags = entries(2, "bag");
    EXPECT_TRUE(std::ranges::none_of(bags, [](const auto& one) { return one.ends_with("blue"); }));
    EXPECT_TRUE(await([&] { return reached(0, fire) == 4 && reached(4, flood) == 4; }))
        << reached(0, fire) << " and " << reached(4, flood);
}

TEST_F(RecordsApart, AlertOfANodeThatIsKilled_ReachesWhoWasAway_AndTheNodeGoesOn) {
    start_line(3);
    kill(2);
    const std::string fire = tell(0, {"alert", "send", "fire", "--priority", "critical"}).at("id");
    ASSERT_TRUE(await([&] { return reached(0, fire) == 1; }));
    kill(0);
    start(2);
    EXPECT_TRUE(await([&] { return knows(2, fire); })) << "of its neighbour";
    start(0);
    EXPECT_TRUE(await([&] { return knows(0, fire); }));
    const std::string next = tell(0, {"alert", "send", "out", "--priority", "high"}).at("id");
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        EXPECT_TRUE(await([&] { return knows(i, next); }));
        EXPECT_EQ(tell(i, {"alert", "list"}).at("alerts").size(), 2U);
    }
}

}  // namespace
}  // namespace meshchain::app
