#pragma once
// Work that waits its turn: a typed payload from somebody, with the number of times it was tried.

#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"

namespace meshchain::runtime {

struct Message {
    std::uint16_t type = 0;    ///< a number of the application's own
    std::uint64_t source = 0;  ///< who sent it, a node id for instance
    base::Buffer data{};
    std::uint8_t retry_count = 0;
    base::Instant queued_at{};  ///< set by the queue at the first enqueue
};

}  // namespace meshchain::runtime
