#pragma once
// Bounded queue of four priorities: the highest waiting priority leaves first, each priority in
// order of arrival, and none starves.
//
// Fairness: a priority that has been passed over `patience` times while something of it waited
//           goes next (the highest such priority first). So whatever is at the head of its
//           priority leaves after at most patience + 2 others, and the lower priorities together
//           take at most 3 of every patience + 3 places.
// Limits:   `capacity` elements over all priorities together; memory fixed at construction.
// Time:     push and pop are constant.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace meshchain::runtime {

template <class T>
class PriorityQueue {
    static_assert(std::is_trivially_destructible_v<T>);

public:
    static constexpr unsigned levels = 4;
    static constexpr unsigned patience = 16;

    explicit PriorityQueue(std::size_t capacity) : slots_(capacity + 1) {
        MESH_ASSERT(capacity > 0 && capacity < none - 1);
        for (std::size_t i = 0; i <= capacity; ++i) slots_[i].next = static_cast<Index>(i + 1);
        slots_[capacity].next = none;
        taken_ = 0;
        free_ = 1;
    }

    /// Constructs an element from `arguments`, in place. False, and nothing changed, when full.
    template <class... Arguments>
    [[nodiscard]] bool push(unsigned level, Arguments&&... arguments) {
        MESH_ASSERT(level < levels);
        if (free_ == none) return false;
        const Index slot = free_;
        free_ = slots_[slot].next;
        std::construct_at(&slots_[slot].value, std::forward<Arguments>(arguments)...);
        slots_[slot].next = none;
        Lane& lane = lanes_[level];
        (waiting_ & bit(level) ? slots_[lane.last].next : lane.first) = slot;
        lane.last = slot;
        waiting_ |= bit(level);
        ++size_;
        return true;
    }

    /// Takes the next element; the queue must not be empty. It is borrowed until the next pop,
    /// and pushes leave it alone: one slot beyond `capacity` holds it.
    T& pop() {
        MESH_ASSERT(waiting_ != 0);
        const unsigned level = choose();
        Lane& lane = lanes_[level];
        const Index slot = lane.first;
        lane.first = slots_[slot].next;
        if (lane.first == none) waiting_ &= ~bit(level);
        slots_[taken_].next = free_;
        free_ = taken_;
        taken_ = slot;
        --size_;
        return slots_[slot].value;
    }

    bool empty() const { return waiting_ == 0; }
    std::size_t size() const { return size_; }
    std::size_t capacity() const { return slots_.size() - 1; }

private:
    using Index = std::uint16_t;
    static constexpr Index none = 0xffff;
    struct Slot {
        T value{};
        Index next = none;
    };
    struct Lane {
        Index first = none;
        Index last = none;
        unsigned passed_over = 0;  ///< pops of other lanes since this one waits unserved
    };

    static constexpr unsigned bit(unsigned level) { return 1U << level; }
    bool waits(unsigned level) const { return (waiting_ & bit(level)) != 0; }

    unsigned choose() {
        unsigned chosen = static_cast<unsigned>(std::bit_width(waiting_)) - 1;
        if (!std::has_single_bit(waiting_)) chosen = choose_among_several(chosen);
        lanes_[chosen].passed_over = 0;
        return chosen;
    }

    unsigned choose_among_several(unsigned top) {
        unsigned chosen = top;
        for (unsigned level = top; level-- > 0;) {
            if (waits(level) && lanes_[level].passed_over >= patience) {
                chosen = level;
                break;
            }
        }
        for (unsigned level = 0; level < levels; ++level) {
            if (waits(level)) ++lanes_[level].passed_over;
        }
        return chosen;
    }

    std::vector<Slot> slots_;
    std::array<Lane, levels> lanes_{};
    unsigned waiting_ = 0;  ///< one bit a lane that is not empty
    Index free_ = none;
    Index taken_ = none;  ///< what the latest pop lent out, or a spare
    std::size_t size_ = 0;
};

}  // namespace meshchain::runtime
