#pragma once
// An allocator for standard containers that counts, to the byte, what they hold: nodes and
// elements alike. What malloc adds for itself is not in it.
//
// Ownership: the count outlives every container that uses it.

#include <cstddef>
#include <memory>

#include "base/assert.h"

namespace meshchain::kv {

template <class T>
class CountedAllocator {
public:
    using value_type = T;

    /// For containers that never hold anything.
    CountedAllocator() = default;
    explicit CountedAllocator(std::size_t& bytes) : bytes_(&bytes) {}
    template <class Other>
    explicit(false) CountedAllocator(const CountedAllocator<Other>& other)
        : bytes_(other.count()) {}

    T* allocate(std::size_t items) {
        MESH_ASSERT(bytes_ != nullptr);
        *bytes_ += items * sizeof(T);
        return std::allocator<T>{}.allocate(items);
    }
    void deallocate(T* memory, std::size_t items) {
        MESH_ASSERT(*bytes_ >= items * sizeof(T));
        *bytes_ -= items * sizeof(T);
        std::allocator<T>{}.deallocate(memory, items);
    }

    std::size_t* count() const { return bytes_; }
    template <class Other>
    bool operator==(const CountedAllocator<Other>& other) const {
        return bytes_ == other.count();
    }

private:
    std::size_t* bytes_ = nullptr;
};

}  // namespace meshchain::kv
