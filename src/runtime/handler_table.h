#pragma once
// Who wants to know of which event type: for every type the handlers in order of registration.
//
// Re-entry:  a handler may add and remove any handler, itself included. One added during a dispatch
//            does not see that event; one removed is not called any more.
// Ownership: a handler borrows what it captured; whoever registered it removes it first.
// Limits:    LoopLimits::handlers_max and event_types_max; memory fixed at construction.
// Threads:   one owner.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <vector>

#include "base/time.h"
#include "runtime/callback.h"
#include "runtime/event.h"

namespace meshchain::runtime {

/// Observes one event. `event` is borrowed for the call.
using Handler = Callback<Outcome(base::Instant now, const Event& event)>;

/// Names one registration for its whole life; never reused for another.
struct HandlerId {
    std::uint16_t slot = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const HandlerId&, const HandlerId&) = default;
};

class HandlerTable {
public:
    HandlerTable(std::size_t handlers_max, std::size_t event_types_max);

    /// Errors: full, invalid_argument (a type at or above event_types_max).
    std::expected<HandlerId, base::Error> add(EventType type, Handler handler);
    /// False when it was removed already.
    bool remove(HandlerId id);

    /// Calls every handler of the event's type, and `on_error(error)` for each that fails.
    /// Returns how many were called.
    template <class OnError>
    std::size_t dispatch(base::Instant now, const Event& event, OnError&& on_error) {
        const auto type = static_cast<std::size_t>(event.type);
        if (type >= types_.size() || types_[type].first == none) return 0;
        const Index last = types_[type].last;  // later ones were added by the handlers themselves
        std::size_t called = 0;
        ++depth_;
        for (Index index = types_[type].first;; index = entries_[index].next) {
            Entry& entry = entries_[index];
            if (!entry.removed) {
                ++called;
                if (const Outcome outcome = entry.handler(now, event); !outcome) {
                    on_error(outcome.error());
                }
            }
            if (index == last) break;
        }
        if (--depth_ == 0 && sweep_pending_) sweep();
        return called;
    }

    std::size_t depth() const { return depth_; }
    std::size_t size() const { return size_; }

private:
    using Index = std::uint16_t;
    static constexpr Index none = 0xffff;
    struct Entry {
        Handler handler{};
        std::uint32_t generation = 0;
        Index next = none;  ///< of the same type, or the next free entry
        Index type = none;
        bool removed = false;  ///< still linked until no dispatch is under way
    };
    struct List {
        Index first = none;
        Index last = none;
    };

    void unlink(Index index);
    void sweep();

    std::vector<Entry> entries_;
    std::vector<List> types_;
    Index free_ = 0;
    std::size_t size_ = 0;
    std::size_t depth_ = 0;
    bool sweep_pending_ = false;
};

}  // namespace meshchain::runtime
