#pragma once
// Bytes in secret memory (base/secret_memory.h), given back, and so wiped, when their owner goes.
//
// Ownership: the memory's door outlives the buffer. Can be moved, and never copied by accident.

#include <algorithm>
#include <utility>

#include "base/secret_memory.h"

namespace meshchain::base {

class SecretBuffer {
public:
    SecretBuffer() = default;
    SecretBuffer(SecretMemory& memory, std::size_t size)
        : memory_(&memory), bytes_(memory.allocate(size)) {}
    SecretBuffer(SecretMemory& memory, Bytes content) : SecretBuffer(memory, content.size()) {
        std::ranges::copy(content, bytes_.begin());
    }
    SecretBuffer(SecretBuffer&& other) noexcept
        : memory_(std::exchange(other.memory_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}
    SecretBuffer& operator=(SecretBuffer&& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    SecretBuffer(const SecretBuffer&) = delete;
    SecretBuffer& operator=(const SecretBuffer&) = delete;
    ~SecretBuffer() {
        if (memory_ != nullptr) memory_->release(bytes_);
    }

    Bytes bytes() const { return bytes_; }
    MutableBytes bytes() { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return bytes_.empty(); }

private:
    SecretMemory* memory_ = nullptr;
    MutableBytes bytes_;
};

}  // namespace meshchain::base
