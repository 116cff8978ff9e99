#pragma once
// Secret memory of boards that have no swap, and of tests: the heap, wiped when given back.

#include "base/secret_memory.h"
#include "crypto/signature.h"

namespace meshchain::crypto {

class HeapSecretMemory final : public base::SecretMemory {
public:
    base::MutableBytes allocate(std::size_t size) override { return {new std::byte[size]{}, size}; }
    void release(base::MutableBytes memory) override {
        wipe(memory);
        delete[] memory.data();
    }
};

}  // namespace meshchain::crypto
