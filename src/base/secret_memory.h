#pragma once
// Door to the outside: memory for keys, seeds and passphrases, kept out of swap and core dumps
// where the system can do that, and wiped before anything else gets it.

#include "base/bytes.h"

namespace meshchain::base {

class SecretMemory {
public:
    virtual ~SecretMemory() = default;
    /// `size` bytes of zeros. Cannot fail: without memory the process ends.
    virtual MutableBytes allocate(std::size_t size) = 0;
    /// Wipes and takes back what `allocate` returned.
    virtual void release(MutableBytes memory) = 0;
};

}  // namespace meshchain::base
