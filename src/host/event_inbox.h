#pragma once
// Where other threads leave events for the thread that owns the EventLoop.
//
// Order:     events of one producer and one priority reach the loop in the order in which they
//            were posted; those of several producers in the order in which they took the lock.
// Wake-up:   `wake` is called from the producer's thread, without the lock, when the inbox stops
//            being empty: once for a burst. It should make the owner leave its wait (asio::post).
// Limits:    `events_max` waiting events; what finds no room is refused and counted.
// Threads:   post from any thread; drain from the loop's owner only. Producers have left before it
//            is destroyed.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "runtime/event.h"
#include "runtime/event_loop.h"

namespace meshchain::host {

class EventInbox {
public:
    using Wake = std::function<void()>;
    static constexpr std::size_t default_events_max = 1024;

    explicit EventInbox(Wake wake, std::size_t events_max = default_events_max);

    /// Leaves a copy of `event` for the loop. False, and counted, when full.
    bool post(const runtime::Event& event);

    /// Hands waiting events to the loop's queue, as many as find room there; the rest stay, in
    /// order, for the next call. Returns whether any stayed: then drain again after run_once.
    bool drain(runtime::EventLoop& loop);

    std::uint64_t refused() const;

private:
    Wake wake_;
    const std::size_t events_max_;
    mutable std::mutex mutex_;
    std::vector<runtime::Event> posted_;
    std::uint64_t refused_ = 0;
    std::vector<runtime::Event> taken_;  ///< the owner's: taken from posted_, not yet in the loop
    std::size_t next_ = 0;               ///< the first of taken_ that is still to go
};

}  // namespace meshchain::host
