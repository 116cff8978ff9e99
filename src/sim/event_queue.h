#pragma once
// What will happen in a simulated world, in the order of (time, sequence): of two things at one
// instant the one that was announced first comes first. So one seed has one story (row J1).
//
// Limits: memory grows with what is under way.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/time.h"

namespace meshchain::sim {

template <class T>
class EventQueue {
public:
    struct Event {
        base::Instant at;
        std::uint64_t sequence = 0;
        T what;
    };

    /// Asserts that `at` is not before the last event taken.
    void push(base::Instant at, T what) {
        MESH_ASSERT(at >= taken_);
        heap_.push_back({at, sequence_++, std::move(what)});
        std::ranges::push_heap(heap_, is_later);
    }
    bool empty() const { return heap_.empty(); }
    std::size_t size() const { return heap_.size(); }
    /// `never` when nothing will happen.
    base::Instant next_time() const { return heap_.empty() ? base::never : heap_.front().at; }
    /// Asserts that there is one.
    Event pop() {
        MESH_ASSERT(!heap_.empty());
        std::ranges::pop_heap(heap_, is_later);
        Event event = std::move(heap_.back());
        heap_.pop_back();
        taken_ = event.at;
        return event;
    }

private:
    static bool is_later(const Event& a, const Event& b) {
        return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }

    std::vector<Event> heap_;
    std::uint64_t sequence_ = 0;
    base::Instant taken_{base::Duration::min()};
};

}  // namespace meshchain::sim
