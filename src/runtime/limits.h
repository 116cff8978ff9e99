#pragma once
// The memory and the patience of the runtime: everything is taken at construction from these.
// The defaults suit a host; the firmware passes smaller ones.

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace meshchain::runtime {

struct MessageLimits {
    std::size_t messages_max = 100;
    std::size_t bytes_max = 128 * 1024;                 ///< sum of all payloads
    base::Duration age_max = std::chrono::seconds{30};  ///< since the first enqueue
    std::uint8_t retries_max = 3;
};

struct TaskLimits {
    std::size_t tasks_max = 32;
    base::Duration backoff_first = std::chrono::seconds{1};  ///< of a one-time task
    base::Duration backoff_max = std::chrono::minutes{5};
    std::uint32_t attempts_max = 5;  ///< of a one-time task before it is given up
};

struct LoopLimits {
    std::size_t events_max = 100;  ///< queued events and posted work, all priorities together
    std::size_t handlers_max = 48;
    std::size_t event_types_max = 128;  ///< types at or above this number have no handlers
    std::size_t emit_depth_max = 8;     ///< emits within emits before the next is queued instead
    std::size_t tasks_per_turn = 64;
    std::size_t events_per_turn = 64;
    std::size_t messages_per_turn = 16;
    MessageLimits messages{};
    TaskLimits tasks{};
};

struct StateLimits {
    std::size_t callbacks_max = 8;
    std::size_t history_max = 16;
};

}  // namespace meshchain::runtime
