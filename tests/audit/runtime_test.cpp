// The runtime, as the audit's author would try it: P5-8, 17, 18, N-11 and N-12, against the loop
// itself and inside whole nodes. docs/audit.md has the findings.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "host/thread_safe_queue.h"
#include "whole_node/world.h"

namespace meshchain::tests::audit {
namespace {

using namespace std::chrono_literals;
using runtime::Event;
using runtime::EventType;
using Outcome = std::expected<void, base::Error>;

Outcome broken() { return base::failure(base::Errc::io, "no display", "handler", "plug it in"); }

/// Time passes at once, and what is waited for is written down.
class JumpingWaiter final : public runtime::Waiter {
public:
    base::Instant wait_until(base::Instant deadline) override {
        ++waits_;
        now_ = std::max(now_ + std::chrono::microseconds(1), deadline);
        return now_;
    }
    std::size_t waits() const { return waits_; }

private:
    base::Instant now_{};
    std::size_t waits_ = 0;
};

TEST(AuditRuntime, P5_8_HandlerExceptionsNotIsolated_EveryHandlerRunsAndTheFailureIsTold) {
    runtime::EventLoop loop;
    std::vector<int> called;
    std::vector<std::string> told;
    const auto observe = [&](int number) {
        ASSERT_TRUE(loop.register_handler(EventType::block_added,
                                          [&called, number](base::Instant, const Event&) {
                                              called.push_back(number);
                                              return number % 2 == 1 ? broken() : Outcome();
                                          }));
    };
    for (int number = 1; number <= 5; ++number) observe(number);
    ASSERT_TRUE(
        loop.register_handler(EventType::node_error, [&told](base::Instant, const Event& event) {
            told.emplace_back(event.data.text()->view());
        }));
    loop.emit({}, {.type = EventType::block_added});
    while (loop.run_once({}) > 0) {
    }
    EXPECT_EQ(called, (std::vector{1, 2, 3, 4, 5}));
    EXPECT_EQ(told.size(), 3U) << "each failure is an event, not a line on a terminal";
    EXPECT_EQ(loop.statistics().failures, 3U);
}

TEST(AuditRuntime,
     P5_8_HandlerExceptionsNotIsolated_ANodeWithABrokenObserver_StillFinalisesPayments) {
    std::size_t seen = 0;
    std::size_t errors = 0;
    World world({.nodes = 1, .created = [&](node::Node& node) {
                     const auto fails = [](base::Instant, const Event&) { return broken(); };
                     const auto sees = [&seen](base::Instant, const Event&) { ++seen; };
                     const auto counts = [&errors](base::Instant, const Event&) { ++errors; };
                     for (const EventType type : {EventType::block_added, EventType::block_proposed,
                                                  EventType::transaction_added}) {
                         ASSERT_TRUE(node.events().register_handler(type, fails));
                         ASSERT_TRUE(node.events().register_handler(type, sees));
                     }
                     ASSERT_TRUE(node.events().register_handler(EventType::node_error, counts));
                 }});
    world.start(0);
    ASSERT_TRUE(world.run_until([&] { return world[0].status(world.now()).clock_checked; }, 60s));
    const auto paid = world[0].pay(world.now(), world.payee(0), {5}, std::nullopt);
    ASSERT_TRUE(paid.has_value()) << base::sentence(paid.error());
    EXPECT_TRUE(world.run_until(
        [&] { return world[0].transaction(paid->txid)->certainty == node::Certainty::final; },
        60s));
    EXPECT_GE(seen, 3U);
    EXPECT_EQ(errors, seen) << "one failure beside each";
}

/// A loop of sleep(1 ms) would be switched to 200 times; whoever sleeps on a condition, once.
TEST(AuditRuntime, P5_17_QueueBusyWaits_AWaiterIsWokenByWorkAndByNothingElse) {
    host::ThreadSafeQueue queue;
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_THREAD, &before);
    EXPECT_EQ(queue.pop(200ms).error().code, base::Errc::timeout);
    ::getrusage(RUSAGE_THREAD, &after);
    EXPECT_LT(after.ru_nvcsw - before.ru_nvcsw, 20) << "it looked again and again";
}

TEST(AuditRuntime, P5_17_QueueBusyWaits_AnIdleLoopIsNeverDue) {
    runtime::EventLoop loop;
    EXPECT_EQ(loop.poll_timeout(), base::never);
    JumpingWaiter waiter;
    loop.run_for({}, base::Instant{24h}, waiter);
    EXPECT_LE(waiter.waits(), 2U) << "a day without work";
}

TEST(AuditRuntime, P5_17_QueueBusyWaits_OrderOfArrivalIsKept) {
    runtime::MessageQueue queue({.messages_max = 64});
    for (std::uint16_t i = 0; i < 64; ++i) ASSERT_TRUE(queue.enqueue({}, {.type = i}));
    EXPECT_FALSE(queue.enqueue({}, {.type = 64}).has_value()) << "full, and nothing overtakes";
    for (std::uint16_t i = 0; i < 64; ++i) EXPECT_EQ(queue.dequeue({})->type, i);
}

TEST(AuditRuntime, P5_18_TaskTimingDrifts_ATaskThatIsAlwaysLateKeepsItsGrid) {
    runtime::EventLoop loop;
    std::size_t runs = 0;
    ASSERT_TRUE(loop.tasks().schedule_every(base::Instant{10s}, 10s, "slow",
                                            [&runs](base::Instant) { ++runs; }));
    for (int i = 1; i <= 100; ++i) {
        EXPECT_EQ(loop.poll_timeout(), base::Instant{10s * i}) << "run " << i;
        loop.run_once(base::Instant{10s * i + 3s});  // what came before it took so long
    }
    EXPECT_EQ(runs, 100U);
}

TEST(AuditRuntime, N12_FailingTaskRetriedWithoutBackOff_AnHourOfFailuresCostsAHandfulOfRuns) {
    struct State {
        std::size_t runs = 0;
        bool works = false;
    } state;
    runtime::EventLoop loop;
    JumpingWaiter waiter;
    ASSERT_TRUE(loop.tasks().schedule_every(base::Instant{1s}, 1s, "reconnect",
                                            [&state](base::Instant) -> Outcome {
                                                ++state.runs;
                                                return state.works ? Outcome() : broken();
                                            }));
    base::Instant now = loop.run_for({}, base::Instant{3600s}, waiter);
    EXPECT_LT(state.runs, 30U);
    EXPECT_EQ(loop.statistics().failures, state.runs) << "none of them in silence";
    state.works = true;
    now = loop.run_for(now, now + 300s, waiter);
    const std::size_t recovered = state.runs;
    loop.run_for(now, now + 100s, waiter);
    EXPECT_GE(state.runs - recovered, 100U) << "after a success it runs every second again";
}

/// MeshChain's handlers and its state manager took one lock twice and hung. Here there is no lock
/// to take: what a handler does to its own loop is done, bounded or refused, and never waits.
TEST(AuditRuntime, N11_LockReentryDeadlocks_HandlersMayCallTheLoopThatCallsThem) {
    struct State {
        runtime::EventLoop loop{};
        runtime::StateManager states{base::Instant{}};
        std::size_t depth = 0;
        std::optional<base::Errc> refused{};
    } state;
    ASSERT_TRUE(state.loop.register_handler(EventType::sync_started,
                                            [&state](base::Instant now, const Event& event) {
                                                if (++state.depth > 100) return;
                                                state.loop.emit(now, event);
                                                state.loop.run_once(now);
                                                state.loop.tasks().run_due(now);
                                            }));
    ASSERT_TRUE(state.states.add_callback([&state](const runtime::StateChange& change) {
        const auto again = state.states.set_state(change.at, runtime::NodeState::error);
        if (!again) state.refused = again.error().code;
    }));
    state.loop.emit({}, {.type = EventType::sync_started});
    for (int turn = 0; turn < 200; ++turn) state.loop.run_once({});
    EXPECT_GT(state.depth, 100U);
    EXPECT_TRUE(state.states.set_state({}, runtime::NodeState::waiting_peers).has_value());
    EXPECT_EQ(state.refused, base::Errc::conflict);
}

TEST(AuditRuntime, N11_NonBlockingCallsThatBlock_WithoutATimeOutEveryCallReturnsAtOnce) {
    host::ThreadSafeQueue queue({.messages_max = 1});
    EXPECT_EQ(queue.pop().error().code, base::Errc::timeout);
    EXPECT_TRUE(queue.push({.type = 1}).has_value());
    EXPECT_EQ(queue.push({.type = 2}).error().code, base::Errc::full);
    EXPECT_EQ(queue.pop()->type, 1);
    queue.close();
    EXPECT_EQ(queue.pop(1h).error().code, base::Errc::closed) << "nor does anything wait for ever";
}

}  // namespace
}  // namespace meshchain::tests::audit
