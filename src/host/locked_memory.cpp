#include "host/locked_memory.h"

#include <sodium.h>

#include <array>

#include "base/assert.h"

namespace meshchain::host {

LockedMemory::LockedMemory() { MESH_ASSERT(sodium_init() >= 0); }

base::MutableBytes LockedMemory::allocate(std::size_t size) {
    auto* const memory = static_cast<std::byte*>(sodium_malloc(size));
    MESH_ASSERT(memory != nullptr);
    sodium_memzero(memory, size);  // it comes filled with a pattern
    return {memory, size};
}

void LockedMemory::release(base::MutableBytes memory) { sodium_free(memory.data()); }

bool LockedMemory::is_locked() {
    std::array<std::byte, 64> probe;
    if (sodium_mlock(probe.data(), probe.size()) != 0) return false;
    sodium_munlock(probe.data(), probe.size());
    return true;
}

base::SecretMemory& secret_memory() {
    static LockedMemory memory;
    return memory;
}

}  // namespace meshchain::host
