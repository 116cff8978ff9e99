#include "host/thread_safe_queue.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace meshchain::host {
namespace {

using Clock = std::chrono::steady_clock;

base::Instant instant_of(Clock::time_point time) { return base::Instant{time.time_since_epoch()}; }

Clock::time_point deadline_after(base::Duration timeout) {
    constexpr base::Duration longest = std::chrono::years{1};  // so that no sum overflows
    return Clock::now() + std::clamp(timeout, base::Duration{0}, longest);
}

std::unexpected<base::Error> closed() {
    return base::failure(base::Errc::closed, "the queue is closed", "message queue");
}

}  // namespace

std::expected<void, base::Error> ThreadSafeQueue::push(runtime::Message&& message,
                                                       base::Duration timeout) {
    const Clock::time_point deadline = deadline_after(timeout);
    std::unique_lock lock(mutex_);
    while (!closed_) {
        // Not std::move: the queue takes the message only when it fits, and here it is offered
        // again.
        auto pushed =
            queue_.enqueue(instant_of(Clock::now()), static_cast<runtime::Message&&>(message));
        if (pushed) {
            not_empty_.notify_one();
            return pushed;
        }
        if (pushed.error().code != base::Errc::full || Clock::now() >= deadline) return pushed;
        not_full_.wait_until(lock, deadline);
    }
    return closed();
}

std::expected<runtime::Message, base::Error> ThreadSafeQueue::pop(base::Duration timeout) {
    const Clock::time_point deadline = deadline_after(timeout);
    std::unique_lock lock(mutex_);
    while (true) {
        if (std::optional<runtime::Message> message = queue_.dequeue(instant_of(Clock::now()))) {
            // A large payload that left can make room for several waiting pushes.
            not_full_.notify_all();
            return *std::move(message);
        }
        if (closed_) return closed();
        if (Clock::now() >= deadline) {
            return base::failure(base::Errc::timeout, "no message came", "message queue");
        }
        not_empty_.wait_until(lock, deadline);
    }
}

std::expected<void, base::Error> ThreadSafeQueue::retry(runtime::Message message) {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed();
    auto again = queue_.retry(instant_of(Clock::now()), std::move(message));
    if (again) not_empty_.notify_one();
    return again;
}

void ThreadSafeQueue::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    not_empty_.notify_all();
    not_full_.notify_all();
}

}  // namespace meshchain::host
