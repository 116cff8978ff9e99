#include "runtime/timer_queue.h"

#include <algorithm>

namespace meshchain::runtime {

void TimerQueue::push(const Entry& entry) {
    MESH_ASSERT(!full());
    if (bound_count_ == 0 || earlier(entry, bounds_[bound_count_ - 1].least)) {
        insert_sorted(entry);
    } else {
        insert_unsorted(entry);
    }
}

void TimerQueue::insert_sorted(const Entry& entry) {
    const std::size_t begin = sorted_begin();
    std::size_t hole = size_++;
    for (; hole > begin && earlier(entries_[hole - 1], entry); --hole) {
        entries_[hole] = entries_[hole - 1];
    }
    entries_[hole] = entry;
    if (size_ - begin <= sorted_max) return;
    const std::size_t middle = begin + sorted_max / 2;  // its later half need not stay sorted
    add_bound({entries_[middle - 1], middle});
}

/// Moves one entry of every segment that is earlier than `entry`, so that a hole travels from the
/// end to the segment where it belongs.
void TimerQueue::insert_unsorted(const Entry& entry) {
    std::size_t bound = bound_count_ - 1;
    std::size_t hole = bounds_[bound].position++;
    std::copy_backward(&entries_[hole], &entries_[size_], &entries_[size_] + 1);
    ++size_;
    while (bound > 0 && !earlier(entry, bounds_[bound - 1].least)) {
        const std::size_t first = bounds_[--bound].position++;
        entries_[hole] = entries_[first];
        hole = first;
    }
    entries_[hole] = entry;
    if (bound_count_ - bound > crossings_max) forget_every_second_bound();
}

void TimerQueue::add_bound(const Bound& bound) {
    if (bound_count_ == bounds_max) forget_every_second_bound();
    bounds_[bound_count_++] = bound;
}

/// Forgetting a bound joins two segments, which is always allowed, except for the last bound:
/// behind it the entries are sorted.
void TimerQueue::forget_every_second_bound() {
    const std::size_t first = 1 - bound_count_ % 2;
    bound_count_ = (bound_count_ + 1) / 2;
    for (std::size_t i = 0; i < bound_count_; ++i) bounds_[i] = bounds_[first + 2 * i];
}

void TimerQueue::pop() {
    MESH_ASSERT(!empty());
    --size_;
    sort_next_segment();
}

/// Makes sure that the sorted end is not empty while anything is left.
void TimerQueue::sort_next_segment() {
    while (bound_count_ > 0 && bounds_[bound_count_ - 1].position == size_) {
        --bound_count_;
        std::size_t begin = sorted_begin();
        while (size_ - begin > sorted_max) {
            const Entry pivot = median_of_three(begin);
            begin = partition(begin, pivot);
            add_bound({pivot, begin});
        }
        std::sort(entries_.data() + begin, entries_.data() + size_,
                  [](const Entry& a, const Entry& b) { return earlier(b, a); });
    }
}

/// Brings what is not earlier than `pivot` to the front; returns where the earlier ones begin.
std::size_t TimerQueue::partition(std::size_t begin, const Entry& pivot) {
    Entry* later_end = &entries_[begin];
    for (Entry* at = later_end; at != entries_.data() + size_; ++at) {
        const Entry entry = *at;
        *at = *later_end;
        *later_end = entry;
        later_end += earlier(entry, pivot) ? 0 : 1;
    }
    return static_cast<std::size_t>(later_end - entries_.data());
}

const TimerQueue::Entry& TimerQueue::median_of_three(std::size_t begin) const {
    const std::size_t quarter = (size_ - begin) / 4;
    const Entry& a = entries_[begin + quarter];
    const Entry& b = entries_[begin + 2 * quarter];
    const Entry& c = entries_[begin + 3 * quarter];
    if (earlier(a, b)) return earlier(b, c) ? b : earlier(a, c) ? c : a;
    return earlier(a, c) ? a : earlier(b, c) ? c : b;
}

void TimerQueue::check_invariants() const {
    MESH_ASSERT(size_ == 0 || sorted_begin() < size_);
    for (std::size_t i = sorted_begin() + 1; i < size_; ++i) {
        MESH_ASSERT(earlier(entries_[i], entries_[i - 1]));
    }
    for (std::size_t bound = 0; bound < bound_count_; ++bound) {
        for (std::size_t i = 0; i < size_; ++i) {
            const bool behind = i >= bounds_[bound].position;
            MESH_ASSERT(earlier(entries_[i], bounds_[bound].least) == behind);
        }
    }
}

}  // namespace meshchain::runtime
