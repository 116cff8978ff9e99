#pragma once
// First-in first-out queue with memory fixed at construction.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace meshchain::base {

template <class T>
class RingBuffer {
public:
    explicit RingBuffer(std::size_t capacity) : slots_(capacity) { MESH_ASSERT(capacity > 0); }

    /// False, and nothing changed, when full.
    [[nodiscard]] bool push(T value) {
        if (full()) return false;
        slots_[(first_ + size_) % slots_.size()] = std::move(value);
        ++size_;
        return true;
    }
    std::optional<T> pop() {
        if (empty()) return std::nullopt;
        std::optional<T> value(std::move(slots_[first_]));
        slots_[first_] = T{};
        first_ = (first_ + 1) % slots_.size();
        --size_;
        return value;
    }
    const T& front() const {
        MESH_ASSERT(!empty());
        return slots_[first_];
    }

    bool empty() const { return size_ == 0; }
    bool full() const { return size_ == slots_.size(); }
    std::size_t size() const { return size_; }
    std::size_t capacity() const { return slots_.size(); }

private:
    std::vector<T> slots_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace meshchain::base
