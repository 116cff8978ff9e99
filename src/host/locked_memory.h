#pragma once
// Secret memory by libsodium's guarded heap: locked against swapping, left out of core dumps,
// between guard pages, wiped when released.
//
// Errors:  where the system forbids to lock so much (RLIMIT_MEMLOCK), it is only wiped; is_locked
//          says so. Without any memory the process ends.
// Threads: any number may use it at once.

#include "base/secret_memory.h"

namespace meshchain::host {

class LockedMemory final : public base::SecretMemory {
public:
    LockedMemory();

    base::MutableBytes allocate(std::size_t size) override;
    void release(base::MutableBytes memory) override;

    /// Whether this system lets a page be locked.
    static bool is_locked();
};

/// The process's own: it holds no state.
base::SecretMemory& secret_memory();

}  // namespace meshchain::host
