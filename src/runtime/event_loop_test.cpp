#include "runtime/event_loop.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace meshchain::runtime {
namespace {

using namespace std::chrono_literals;
using base::Errc;
using base::Instant;

Instant at(base::Duration since_start) { return Instant{since_start}; }
Outcome failing() { return base::failure(Errc::unavailable, "the reason", "test"); }

constexpr EventType type = EventType::custom;
constexpr EventType other = custom_event(1);

/// Time that jumps to every deadline, and counts how often it was asked to.
class JumpingWaiter final : public Waiter {
public:
    Instant wait_until(Instant deadline) override {
        ++waits;
        now = std::max(now + 1us, deadline);
        return now;
    }
    Instant now{};
    int waits = 0;
};

class CollectingSink final : public base::LogSink {
public:
    bool wants(base::LogLevel, std::string_view) const override { return true; }
    void write(base::LogLevel, std::string_view, std::string_view line, base::LogFields) override {
        lines += std::string(line) + "\n";
    }
    std::string lines;
};

struct LoopTest : testing::Test {
    CollectingSink sink;
    EventLoop loop{base::Log(&sink, "test"),
                   {.events_max = 8, .emit_depth_max = 4, .events_per_turn = 4}};
    std::string calls;

    void on(EventType event_type, Handler handler) {
        ASSERT_TRUE(loop.register_handler(event_type, handler));
    }
    Handler noting(char who) {
        return [this, who](Instant, const Event&) { calls += who; };
    }
};

// P5-8 of the audit: a failing handler was only printed.
TEST_F(LoopTest, P5_8_AFailingHandler_IsPublishedLoggedCountedAndStopsNobody) {
    on(type, [](Instant, const Event&) { return failing(); });
    on(type, noting('b'));
    on(EventType::node_error, [this](Instant, const Event& event) {
        calls += event.source.name();
        calls += event.data.text()->view();
    });
    loop.emit(at(0s), {.type = type});
    EXPECT_EQ(calls, "b");
    loop.run_once(at(0s));
    EXPECT_EQ(calls, "bevent_loopthe reason");
    EXPECT_EQ(loop.statistics().failures, 1U);
    EXPECT_NE(sink.lines.find("handler of CUSTOM failed: test: the reason"), std::string::npos);
}

TEST_F(LoopTest, P5_8_AFailingHandlerOfFailures_DoesNotFeedItself) {
    on(EventType::node_error, [](Instant, const Event&) { return failing(); });
    loop.emit(at(0s), {.type = EventType::node_error});
    EXPECT_EQ(loop.statistics().failures, 1U);
    EXPECT_EQ(loop.queued(), 0U);
}

TEST_F(LoopTest, AFailingTaskAndAFailingMessage_ArePublishedToo) {
    int errors = 0;
    on(EventType::node_error, [&errors](Instant, const Event&) { ++errors; });
    ASSERT_TRUE(loop.tasks().schedule_at(at(0s), "t", [](Instant) { return failing(); }));
    loop.set_message_handler([](Instant, const Message&) { return failing(); });
    ASSERT_TRUE(loop.enqueue_message(at(0s), {.type = 5}));
    loop.run_once(at(0s));
    loop.run_once(at(0s));
    EXPECT_EQ(errors, 5);  // one task, and a message tried four times
    EXPECT_EQ(loop.messages().statistics().abandoned, 1U);
    EXPECT_TRUE(loop.messages().empty());
    EXPECT_NE(sink.lines.find("task t failed"), std::string::npos);
}

TEST_F(LoopTest, AFullQueue_RefusesTheNewestAndCounts) {
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(loop.enqueue({.type = type}));
    EXPECT_FALSE(loop.enqueue({.type = type, .priority = EventPriority::critical}));
    EXPECT_FALSE(loop.post([](Instant) {}));
    EXPECT_EQ(loop.statistics().refused, 2U);
    EXPECT_EQ(loop.statistics().peak, 8U);
    while (loop.run_once(at(0s)) > 0) {
    }
    EXPECT_EQ(loop.statistics().dequeued, 8U);
    EXPECT_EQ(loop.statistics().unhandled, 8U);
}

TEST_F(LoopTest, N_11_EmitWithinEmit_IsBoundedAndTheRestIsQueued) {
    on(type, [this](Instant now, const Event& event) {
        calls += 'x';
        if (calls.size() < 10) loop.emit(now, event);
    });
    EXPECT_EQ(loop.emit(at(0s), {.type = type}), Delivery::dispatched);
    EXPECT_EQ(calls.size(), 4U);
    EXPECT_EQ(loop.statistics().deferred, 1U);
    while (loop.run_once(at(0s)) > 0) {
    }
    EXPECT_EQ(calls.size(), 10U);
}

TEST_F(LoopTest, N_11_EmitTooDeepWithAFullQueue_IsRefused) {
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(loop.enqueue({.type = other}));
    Delivery deepest = Delivery::dispatched;
    on(type, [this, &deepest](Instant now, const Event& event) {
        const Delivery delivery = loop.emit(now, event);
        if (delivery != Delivery::dispatched) deepest = delivery;
    });
    loop.emit(at(0s), {.type = type});
    EXPECT_EQ(deepest, Delivery::refused);
}

TEST_F(LoopTest, N_11_HandlersMayDoEverythingToTheLoop) {
    HandlerId own{};
    struct Context {
        LoopTest* test;
        HandlerId* own;
    } context{this, &own};
    own = *loop.register_handler(type, [context](Instant now, const Event&) {
        LoopTest& test = *context.test;
        test.calls += 'a';
        EXPECT_TRUE(test.loop.unregister_handler(*context.own));
        EXPECT_TRUE(test.loop.register_handler(type, test.noting('b')));
        EXPECT_TRUE(test.loop.enqueue({.type = type}));
        EXPECT_EQ(test.loop.run_once(now), 0U);
        EXPECT_TRUE(test.loop.post([context](Instant) { context.test->calls += 'p'; }));
    });
    ASSERT_TRUE(loop.enqueue({.type = type}));
    loop.run_once(at(0s));
    EXPECT_EQ(calls, "abp");
}

TEST_F(LoopTest, ATurn_RunsTasksThenEventsByPriorityThenMessages) {
    ASSERT_TRUE(loop.tasks().schedule_at(at(0s), "t", [this](Instant) { calls += 't'; }));
    on(type, [this](Instant, const Event& event) {
        calls += static_cast<char>('0' + level(event.priority));
    });
    loop.set_message_handler([this](Instant, const Message&) { calls += 'm'; });
    ASSERT_TRUE(loop.enqueue_message(at(0s), {}));
    for (const auto priority : {EventPriority::low, EventPriority::critical, EventPriority::normal,
                                EventPriority::high}) {
        ASSERT_TRUE(loop.enqueue({.type = type, .priority = priority}));
    }
    EXPECT_EQ(loop.run_once(at(0s)), 6U);
    EXPECT_EQ(calls, "t3210m");
}

TEST_F(LoopTest, ATurnIsBounded_EvenIfHandlersAddWorkForEver) {
    on(type, [this](Instant, const Event& event) { EXPECT_TRUE(loop.enqueue(event)); });
    ASSERT_TRUE(loop.enqueue({.type = type}));
    EXPECT_EQ(loop.run_once(at(0s)), 4U);
    EXPECT_EQ(loop.poll_timeout(), Instant::min());
}

TEST_F(LoopTest, UrgentEventsWithoutEnd_DoNotStarveALowOne) {
    bool low_seen = false;
    on(type, [this](Instant, const Event& event) { EXPECT_TRUE(loop.enqueue(event)); });
    on(other, [&low_seen](Instant, const Event&) { low_seen = true; });
    ASSERT_TRUE(loop.enqueue({.type = other, .priority = EventPriority::low}));
    ASSERT_TRUE(loop.enqueue({.type = type, .priority = EventPriority::critical}));
    for (unsigned turn = 0; turn <= PriorityQueue<int>::patience / 4; ++turn) {
        loop.run_once(at(0s));
    }
    EXPECT_TRUE(low_seen);
}

TEST_F(LoopTest, WithoutAMessageHandler_MessagesAreCountedAsUnhandled) {
    ASSERT_TRUE(loop.enqueue_message(at(0s), {}));
    loop.run_once(at(0s));
    EXPECT_EQ(loop.statistics().unhandled, 1U);
    EXPECT_EQ(loop.poll_timeout(), base::never);
}

// P5-17 of the audit: the idle loop polled every millisecond.
TEST_F(LoopTest, P5_17_AnIdleLoop_WakesForItsTasksOnly) {
    int runs = 0;
    ASSERT_TRUE(loop.tasks().schedule_every(at(0s), 1s, "slot", [&runs](Instant) { ++runs; }));
    ASSERT_TRUE(loop.tasks().schedule_every(at(0s), 5s, "hello", [&runs](Instant) { ++runs; }));
    JumpingWaiter waiter;
    EXPECT_EQ(loop.run_for(at(0s), at(60s), waiter), at(60s));
    EXPECT_EQ(runs, 61 + 13);
    EXPECT_EQ(waiter.waits, 60);  // far below 20 a second
}

TEST_F(LoopTest, RunFor_EndsAtItsTimeAndRunsWhatIsDueThen) {
    ASSERT_TRUE(loop.tasks().schedule_at(at(10s), "t", [this](Instant) { calls += 't'; }));
    ASSERT_TRUE(loop.tasks().schedule_at(at(10s + 1ns), "t", [this](Instant) { calls += 'u'; }));
    JumpingWaiter waiter;
    EXPECT_EQ(loop.run_for(at(0s), at(10s), waiter), at(10s));
    EXPECT_EQ(calls, "t");
}

TEST_F(LoopTest, Stop_EndsARunAfterThePresentTurn) {
    ASSERT_TRUE(loop.tasks().schedule_at(at(3s), "t", [this](Instant) { loop.stop(); }));
    JumpingWaiter waiter;
    EXPECT_EQ(loop.run_for(at(0s), base::never, waiter), at(3s));
}

TEST_F(LoopTest, AnUnregisteredHandler_HearsNothing) {
    const HandlerId id = *loop.register_handler(type, noting('a'));
    EXPECT_TRUE(loop.unregister_handler(id));
    EXPECT_FALSE(loop.unregister_handler(id));
    loop.emit(at(0s), {.type = type});
    EXPECT_EQ(calls, "");
    EXPECT_EQ(loop.statistics().unhandled, 1U);
}

/// A node's worth of everything, driven by one seed.
std::string history(std::uint64_t seed) {
    std::string log;
    EventLoop loop;
    base::Random random(seed);
    JumpingWaiter waiter;
    struct Context {
        std::string* log;
        EventLoop* loop;
        base::Random* random;
    } context{&log, &loop, &random};
    for (std::uint16_t n = 0; n < 4; ++n) {
        EXPECT_TRUE(loop.register_handler(
            custom_event(n), [&context](Instant now, const Event& event) -> Outcome {
                *context.log += std::to_string(now.time_since_epoch().count()) + ":" +
                                std::to_string(static_cast<int>(event.type)) + " ";
                const auto next =
                    custom_event(static_cast<std::uint16_t>(context.random->below(4)));
                if (context.random->chance(1, 4)) context.loop->emit(now, {.type = next});
                if (context.random->chance(1, 3)) {
                    context.loop->enqueue({.type = next, .priority = EventPriority::high});
                }
                return context.random->chance(1, 10) ? failing() : Outcome{};
            }));
        EXPECT_TRUE(loop.tasks().schedule_every(
            at(n * 7ms), 50ms + n * 10ms, "t", [&context, n](Instant) -> Outcome {
                context.loop->enqueue({.type = custom_event(n)});
                return context.random->chance(1, 5) ? failing() : Outcome{};
            }));
    }
    loop.run_for(at(0s), at(10s), waiter);
    return log;
}

TEST(EventLoop, TheSameCalls_GiveTheSameHistory) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const std::string first = history(seed);
        EXPECT_GT(first.size(), 1000U);
        EXPECT_EQ(history(seed), first);
    }
    EXPECT_NE(history(1), history(2));
}

}  // namespace
}  // namespace meshchain::runtime
