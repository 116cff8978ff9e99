#include "runtime/task_scheduler.h"

#include <algorithm>
#include <string>
#include <utility>

namespace meshchain::runtime {
namespace {

constexpr std::uint32_t doublings_max = 20;
constexpr std::size_t fetched_ahead = 16;

base::Duration backoff(const TaskLimits& limits, std::uint32_t failures) {
    const std::uint32_t doublings = std::min(failures - 1, doublings_max);
    if (limits.backoff_first > limits.backoff_max / (1 << doublings)) return limits.backoff_max;
    return limits.backoff_first * (1 << doublings);
}

/// How many periods a task waits after its n-th failure in a row.
std::int64_t periods_to_wait(base::Duration period, base::Duration backoff_max,
                             std::uint32_t failures) {
    const std::int64_t doubled = std::int64_t{1} << std::min(failures, doublings_max);
    return std::clamp<std::int64_t>(backoff_max / period, 1, doubled);
}

/// Due times end one nanosecond before `never`, so that a sum cannot overflow.
base::Instant later(base::Instant from, base::Duration delay) {
    const base::Instant last = base::never - base::Duration{1};
    return delay > last - std::max(from, base::Instant{}) ? last : from + delay;
}

}  // namespace

TaskScheduler::TaskScheduler(const TaskLimits& limits, TaskFailure on_failure)
    : limits_(limits),
      on_failure_(on_failure),
      slots_(limits.tasks_max),
      figures_(limits.tasks_max),
      timers_(2 * limits.tasks_max) {  // dead entries are swept out when they fill half of it
    MESH_ASSERT(limits.tasks_max > 0 && limits.tasks_max < no_slot / 2);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        slots_[i].next_free = i + 1 < slots_.size() ? static_cast<std::uint32_t>(i + 1) : no_slot;
    }
}

std::expected<TaskId, base::Error> TaskScheduler::schedule_at(base::Instant due, Source name,
                                                              Task task) {
    return add(due, base::Duration{0}, name, task);
}

std::expected<TaskId, base::Error> TaskScheduler::schedule_every(base::Instant first,
                                                                 base::Duration period, Source name,
                                                                 Task task) {
    if (period <= base::Duration{0}) {
        return base::failure(base::Errc::invalid_argument,
                             "a period of " + std::to_string(period.count()) + " ns for task " +
                                 std::string(name.name()),
                             "task scheduler", "use a period above zero");
    }
    return add(first, period, name, task);
}

std::expected<TaskId, base::Error> TaskScheduler::add(base::Instant due, base::Duration period,
                                                      Source name, Task task) {
    MESH_ASSERT(task);
    if (first_free_ == no_slot) {
        return base::failure(base::Errc::full,
                             "no room for task " + std::string(name.name()) + " beside " +
                                 std::to_string(size_) + " others",
                             "task scheduler", "cancel a task or raise tasks_max");
    }
    const std::uint32_t index = first_free_;
    Slot& slot = slots_[index];
    first_free_ = slot.next_free;
    slot.task = task;
    slot.period = period;
    slot.used = true;
    slot.disabled = false;
    figures_[index] = {.name = name};
    ++size_;
    ++totals_.scheduled;
    arm(index, due);
    return TaskId{index, slot.generation};
}

bool TaskScheduler::cancel(TaskId id) {
    Slot* slot = find(id);
    if (slot == nullptr) return false;
    release(id.slot);
    drop_dead_tops();
    return true;
}

bool TaskScheduler::disable(TaskId id) {
    Slot* slot = find(id);
    if (slot == nullptr) return false;
    slot->disabled = true;
    slot->armed = 0;
    drop_dead_tops();
    return true;
}

bool TaskScheduler::enable(base::Instant now, TaskId id) {
    Slot* slot = find(id);
    if (slot == nullptr) return false;
    if (!std::exchange(slot->disabled, false)) return true;
    if (id.slot == running_slot_) return true;  // run() arms it when it returns
    const bool on_grid = slot->period > base::Duration{0} && slot->due <= now;
    if (on_grid) {
        const auto missed = (now - slot->due) / slot->period + 1;
        arm(id.slot, later(slot->due, missed * slot->period));
    } else {
        arm(id.slot, slot->due);
    }
    return true;
}

std::size_t TaskScheduler::run_due(base::Instant now, std::size_t runs_max) {
    if (std::exchange(running_, true)) return 0;
    latest_ = std::max(latest_, now);
    const std::uint32_t armed_since = next_order_;
    std::size_t runs = 0;
    while (runs < runs_max && !timers_.empty()) {
        const TimerQueue::Entry entry = timers_.top();
        // Whatever was armed during this call is due after all that is older (see arm), so the
        // first such entry ends the call.
        if (entry.due > now || static_cast<std::int32_t>(entry.order - armed_since) >= 0) break;
        timers_.pop();
        if (const auto* soon = timers_.likely_top_after(fetched_ahead)) {
            __builtin_prefetch(&slots_[soon->slot]);
        }
        if (dead(entry)) continue;
        ++runs;
        run(now, entry.slot);
    }
    running_ = false;
    drop_dead_tops();
    return runs;
}

void TaskScheduler::run(base::Instant now, std::uint32_t index) {
    Slot& slot = slots_[index];
    const std::uint32_t generation = slot.generation;
    slot.armed = 0;
    const base::Duration lateness = now - slot.due;
    totals_.lateness_max = std::max(totals_.lateness_max, lateness);
    ++totals_.runs;
    if (slot.period > base::Duration{0}) count_run(index, lateness);

    const Source name = figures_[index].name;
    Task task = slot.task;  // the task may cancel itself and the slot be taken again
    running_slot_ = index;
    const Outcome outcome = task(now);
    running_slot_ = no_slot;
    if (!outcome) {
        ++totals_.failures;
        if (on_failure_) on_failure_(now, name, outcome.error());
    }
    if (slot.generation != generation) return;
    if (slot.period > base::Duration{0}) {
        after_periodic(now, index, !outcome);
    } else {
        after_one_time(now, index, !outcome);
    }
}

void TaskScheduler::count_run(std::uint32_t index, base::Duration lateness) {
    TaskStatistics& figures = figures_[index];
    ++figures.runs;
    figures.lateness_max = std::max(figures.lateness_max, lateness);
}

void TaskScheduler::after_one_time(base::Instant now, std::uint32_t index, bool failed) {
    if (!failed) return release(index);
    TaskStatistics& figures = figures_[index];
    count_run(index, base::Duration{0});
    ++figures.failures;
    ++figures.failures_in_a_row;
    if (figures.failures_in_a_row >= limits_.attempts_max) {
        ++totals_.given_up;
        return release(index);
    }
    Slot& slot = slots_[index];
    slot.due = later(now, backoff(limits_, figures.failures_in_a_row));
    if (!slot.disabled) arm(index, slot.due);
}

void TaskScheduler::after_periodic(base::Instant now, std::uint32_t index, bool failed) {
    Slot& slot = slots_[index];
    TaskStatistics& figures = figures_[index];
    std::int64_t periods = 1;
    if (failed) {
        ++figures.failures;
        ++figures.failures_in_a_row;
        periods = periods_to_wait(slot.period, limits_.backoff_max, figures.failures_in_a_row);
    } else {
        figures.failures_in_a_row = 0;
    }
    slot.due = next_on_grid(now, index, later(slot.due, periods * slot.period));
    if (!slot.disabled) arm(index, slot.due);
}

base::Instant TaskScheduler::next_on_grid(base::Instant now, std::uint32_t index,
                                          base::Instant next) {
    if (next > now) return next;
    const auto missed = (now - next) / slots_[index].period + 1;
    figures_[index].skipped += static_cast<std::uint64_t>(missed);
    totals_.skipped += static_cast<std::uint64_t>(missed);
    return later(next, missed * slots_[index].period);
}

const TaskScheduler::Slot* TaskScheduler::find(TaskId id) const {
    if (id.slot >= slots_.size()) return nullptr;
    const Slot& slot = slots_[id.slot];
    return slot.used && slot.generation == id.generation ? &slot : nullptr;
}

void TaskScheduler::arm(std::uint32_t index, base::Instant due) {
    if (timers_.full()) {
        timers_.remove_if([this](const TimerQueue::Entry& entry) { return dead(entry); });
    }
    Slot& slot = slots_[index];
    // Nothing is due before the latest run, so a task that always asks for the past cannot keep
    // others from their turn.
    slot.due = std::clamp(due, latest_, base::never - base::Duration{1});
    slot.armed = next_order_++;
    if (next_order_ == 0) next_order_ = 1;
    timers_.push({slot.due, slot.armed, index});
}

void TaskScheduler::drop_dead_tops() {
    while (!timers_.empty() && dead(timers_.top())) timers_.pop();
}

void TaskScheduler::release(std::uint32_t index) {
    Slot& slot = slots_[index];
    slot.armed = 0;
    if (running_slot_ == index) running_slot_ = no_slot;  // the place may be another's at once
    ++slot.generation;
    slot.used = false;
    slot.next_free = first_free_;
    first_free_ = index;
    --size_;
}

bool TaskScheduler::enabled(TaskId id) const {
    const Slot* slot = find(id);
    return slot != nullptr && !slot->disabled;
}

std::optional<TaskScheduler::TaskStatistics> TaskScheduler::statistics(TaskId id) const {
    if (find(id) == nullptr) return std::nullopt;
    return figures_[id.slot];
}

void TaskScheduler::check_invariants() const {
    std::size_t used = 0;
    std::size_t armed = 0;
    for (const Slot& slot : slots_) {
        used += slot.used ? 1 : 0;
        armed += slot.armed != 0 ? 1 : 0;
        MESH_ASSERT(slot.used || slot.armed == 0);
        MESH_ASSERT(!slot.disabled || slot.armed == 0);
        MESH_ASSERT(running_ || !slot.used || slot.disabled || slot.armed != 0);
    }
    timers_.check_invariants();
    MESH_ASSERT(used == size_);
    MESH_ASSERT(armed <= timers_.size());
    MESH_ASSERT(timers_.empty() || running_ || !dead(timers_.top()));
}

}  // namespace meshchain::runtime
