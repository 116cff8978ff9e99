#include "runtime/task_scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/random.h"

namespace meshchain::runtime {
namespace {

using namespace std::chrono_literals;
using base::Errc;
using base::Instant;

Instant at(base::Duration since_start) { return Instant{since_start}; }
Outcome failing() { return base::failure(Errc::unavailable, "no", "test"); }

struct SchedulerTest : testing::Test {
    TaskScheduler scheduler{{.tasks_max = 8}};
    std::vector<base::Duration> ran_at;
    std::string calls;
    TaskId id{};

    ~SchedulerTest() override { scheduler.check_invariants(); }
    Task noting() {
        return [this](Instant now) { ran_at.push_back(now.time_since_epoch()); };
    }
    Task noting(char who) {
        return [this, who](Instant) { calls += who; };
    }
    /// Lets virtual time jump from due time to due time.
    void run_until(base::Duration end) {
        while (scheduler.poll_timeout() <= at(end)) scheduler.run_due(scheduler.poll_timeout());
        scheduler.run_due(at(end));
    }
};

TEST_F(SchedulerTest, Full_RefusesAndAFinishedTaskMakesRoom) {
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(scheduler.schedule_at(at(1s), "t", noting()));
    EXPECT_EQ(scheduler.schedule_at(at(1s), "t", noting()).error().code, Errc::full);
    EXPECT_EQ(scheduler.run_due(at(1s)), 8U);
    EXPECT_TRUE(scheduler.schedule_at(at(1s), "t", noting()));
}

TEST_F(SchedulerTest, APeriodThatIsNotAboveZero_IsRefused) {
    for (const auto period : {0s, -1s}) {
        EXPECT_EQ(scheduler.schedule_every(at(0s), period, "t", noting()).error().code,
                  Errc::invalid_argument);
    }
}

TEST_F(SchedulerTest, AStaleId_TouchesNobodyElse) {
    const TaskId first = *scheduler.schedule_at(at(1s), "a", noting('a'));
    EXPECT_TRUE(scheduler.cancel(first));
    const TaskId second = *scheduler.schedule_at(at(1s), "b", noting('b'));
    EXPECT_EQ(second.slot, first.slot);
    EXPECT_FALSE(scheduler.cancel(first));
    EXPECT_FALSE(scheduler.disable(first));
    EXPECT_FALSE(scheduler.enable(at(0s), first));
    EXPECT_FALSE(scheduler.statistics(first));
    EXPECT_FALSE(scheduler.cancel({.slot = 1000}));
    scheduler.run_due(at(1s));
    EXPECT_EQ(calls, "b");
}

TEST_F(SchedulerTest, NothingRunsBeforeItIsDue) {
    ASSERT_TRUE(scheduler.schedule_at(at(5s), "t", noting()));
    EXPECT_EQ(scheduler.run_due(at(5s - 1ns)), 0U);
    EXPECT_EQ(scheduler.poll_timeout(), at(5s));
    EXPECT_EQ(scheduler.run_due(at(5s)), 1U);
    EXPECT_EQ(scheduler.poll_timeout(), base::never);
}

TEST_F(SchedulerTest, DueTimesThatTouchTheEndsOfTime_AreHarmless) {
    ASSERT_TRUE(scheduler.schedule_at(base::never, "late", noting('l')));
    ASSERT_TRUE(scheduler.schedule_every(at(1s), base::Duration::max(), "rare", noting('r')));
    ASSERT_TRUE(scheduler.schedule_at(Instant::min(), "early", noting('e')));
    EXPECT_EQ(scheduler.run_due(at(1h)), 2U);
    EXPECT_EQ(calls, "er");
    EXPECT_LT(scheduler.poll_timeout(), base::never);
}

TEST_F(SchedulerTest, TasksDueTogether_RunInOrderOfScheduling) {
    for (const char who : {'a', 'b', 'c'}) {
        ASSERT_TRUE(scheduler.schedule_at(at(2s), "t", noting(who)));
    }
    ASSERT_TRUE(scheduler.schedule_at(at(1s), "t", noting('0')));
    scheduler.run_due(at(3s));
    EXPECT_EQ(calls, "0abc");
}

// P5-18 of the audit: the next run was counted from the end of the last, so that tasks drifted.
TEST_F(SchedulerTest, P5_18_APeriodicTaskThatAlwaysRunsLate_DoesNotDrift) {
    ASSERT_TRUE(scheduler.schedule_every(at(10s), 10s, "t", noting()));
    for (int run = 1; run <= 1000; ++run) {
        EXPECT_EQ(scheduler.poll_timeout(), at(run * 10s));
        scheduler.run_due(at(run * 10s + 3s));
    }
    EXPECT_EQ(ran_at.size(), 1000U);
    EXPECT_EQ(scheduler.statistics().skipped, 0U);
    EXPECT_EQ(scheduler.statistics().lateness_max, 3s);
}

TEST_F(SchedulerTest, AfterAStall_MissedPeriodsAreSkippedAndCountedNotMadeUp) {
    id = *scheduler.schedule_every(at(1s), 1s, "t", noting());
    EXPECT_EQ(scheduler.run_due(at(10s + 500ms)), 1U);
    EXPECT_EQ(scheduler.poll_timeout(), at(11s));
    EXPECT_EQ(scheduler.statistics(id)->skipped, 9U);
    EXPECT_EQ(scheduler.statistics(id)->lateness_max, 9s + 500ms);
}

// N-12 of the audit: a failing task was tried again in a tight loop.
TEST_F(SchedulerTest, N_12_AFailingPeriodicTask_BacksOffOnItsGridAndRecovers) {
    bool healthy = false;
    id = *scheduler.schedule_every(at(1s), 1s, "t", [this, &healthy](Instant now) -> Outcome {
        ran_at.push_back(now.time_since_epoch());
        return healthy ? Outcome{} : failing();
    });
    run_until(16s);
    EXPECT_EQ(ran_at, (std::vector<base::Duration>{1s, 3s, 7s, 15s}));
    EXPECT_EQ(scheduler.statistics(id)->failures_in_a_row, 4U);
    healthy = true;
    run_until(33s);
    EXPECT_EQ(ran_at.back(), 33s);
    EXPECT_EQ(ran_at[ran_at.size() - 2], 32s);
    EXPECT_EQ(ran_at[ran_at.size() - 3], 31s);
    EXPECT_EQ(scheduler.statistics(id)->failures_in_a_row, 0U);
}

TEST_F(SchedulerTest, N_12_TheBackOffOfAPeriodicTask_EndsAtItsCap) {
    ASSERT_TRUE(scheduler.schedule_every(at(0s), 60s, "often", [this](Instant now) {
        ran_at.push_back(now.time_since_epoch());
        return failing();
    }));
    run_until(24h);
    EXPECT_EQ(ran_at.back() - ran_at[ran_at.size() - 2], 5min);
}

TEST_F(SchedulerTest, N_12_ARareTaskThatFails_StillRunsEachPeriod) {
    ASSERT_TRUE(scheduler.schedule_every(at(0s), 1h, "rare", [this](Instant now) {
        ran_at.push_back(now.time_since_epoch());
        return failing();
    }));
    run_until(5h);
    EXPECT_EQ(ran_at.size(), 6U);
}

TEST_F(SchedulerTest, N_12_AFailingOneTimeTask_IsTriedAgainWithBackOffAndThenGivenUp) {
    ASSERT_TRUE(scheduler.schedule_at(at(0s), "t", [this](Instant now) {
        ran_at.push_back(now.time_since_epoch());
        return failing();
    }));
    run_until(1h);
    EXPECT_EQ(ran_at, (std::vector<base::Duration>{0s, 1s, 3s, 7s, 15s}));
    EXPECT_EQ(scheduler.statistics().given_up, 1U);
    EXPECT_EQ(scheduler.size(), 0U);
}

TEST_F(SchedulerTest, AFailureIsReportedWithTheNameOfTheTask_AndOthersRun) {
    std::string reported;
    TaskScheduler reporting({}, [&reported](Instant, Source task, const base::Error& error) {
        reported += std::string(task.name()) + ":" + error.what;
    });
    ASSERT_TRUE(reporting.schedule_at(at(1s), "bad", [](Instant) { return failing(); }));
    ASSERT_TRUE(reporting.schedule_at(at(1s), "good", noting('g')));
    EXPECT_EQ(reporting.run_due(at(1s)), 2U);
    EXPECT_EQ(reported, "bad:no");
    EXPECT_EQ(calls, "g");
}

TEST_F(SchedulerTest, ADisabledTask_DoesNotRunAndComesBackOnItsGrid) {
    id = *scheduler.schedule_every(at(1s), 1s, "t", noting());
    EXPECT_TRUE(scheduler.disable(id));
    EXPECT_FALSE(scheduler.enabled(id));
    EXPECT_EQ(scheduler.poll_timeout(), base::never);
    run_until(5s);
    EXPECT_TRUE(ran_at.empty());
    EXPECT_TRUE(scheduler.enable(at(5s + 300ms), id));
    EXPECT_TRUE(scheduler.enable(at(5s + 400ms), id));  // twice is once
    run_until(7s);
    EXPECT_EQ(ran_at, (std::vector<base::Duration>{6s, 7s}));
}

TEST_F(SchedulerTest, ATaskMayCancelItselfAndItsPlaceBeTakenAtOnce) {
    id = *scheduler.schedule_every(at(1s), 1s, "t", [this](Instant now) {
        calls += 'a';
        EXPECT_TRUE(scheduler.cancel(id));
        const TaskId next = *scheduler.schedule_at(now + 1s, "next", noting('b'));
        EXPECT_EQ(next.slot, id.slot);
        EXPECT_TRUE(scheduler.disable(next));
        EXPECT_TRUE(scheduler.enable(now, next));
    });
    run_until(10s);
    EXPECT_EQ(calls, "ab");
    EXPECT_EQ(scheduler.size(), 0U);
}

TEST_F(SchedulerTest, ATaskMayDisableAndEnableItself) {
    id = *scheduler.schedule_every(at(1s), 1s, "t", [this](Instant now) {
        ran_at.push_back(now.time_since_epoch());
        EXPECT_TRUE(scheduler.disable(id));
        if (now < at(2s)) {
            EXPECT_TRUE(scheduler.enable(now, id));
        }
    });
    run_until(10s);
    EXPECT_EQ(ran_at, (std::vector<base::Duration>{1s, 2s}));
    EXPECT_EQ(scheduler.size(), 1U);
}

TEST_F(SchedulerTest, ATaskThatAlwaysAsksForThePast_KeepsNobodyFromTheirTurn) {
    struct Greedy {
        SchedulerTest* test;
        void operator()(Instant) const {
            test->calls += 'g';
            EXPECT_TRUE(test->scheduler.schedule_at(Instant::min(), "greedy", *this));
        }
    };
    ASSERT_TRUE(scheduler.schedule_at(at(1s), "greedy", Greedy{this}));
    ASSERT_TRUE(scheduler.schedule_at(at(2s), "patient", noting('p')));
    EXPECT_EQ(scheduler.run_due(at(2s)), 2U);
    EXPECT_EQ(calls, "gp");
    EXPECT_EQ(scheduler.run_due(at(2s)), 1U);
}

TEST_F(SchedulerTest, N_11_RunDueFromWithinATask_DoesNothing) {
    ASSERT_TRUE(scheduler.schedule_at(at(1s), "t", [this](Instant now) {
        EXPECT_EQ(scheduler.run_due(now), 0U);
        calls += 'a';
    }));
    ASSERT_TRUE(scheduler.schedule_at(at(1s), "t", noting('b')));
    EXPECT_EQ(scheduler.run_due(at(1s)), 2U);
    EXPECT_EQ(calls, "ab");
}

TEST_F(SchedulerTest, ALimitedRun_LeavesTheRestDue) {
    for (const char who : {'a', 'b', 'c'}) {
        ASSERT_TRUE(scheduler.schedule_at(at(1s), "t", noting(who)));
    }
    EXPECT_EQ(scheduler.run_due(at(1s), 2), 2U);
    EXPECT_EQ(scheduler.poll_timeout(), at(1s));
    EXPECT_EQ(calls, "ab");
}

// Cancelled tasks leave nothing behind that would wake an idle loop or fill the memory.
TEST_F(SchedulerTest, P5_17_ACancelledTask_WakesNobody) {
    ASSERT_TRUE(scheduler.schedule_at(at(1h), "t", noting()));
    for (int i = 0; i < 10'000; ++i) {
        id = *scheduler.schedule_at(at(1s), "t", noting());
        EXPECT_TRUE(scheduler.cancel(id));
        EXPECT_EQ(scheduler.poll_timeout(), at(1h));
    }
    scheduler.check_invariants();
}

/// Against a model that is an ordered map: same tasks in the same order, whatever happens.
TEST(TaskScheduler, AnyHistory_RunsWhatAnOrderedMapWouldRun) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Random random(seed);
        TaskScheduler scheduler({.tasks_max = 300});
        std::map<std::pair<std::int64_t, int>, TaskId> model;  // by due time and order
        std::vector<int> ran;
        std::int64_t now = 0;
        const auto spread = static_cast<std::uint64_t>(1) << random.below(30);
        for (int step = 0; step < 3000; ++step) {
            const std::uint64_t action = random.below(10);
            if (action < 6 && model.size() < 300) {
                const auto due = now + static_cast<std::int64_t>(random.below(spread));
                model[{due, step}] = *scheduler.schedule_at(
                    at(base::Duration{due}), "t", [&ran, step](Instant) { ran.push_back(step); });
            } else if (action < 8 && !model.empty()) {
                const auto victim = std::next(
                    model.begin(), static_cast<std::ptrdiff_t>(random.below(model.size())));
                ASSERT_TRUE(scheduler.cancel(victim->second));
                model.erase(victim);
            } else {
                now += static_cast<std::int64_t>(random.below(spread / 4 + 1));
                std::vector<int> expected;
                while (!model.empty() && model.begin()->first.first <= now) {
                    expected.push_back(model.begin()->first.second);
                    model.erase(model.begin());
                }
                ran.clear();
                ASSERT_EQ(scheduler.run_due(at(base::Duration{now})), expected.size());
                ASSERT_EQ(ran, expected);
            }
            ASSERT_EQ(scheduler.size(), model.size());
            ASSERT_EQ(scheduler.poll_timeout(),
                      model.empty() ? base::never : at(base::Duration{model.begin()->first.first}));
        }
        scheduler.check_invariants();
    }
}

}  // namespace
}  // namespace meshchain::runtime
