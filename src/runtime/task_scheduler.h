#pragma once
// Runs tasks when they are due: once, or every period.
//
// Time:      a periodic task keeps its grid (next = previous due + period), however late it ran.
//            Periods missed in a stall are skipped and counted, never made up in a burst. Tasks
//            due at the same instant run in the order in which they were armed. A due time in the
//            past means: at the next run. Instants are not negative.
// Errors:    a task that fails is reported and backs off. A periodic one waits 2, 4, 8... periods,
//            at most `backoff_max` or one period; its first success ends that. A one-time task is
//            tried again after backoff_first, doubling to backoff_max, attempts_max times in all.
// Re-entry:  a task may schedule, cancel, enable and disable anything, itself included. What it
//            schedules runs in the next run_due at the earliest.
// Limits:    TaskLimits; memory fixed at construction.
// Threads:   one owner.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"
#include "runtime/callback.h"
#include "runtime/limits.h"
#include "runtime/source.h"
#include "runtime/timer_queue.h"

namespace meshchain::runtime {

using Task = Callback<Outcome(base::Instant now)>;

/// Names one task for its whole life; never reused for another.
struct TaskId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const TaskId&, const TaskId&) = default;
};

/// Told of each failure, after the task returned.
using TaskFailure = Callback<void(base::Instant now, Source task, const base::Error& error)>;

class TaskScheduler {
public:
    struct TaskStatistics {
        Source name{};
        std::uint64_t runs = 0;
        std::uint64_t failures = 0;
        std::uint64_t skipped = 0;  ///< periods missed in stalls
        std::uint32_t failures_in_a_row = 0;
        base::Duration lateness_max{};
    };
    struct Statistics {
        std::uint64_t scheduled = 0;
        std::uint64_t runs = 0;
        std::uint64_t failures = 0;
        std::uint64_t skipped = 0;
        std::uint64_t given_up = 0;  ///< one-time tasks whose last attempt failed
        base::Duration lateness_max{};
    };

    explicit TaskScheduler(const TaskLimits& limits = {}, TaskFailure on_failure = {});

    /// Runs `task` once, at `due` or as soon after it as run_due is called.
    /// Errors: full.
    std::expected<TaskId, base::Error> schedule_at(base::Instant due, Source name, Task task);

    /// Runs `task` at `first`, first + period, ...
    /// Errors: full, invalid_argument (period not above zero).
    std::expected<TaskId, base::Error> schedule_every(base::Instant first, base::Duration period,
                                                      Source name, Task task);

    /// Forgets the task. False when it has finished or was cancelled already.
    bool cancel(TaskId id);
    /// Keeps the task but does not run it. False when there is no such task.
    bool disable(TaskId id);
    /// Lets a disabled task run again: a periodic one at its next time on the grid after `now`, a
    /// one-time task at its due time. False when there is no such task.
    bool enable(base::Instant now, TaskId id);

    /// Runs what is due at `now`, in order of due time, at most `runs_max` tasks; returns how many.
    /// Called from within a task it does nothing.
    std::size_t run_due(base::Instant now, std::size_t runs_max = SIZE_MAX);

    /// When run_due should next be called: the earliest due time, or `never`.
    base::Instant poll_timeout() const { return timers_.empty() ? base::never : timers_.top().due; }

    bool enabled(TaskId id) const;
    std::optional<TaskStatistics> statistics(TaskId id) const;
    const Statistics& statistics() const { return totals_; }
    /// Tasks held, disabled ones included.
    std::size_t size() const { return size_; }
    void check_invariants() const;

private:
    // What firing a timer touches fits one cache line; figures for people lie apart.
    struct alignas(64) Slot {
        Task task{};
        base::Duration period{};  ///< zero: one-time
        base::Instant due{};
        std::uint32_t generation = 0;
        std::uint32_t armed = 0;  ///< order of its live timer, 0 when it has none
        std::uint32_t next_free = 0;
        bool used = false;
        bool disabled = false;
    };

    static constexpr std::uint32_t no_slot = UINT32_MAX;

    std::expected<TaskId, base::Error> add(base::Instant due, base::Duration period, Source name,
                                           Task task);
    const Slot* find(TaskId id) const;
    Slot* find(TaskId id) { return const_cast<Slot*>(std::as_const(*this).find(id)); }
    bool dead(const TimerQueue::Entry& entry) const {
        return slots_[entry.slot].armed != entry.order;
    }
    void arm(std::uint32_t slot, base::Instant due);
    void drop_dead_tops();
    void release(std::uint32_t slot);
    void run(base::Instant now, std::uint32_t slot);
    void after_one_time(base::Instant now, std::uint32_t slot, bool failed);
    void after_periodic(base::Instant now, std::uint32_t slot, bool failed);
    void count_run(std::uint32_t slot, base::Duration lateness);
    base::Instant next_on_grid(base::Instant now, std::uint32_t slot, base::Instant next);

    TaskLimits limits_;
    TaskFailure on_failure_;
    std::vector<Slot> slots_;
    std::vector<TaskStatistics> figures_;
    TimerQueue timers_;
    std::uint32_t first_free_ = 0;
    std::uint32_t running_slot_ = no_slot;
    std::uint32_t next_order_ = 1;
    std::size_t size_ = 0;
    base::Instant latest_{};  ///< the latest `now` seen
    bool running_ = false;
    Statistics totals_{};
};

}  // namespace meshchain::runtime
