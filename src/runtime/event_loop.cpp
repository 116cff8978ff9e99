#include "runtime/event_loop.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace meshchain::runtime {

static_assert(PriorityQueue<Event>::levels == priority_levels);

EventLoop::EventLoop(base::Log log, const LoopLimits& limits)
    : log_(log),
      limits_(limits),
      handlers_(limits.handlers_max, limits.event_types_max),
      queue_(limits.events_max),
      messages_(limits.messages),
      tasks_(limits.tasks, [this](base::Instant, Source task, const base::Error& error) {
          report_failure("task", task.name(), error, true);
      }) {}

std::size_t EventLoop::run_once(base::Instant now) {
    if (std::exchange(running_, true)) return 0;
    ++statistics_.turns;
    std::size_t handled = tasks_.run_due(now, limits_.tasks_per_turn);
    handled += run_events(now);
    handled += run_messages(now);
    running_ = false;
    return handled;
}

base::Instant EventLoop::run_for(base::Instant now, base::Instant until, Waiter& waiter) {
    stopping_ = false;
    while (true) {
        run_once(now);
        if (stopping_ || now >= until) return now;
        now = waiter.wait_until(std::min(poll_timeout(), until));
    }
}

std::size_t EventLoop::run_events(base::Instant now) {
    std::size_t handled = 0;
    for (; handled < limits_.events_per_turn && !queue_.empty(); ++handled) {
        Item& item = queue_.pop();
        if (const Event* event = std::get_if<Event>(&item)) {
            dispatch(now, *event);
        } else {
            (*std::get_if<Posted>(&item))(now);
        }
    }
    statistics_.dequeued += handled;
    return handled;
}

std::size_t EventLoop::run_messages(base::Instant now) {
    std::size_t handled = 0;
    while (handled < limits_.messages_per_turn) {
        std::optional<Message> message = messages_.dequeue(now);
        if (!message) break;
        run_message(now, *std::move(message));
        ++handled;
    }
    return handled;
}

void EventLoop::run_message(base::Instant now, Message message) {
    if (!message_handler_) {
        ++statistics_.unhandled;
        return;
    }
    ++statistics_.messages;
    MessageHandler handler = message_handler_;  // which may be replaced by the call itself
    const Outcome outcome = handler(now, message);
    if (outcome) return;
    report_failure("message", std::to_string(message.type), outcome.error(), true);
    if (const auto again = messages_.retry(now, std::move(message)); !again) {
        log_.warning(base::sentence(again.error()));
    }
}

Delivery EventLoop::defer(const Event& event) {
    ++statistics_.deferred;
    return enqueue(event) ? Delivery::queued : Delivery::refused;
}

void EventLoop::handler_failed(const Event& event, const base::Error& error) {
    report_failure("handler of", name(event.type), error, event.type != EventType::node_error);
}

void EventLoop::report_failure(std::string_view what, std::string_view who,
                               const base::Error& error, bool publish) {
    ++statistics_.failures;
    log_.error(std::string(what) + " " + std::string(who) + " failed: " + base::sentence(error));
    if (!publish) return;
    enqueue({.type = EventType::node_error,
             .priority = EventPriority::high,
             .source = "event_loop",
             .data = EventText(error.what)});
}

}  // namespace meshchain::runtime
