#pragma once
// Bounded first-in first-out queue of Messages that expire. It never waits: waiting with a time-out
// and use from several threads belong to host's ThreadSafeQueue.
//
// Time:      a message older than `age_max`, counted from its first enqueue, is dropped and counted
//            when it comes to the front or when room is needed.
// Ownership: messages are moved in and out.
// Limits:    MessageLimits: a number of messages and a sum of payload bytes.
// Threads:   one owner.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "base/error.h"
#include "base/ring_buffer.h"
#include "runtime/limits.h"
#include "runtime/message.h"

namespace meshchain::runtime {

class MessageQueue {
public:
    struct Statistics {
        std::uint64_t enqueued = 0;   ///< accepted, retries not counted
        std::uint64_t dequeued = 0;   ///< handed out, retries counted each time
        std::uint64_t rejected = 0;   ///< refused for want of room
        std::uint64_t expired = 0;    ///< dropped for their age
        std::uint64_t retried = 0;    ///< taken back after a failed attempt
        std::uint64_t abandoned = 0;  ///< dropped after the last attempt
        std::size_t peak = 0;         ///< most messages held at once
    };

    explicit MessageQueue(const MessageLimits& limits = {});

    /// Appends `message`, which is moved from only on success.
    /// Errors: full (retry after a dequeue), too_large (more than bytes_max, never fits).
    std::expected<void, base::Error> enqueue(base::Instant now, Message&& message);

    /// The oldest message that has not expired; never waits.
    std::optional<Message> dequeue(base::Instant now);

    /// Takes a dequeued message back to the end of the queue for another attempt. It keeps its
    /// age. On an Error it is gone and counted.
    /// Errors: timeout (tried retries_max times already), full.
    std::expected<void, base::Error> retry(base::Instant now, Message message);

    bool empty() const { return messages_.empty(); }
    std::size_t size() const { return messages_.size(); }
    std::size_t bytes() const { return bytes_; }
    const MessageLimits& limits() const { return limits_; }
    const Statistics& statistics() const { return statistics_; }

private:
    bool expired(base::Instant now, const Message& message) const;
    void drop_expired(base::Instant now);
    /// Moves from `message` only when it fits.
    bool append(base::Instant now, Message& message);
    Message take();

    MessageLimits limits_;
    base::RingBuffer<Message> messages_;
    std::size_t bytes_ = 0;
    Statistics statistics_{};
};

}  // namespace meshchain::runtime
