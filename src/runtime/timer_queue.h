#pragma once
// Due times in order, ties in order of arrival.
//
// An array that is sorted only as far as it has been asked (the quickheap of Navarro and Paredes,
// 2010): far timers lie in unsorted segments, each later than the next, and only the last few
// dozen entries are in order, the earliest at the very end. With as few timers as a node has, that
// is a sorted array; with a million, one to fire costs a few sequential passes instead of a walk
// through cold memory, and what fires next is known early enough to be fetched ahead.
//
// Limits: memory fixed at construction.
// Time:   top is constant. Push costs at most sorted_max + bounds_max moves. Pop is amortised
//         logarithmic; a single one may pass over all entries, 2 ms for a million.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/time.h"

namespace meshchain::runtime {

class TimerQueue {
public:
    struct Entry {
        base::Instant due{};
        std::uint32_t order = 0;  ///< of arrival; compared modulo 2^32, no two alike
        std::uint32_t slot = 0;   ///< what is due
    };

    explicit TimerQueue(std::size_t capacity) : entries_(capacity) {}

    /// There must be room.
    void push(const Entry& entry);

    const Entry& top() const {
        MESH_ASSERT(!empty());
        return entries_[size_ - 1];
    }
    void pop();

    /// An entry that will probably be top after `pops` more pops, to fetch what it needs ahead of
    /// time; nothing when there are fewer.
    const Entry* likely_top_after(std::size_t pops) const {
        return pops < size_ ? &entries_[size_ - 1 - pops] : nullptr;
    }

    /// Drops every entry that `dead` says is no longer wanted. Linear.
    template <class Dead>
    void remove_if(Dead dead) {
        std::size_t kept = 0;
        std::size_t bound = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            while (bound < bound_count_ && bounds_[bound].position == i) {
                bounds_[bound++].position = kept;
            }
            if (!dead(entries_[i])) entries_[kept++] = entries_[i];
        }
        size_ = kept;
        while (bound < bound_count_) bounds_[bound++].position = kept;
        sort_next_segment();
    }

    bool empty() const { return size_ == 0; }
    bool full() const { return size_ == entries_.size(); }
    std::size_t size() const { return size_; }
    void check_invariants() const;

private:
    static constexpr std::size_t sorted_max = 32;
    static constexpr std::size_t bounds_max = 40;
    static constexpr std::size_t crossings_max = 8;  ///< segments a push may cross before some join

    /// Entries from `position` on are earlier than `least`; those in front of it are not.
    struct Bound {
        Entry least{};
        std::size_t position = 0;
    };

    static bool earlier(const Entry& a, const Entry& b) {
        const bool before = a.due < b.due;
        const bool together = a.due == b.due;
        const bool arrived_before = static_cast<std::int32_t>(a.order - b.order) < 0;
        return before | (together & arrived_before);  // without branches: they mispredict here
    }

    /// Where the sorted end begins.
    std::size_t sorted_begin() const {
        return bound_count_ == 0 ? 0 : bounds_[bound_count_ - 1].position;
    }
    void insert_sorted(const Entry& entry);
    void insert_unsorted(const Entry& entry);
    void add_bound(const Bound& bound);
    void forget_every_second_bound();
    void sort_next_segment();
    std::size_t partition(std::size_t begin, const Entry& pivot);
    const Entry& median_of_three(std::size_t begin) const;

    std::vector<Entry> entries_;
    std::size_t size_ = 0;
    std::array<Bound, bounds_max> bounds_{};  ///< by rising position
    std::size_t bound_count_ = 0;
};

}  // namespace meshchain::runtime
