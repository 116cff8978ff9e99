#include "runtime/state_manager.h"

#include <gtest/gtest.h>

#include <string>

namespace meshchain::runtime {
namespace {

using namespace std::chrono_literals;
using base::Errc;
using base::Instant;
using enum NodeState;

Instant at(base::Duration since_start) { return Instant{since_start}; }
Outcome failing() { return base::failure(Errc::unavailable, "no", "test"); }

TEST(StateManager, StatesHaveTheNumbersOfTheSources) {
    constexpr std::string_view names[] = {"INITIALIZING", "WAITING_PEERS", "SYNCING",
                                          "SYNCHRONIZED", "VALIDATING",    "ERROR",
                                          "SHUTTING_DOWN"};
    for (std::size_t i = 0; i < node_states; ++i) {
        EXPECT_EQ(name(static_cast<NodeState>(i)), names[i]);
    }
}

TEST(StateManager, AllowsExactlyTheTransitionsOfItsTable) {
    // Rows and columns in the order of the states.
    constexpr std::string_view table[] = {".y...yy", "..yy.yy", ".y.y.yy", ".yy.yyy",
                                          ".yyy.yy", "yy....y", "y......"};
    for (std::size_t from = 0; from < node_states; ++from) {
        for (std::size_t to = 0; to < node_states; ++to) {
            EXPECT_EQ(
                StateManager::allowed(static_cast<NodeState>(from), static_cast<NodeState>(to)),
                table[from][to] == 'y')
                << from << " to " << to;
        }
    }
}

TEST(StateManager, AForbiddenTransition_ChangesNothing) {
    StateManager manager(at(0s));
    const auto refused = manager.set_state(at(1s), validating);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_EQ(manager.state(), initializing);
    EXPECT_EQ(manager.time_in_state(at(2s)), 2s);
    EXPECT_TRUE(manager.history().empty());
}

// N-11 of the audit: a lock taken again from its own callback hung the node.
TEST(StateManager, N_11_ACallbackThatChangesTheState_IsRefusedInsteadOfHanging) {
    StateManager manager(at(0s));
    Errc code{};
    struct Context {
        StateManager* manager;
        Errc* code;
    } context{&manager, &code};
    ASSERT_TRUE(manager.add_callback([context](const StateChange&) {
        *context.code = context.manager->set_state(at(9s), error).error().code;
    }));
    EXPECT_TRUE(manager.set_state(at(1s), waiting_peers));
    EXPECT_EQ(code, Errc::conflict);
    EXPECT_EQ(manager.state(), waiting_peers);
    EXPECT_TRUE(manager.set_state(at(2s), syncing));
}

TEST(StateManager, AFailingCallback_StopsNeitherTheChangeNorTheOthers) {
    StateManager manager(at(0s));
    int heard = 0;
    ASSERT_TRUE(manager.add_callback([](const StateChange&) { return failing(); }));
    ASSERT_TRUE(manager.add_callback([&heard](const StateChange&) { ++heard; }));
    EXPECT_TRUE(manager.set_state(at(1s), waiting_peers));
    EXPECT_EQ(heard, 1);
    EXPECT_EQ(manager.callback_failures(), 1U);
}

TEST(StateManager, CallbacksAreBoundedRemovableAndToldWhatChanged) {
    StateManager manager(at(0s), {}, {.callbacks_max = 1});
    StateChange heard;
    const auto id = manager.add_callback([&heard](const StateChange& change) { heard = change; });
    ASSERT_TRUE(id);
    EXPECT_EQ(manager.add_callback([](const StateChange&) {}).error().code, Errc::full);
    EXPECT_TRUE(manager.set_state(at(3s), waiting_peers));
    EXPECT_EQ(heard.from, initializing);
    EXPECT_EQ(heard.to, waiting_peers);
    EXPECT_EQ(heard.at, at(3s));
    EXPECT_TRUE(manager.remove_callback(*id));
    EXPECT_FALSE(manager.remove_callback(*id));
    EXPECT_TRUE(manager.set_state(at(4s), syncing));
    EXPECT_EQ(heard.to, waiting_peers);
}

TEST(StateManager, ACallbackAddedByACallback_HearsOfTheNextChange) {
    StateManager manager(at(0s));
    struct Context {
        StateManager* manager;
        int heard = 0;
    } context{&manager};
    ASSERT_TRUE(manager.add_callback([&context](const StateChange& change) {
        if (change.to != waiting_peers) return;
        EXPECT_TRUE(
            context.manager->add_callback([&context](const StateChange&) { ++context.heard; }));
    }));
    EXPECT_TRUE(manager.set_state(at(1s), waiting_peers));
    EXPECT_EQ(context.heard, 0);
    EXPECT_TRUE(manager.set_state(at(2s), syncing));
    EXPECT_EQ(context.heard, 1);
}

TEST(StateManager, EnteringThePresentState_SucceedsAndIsNoChange) {
    StateManager manager(at(0s));
    EXPECT_TRUE(manager.set_state(at(5s), initializing));
    EXPECT_EQ(manager.time_in_state(at(6s)), 6s);
    EXPECT_EQ(manager.changes(), 0U);
}

TEST(StateManager, TimesAddUpOverReturnsToAState) {
    StateManager manager(at(0s));
    ASSERT_TRUE(manager.set_state(at(1s), waiting_peers));
    ASSERT_TRUE(manager.set_state(at(3s), syncing));
    ASSERT_TRUE(manager.set_state(at(7s), waiting_peers));
    EXPECT_EQ(manager.time_in_state(at(10s)), 3s);
    EXPECT_EQ(manager.total_time(waiting_peers, at(10s)), 5s);
    EXPECT_EQ(manager.total_time(syncing, at(10s)), 4s);
    EXPECT_EQ(manager.total_time(initializing, at(10s)), 1s);
}

TEST(StateManager, TheHistoryKeepsTheNewestChangesOldestFirst) {
    StateManager manager(at(0s), {}, {.history_max = 3});
    const NodeState path[] = {waiting_peers, syncing, synchronized, validating, synchronized};
    int second = 0;
    for (const NodeState state : path) ASSERT_TRUE(manager.set_state(at(++second * 1s), state));
    const std::vector<StateChange> history = manager.history();
    ASSERT_EQ(history.size(), 3U);
    EXPECT_EQ(history[0].to, synchronized);
    EXPECT_EQ(history[1].to, validating);
    EXPECT_EQ(history[2].at, at(5s));
    EXPECT_EQ(manager.history(1)[0].from, validating);
    EXPECT_EQ(manager.changes(), 5U);
}

}  // namespace
}  // namespace meshchain::runtime
