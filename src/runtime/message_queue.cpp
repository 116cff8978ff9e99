#include "runtime/message_queue.h"

#include <algorithm>
#include <string>
#include <utility>

namespace meshchain::runtime {

MessageQueue::MessageQueue(const MessageLimits& limits)
    : limits_(limits), messages_(limits.messages_max) {}

std::expected<void, base::Error> MessageQueue::enqueue(base::Instant now, Message&& message) {
    if (message.data.size() > limits_.bytes_max) {
        ++statistics_.rejected;
        return base::failure(
            base::Errc::too_large, "a payload of " + std::to_string(message.data.size()) + " bytes",
            "message queue", "send at most " + std::to_string(limits_.bytes_max) + " bytes");
    }
    const base::Instant queued_before = std::exchange(message.queued_at, now);
    if (!append(now, message)) {
        message.queued_at = queued_before;
        ++statistics_.rejected;
        return base::failure(base::Errc::full,
                             std::to_string(messages_.size()) + " messages of " +
                                 std::to_string(bytes_) + " bytes wait",
                             "message queue", "try again later");
    }
    ++statistics_.enqueued;
    return {};
}

std::optional<Message> MessageQueue::dequeue(base::Instant now) {
    drop_expired(now);
    if (messages_.empty()) return std::nullopt;
    ++statistics_.dequeued;
    return take();
}

std::expected<void, base::Error> MessageQueue::retry(base::Instant now, Message message) {
    if (message.retry_count >= limits_.retries_max) {
        ++statistics_.abandoned;
        return base::failure(base::Errc::timeout,
                             "message of type " + std::to_string(message.type) + " failed " +
                                 std::to_string(message.retry_count + 1) + " times",
                             "message queue");
    }
    ++message.retry_count;
    if (!append(now, message)) {
        ++statistics_.abandoned;
        return base::failure(base::Errc::full, "no room to try a message again", "message queue");
    }
    ++statistics_.retried;
    return {};
}

bool MessageQueue::expired(base::Instant now, const Message& message) const {
    return now - message.queued_at > limits_.age_max;
}

void MessageQueue::drop_expired(base::Instant now) {
    while (!messages_.empty() && expired(now, messages_.front())) {
        take();
        ++statistics_.expired;
    }
}

bool MessageQueue::append(base::Instant now, Message& message) {
    const std::size_t bytes = message.data.size();
    const auto fits = [&] { return !messages_.full() && bytes_ + bytes <= limits_.bytes_max; };
    if (!fits()) drop_expired(now);
    if (!fits()) return false;
    bytes_ += bytes;
    const bool pushed = messages_.push(std::move(message));
    MESH_ASSERT(pushed);
    statistics_.peak = std::max(statistics_.peak, messages_.size());
    return true;
}

Message MessageQueue::take() {
    Message message = *messages_.pop();
    bytes_ -= message.data.size();
    return message;
}

}  // namespace meshchain::runtime
