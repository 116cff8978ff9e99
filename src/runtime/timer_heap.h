#pragma once
// Due times in order, ties in order of arrival: a 4-ary heap whose sibling groups are cache lines.
//
// A heap rather than a timing wheel: it fires in exact order at exact times, needs no tick, and its
// memory grows with the timers, not with their range.
//
// Limits: memory fixed at construction.
// Time:   push and pop are logarithmic; top is constant.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/time.h"

namespace meshchain::runtime {

class TimerHeap {
public:
    struct Entry {
        base::Instant due = base::never;
        std::uint32_t order = 0;  ///< of arrival; compared modulo 2^32
        std::uint32_t slot = 0;   ///< what is due
    };

    explicit TimerHeap(std::size_t capacity) : capacity_(capacity), lines_(capacity / 4 + 2 + 4) {}

    /// There must be room, and `due` must be before `never`.
    void push(const Entry& entry) {
        MESH_ASSERT(!full() && entry.due < base::never);
        rise(root + size_++, entry);
    }

    const Entry& top() const {
        MESH_ASSERT(!empty());
        return at(root);
    }
    void pop();

    /// The entry that lies at `rank` in memory; ranks 1 to 4 hold the next top.
    const Entry& peek(std::size_t rank) const { return at(root + rank); }

    /// Drops every entry that `dead` says is no longer wanted. Linear.
    template <class Dead>
    void remove_if(Dead dead) {
        const std::size_t before = size_;
        size_ = 0;
        for (std::size_t i = 0; i < before; ++i) {
            const Entry entry = at(root + i);
            at(root + i) = Entry{};
            if (!dead(entry)) rise(root + size_++, entry);
        }
    }

    bool empty() const { return size_ == 0; }
    bool full() const { return size_ == capacity_; }
    std::size_t size() const { return size_; }

    static bool earlier(const Entry& a, const Entry& b) {
        const bool before = a.due < b.due;
        const bool together = a.due == b.due;
        const bool arrived_before = static_cast<std::int32_t>(a.order - b.order) < 0;
        return before | (together & arrived_before);  // without branches: they mispredict here
    }

private:
    // Position p lies in line p / 4. The root is position 3, so that the children of p are exactly
    // line p - 2. Positions past the end hold due == never, so that no search needs a bound;
    // four spare lines let pop() prefetch without one.
    static constexpr std::size_t root = 3;
    struct alignas(64) Line {
        std::array<Entry, 4> entries{};
    };

    Entry& at(std::size_t position) { return lines_[position / 4].entries[position % 4]; }
    const Entry& at(std::size_t position) const {
        return lines_[position / 4].entries[position % 4];
    }
    static std::size_t first_child(std::size_t position) { return (position - 2) * 4; }
    static std::size_t parent(std::size_t position) { return position / 4 + 2; }

    std::size_t earliest_child(std::size_t first) const;
    void rise(std::size_t position, const Entry& entry);

    std::size_t capacity_;
    std::size_t size_ = 0;
    std::vector<Line> lines_;
};

}  // namespace meshchain::runtime
