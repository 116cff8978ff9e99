#include "runtime/timer_heap.h"

#include <algorithm>

namespace meshchain::runtime {

void TimerHeap::pop() {
    MESH_ASSERT(!empty());
    const std::size_t end = root + --size_;
    const Entry last = at(end);
    at(end) = Entry{};
    if (size_ == 0) return;
    // The hole sinks to a leaf and the last entry rises from there: it nearly always belongs low,
    // so this saves a comparison a level.
    std::size_t hole = root;
    for (std::size_t first = first_child(hole); first < end; first = first_child(hole)) {
        const std::size_t ahead = std::min(first_child(first) / 4, lines_.size() - 4);
        for (std::size_t line = ahead; line < ahead + 4; ++line) __builtin_prefetch(&lines_[line]);
        const std::size_t child = earliest_child(first);
        at(hole) = at(child);
        hole = child;
    }
    rise(hole, last);
}

std::size_t TimerHeap::earliest_child(std::size_t first) const {
    const auto& group = lines_[first / 4].entries;
    const std::size_t left = earlier(group[1], group[0]) ? 1 : 0;
    const std::size_t right = earlier(group[3], group[2]) ? 3 : 2;
    return first + (earlier(group[right], group[left]) ? right : left);
}

void TimerHeap::rise(std::size_t position, const Entry& entry) {
    while (position > root && earlier(entry, at(parent(position)))) {
        at(position) = at(parent(position));
        position = parent(position);
    }
    at(position) = entry;
}

}  // namespace meshchain::runtime
