#include "kv/test_allocations.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace meshchain::kv::test_memory {

std::size_t allocated = 0;
std::size_t allocated_peak = 0;

namespace {

constexpr std::size_t size_room = 16;  // keeps the alignment that malloc gives

void* count_allocation(std::size_t size) {
    auto* room = static_cast<std::byte*>(std::malloc(size + size_room));
    if (room == nullptr) std::abort();
    *reinterpret_cast<std::size_t*>(room) = size;
    allocated += size;
    allocated_peak = std::max(allocated_peak, allocated);
    return room + size_room;
}

void count_release(void* pointer) {
    if (pointer == nullptr) return;
    auto* room = static_cast<std::byte*>(pointer) - size_room;
    allocated -= *reinterpret_cast<std::size_t*>(room);
    std::free(room);
}

}  // namespace
}  // namespace meshchain::kv::test_memory

void* operator new(std::size_t size) { return meshchain::kv::test_memory::count_allocation(size); }
// The analyzer takes what reaches these for released already.
// NOLINTBEGIN(clang-analyzer-cplusplus.NewDelete)
void operator delete(void* pointer) noexcept { meshchain::kv::test_memory::count_release(pointer); }
void operator delete(void* pointer, std::size_t) noexcept {
    meshchain::kv::test_memory::count_release(pointer);
}
// NOLINTEND(clang-analyzer-cplusplus.NewDelete)
