#pragma once
// The node's heart: tasks when they are due, events to whoever registered, messages in turn.
//
// Order:    run_once runs due tasks, then at most events_per_turn queued events and posted
//           functions by priority (PriorityQueue says how none starves), then at most
//           messages_per_turn messages. The same calls give the same order, always.
// Time:     every call takes `now`, which never goes backwards.
// Errors:   a handler, task or message that fails is counted, logged and published as NODE_ERROR,
//           and stops nothing else. A failing handler of NODE_ERROR is only counted and logged.
// Re-entry: handlers and tasks may call everything. emit within emit goes emit_depth_max deep,
//           then the event is queued instead; run_once within run_once does nothing.
// Limits:   LoopLimits; nothing is allocated after construction but by failures and by messages'
//           own payloads. What finds no room is refused and counted.
// Threads:  one owner. Other threads hand in events through host's EventInbox.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <utility>
#include <variant>

#include "base/log.h"
#include "base/time.h"
#include "runtime/callback.h"
#include "runtime/event.h"
#include "runtime/handler_table.h"
#include "runtime/limits.h"
#include "runtime/message_queue.h"
#include "runtime/priority_queue.h"
#include "runtime/task_scheduler.h"
#include "runtime/waiter.h"

namespace meshchain::runtime {

/// Work that another turn of the loop does.
using Posted = Callback<void(base::Instant now)>;
/// Handles a message; after an Error the message is tried again, MessageLimits::retries_max times.
using MessageHandler = Callback<Outcome(base::Instant now, const Message& message)>;

/// What became of an emitted event.
enum class Delivery : std::uint8_t {
    dispatched,  ///< every handler was called
    queued,      ///< emitted too deep; the next turn calls the handlers
    refused,     ///< too deep and no room in the queue
};

class EventLoop {
public:
    struct Statistics {
        std::uint64_t turns = 0;
        std::uint64_t emitted = 0;    ///< dispatched in the call of emit
        std::uint64_t enqueued = 0;   ///< accepted by enqueue and post
        std::uint64_t dequeued = 0;   ///< events and posted functions that left the queue
        std::uint64_t refused = 0;    ///< found no room
        std::uint64_t deferred = 0;   ///< emitted too deep
        std::uint64_t unhandled = 0;  ///< events and messages that nobody had registered for
        std::uint64_t handled = 0;    ///< calls of handlers
        std::uint64_t messages = 0;
        std::uint64_t failures = 0;  ///< of handlers, tasks and messages
        std::size_t peak = 0;        ///< most events queued at once
    };

    explicit EventLoop(base::Log log = {}, const LoopLimits& limits = {});
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Calls `handler` for every event of `type`, after those registered before it.
    /// Errors: full, invalid_argument (a type at or above event_types_max).
    std::expected<HandlerId, base::Error> register_handler(EventType type, Handler handler) {
        return handlers_.add(type, handler);
    }
    /// From now on it is not called, even by a dispatch under way. False when it was gone already.
    bool unregister_handler(HandlerId id) { return handlers_.remove(id); }

    /// Calls the handlers before it returns.
    Delivery emit(base::Instant now, const Event& event) {
        if (handlers_.depth() >= limits_.emit_depth_max) return defer(event);
        ++statistics_.emitted;
        dispatch(now, event);
        return Delivery::dispatched;
    }

    /// Leaves the event to a turn of run_once. False, and counted, when the queue is full.
    bool enqueue(const Event& event) { return push(level(event.priority), event); }
    /// Leaves a function call to a turn of run_once. False, and counted, when the queue is full.
    bool post(Posted work, EventPriority priority = EventPriority::normal) {
        return push(level(priority), work);
    }

    void set_message_handler(MessageHandler handler) { message_handler_ = handler; }
    /// Errors: full, too_large; `message` is moved from only on success.
    std::expected<void, base::Error> enqueue_message(base::Instant now, Message&& message) {
        return messages_.enqueue(now, std::move(message));
    }

    TaskScheduler& tasks() { return tasks_; }
    const TaskScheduler& tasks() const { return tasks_; }
    const MessageQueue& messages() const { return messages_; }

    /// One turn; returns how many tasks, events and messages it handled.
    std::size_t run_once(base::Instant now);

    /// Turns until `until` or stop(), letting `waiter` pass the time in between. A last turn takes
    /// place at `until`. Returns the time at which it ended.
    base::Instant run_for(base::Instant now, base::Instant until, Waiter& waiter);
    /// Ends run_for after the present turn.
    void stop() { stopping_ = true; }

    /// When run_once should next be called: Instant::min() while work is queued, otherwise the
    /// next task's due time, or `never`.
    base::Instant poll_timeout() const {
        return queue_.empty() && messages_.empty() ? tasks_.poll_timeout() : base::Instant::min();
    }

    std::size_t queued() const { return queue_.size(); }
    bool has_room() const { return queue_.size() < queue_.capacity(); }
    const Statistics& statistics() const { return statistics_; }

private:
    using Item = std::variant<Event, Posted>;

    template <class T>
    bool push(unsigned at_level, const T& value) {
        if (!queue_.push(at_level, std::in_place_type<T>, value)) {
            ++statistics_.refused;
            return false;
        }
        ++statistics_.enqueued;
        if (queue_.size() > statistics_.peak) statistics_.peak = queue_.size();
        return true;
    }

    void dispatch(base::Instant now, const Event& event) {
        const std::size_t called = handlers_.dispatch(
            now, event, [this, &event](const base::Error& error) { handler_failed(event, error); });
        statistics_.handled += called;
        if (called == 0) ++statistics_.unhandled;
    }

    Delivery defer(const Event& event);
    std::size_t run_events(base::Instant now);
    std::size_t run_messages(base::Instant now);
    void run_message(base::Instant now, Message message);
    void handler_failed(const Event& event, const base::Error& error);
    void report_failure(std::string_view what, std::string_view who, const base::Error& error,
                        bool publish);

    base::Log log_;
    LoopLimits limits_;
    HandlerTable handlers_;
    PriorityQueue<Item> queue_;
    MessageQueue messages_;
    MessageHandler message_handler_{};
    TaskScheduler tasks_;
    bool running_ = false;
    bool stopping_ = false;
    Statistics statistics_{};
};

}  // namespace meshchain::runtime
