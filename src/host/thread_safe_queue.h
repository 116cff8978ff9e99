#pragma once
// A runtime::MessageQueue for several threads: whoever finds it empty or full sleeps until there is
// something to do or its time is up. Nothing polls.
//
// Order:   one queue, so that messages leave in the order in which their pushes took the lock; a
//          producer's messages never overtake each other.
// Time:    reads the steady clock itself; a time-out of zero does not wait.
// Threads: every call, from any thread. close() must have returned, and the callers have left,
//          before it is destroyed.
// Errors:  as of runtime::MessageQueue, and closed.

#include <condition_variable>
#include <cstddef>
#include <expected>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "runtime/message_queue.h"

namespace meshchain::host {

class ThreadSafeQueue {
public:
    explicit ThreadSafeQueue(const runtime::MessageLimits& limits = {}) : queue_(limits) {}

    /// Appends `message`, waiting for room up to `timeout`; moved from only on success.
    /// Errors: full (still no room), too_large (never fits; does not wait), closed.
    std::expected<void, base::Error> push(runtime::Message&& message,
                                          base::Duration timeout = base::Duration{0});

    /// Takes the oldest message, waiting for one up to `timeout`. After close() it hands out what
    /// is left before it says closed.
    /// Errors: timeout (nothing came), closed.
    std::expected<runtime::Message, base::Error> pop(base::Duration timeout = base::Duration{0});

    /// Takes a popped message back for another attempt.
    /// Errors: timeout (tried too often), full, closed; the message is gone then.
    std::expected<void, base::Error> retry(runtime::Message message);

    /// Refuses every push from now on and wakes all who wait.
    void close();

    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return queue_.size();
    }
    /// `rejected` counts attempts: a push that waits for room is one more each time it looks.
    runtime::MessageQueue::Statistics statistics() const {
        const std::lock_guard lock(mutex_);
        return queue_.statistics();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable not_empty_;
    std::condition_variable not_full_;
    runtime::MessageQueue queue_;
    bool closed_ = false;
};

}  // namespace meshchain::host
