#pragma once
// Memory that is overwritten before it is given back: what a request carried may be a passphrase.
//
// Limits: a string's first characters, as many as std::string keeps within itself, are not covered;
//         no request with a secret is that short.

#include <memory>
#include <span>
#include <string>

#include "crypto/signature.h"

namespace meshchain::host {

template <class T>
class WipingAllocator {
public:
    using value_type = T;

    WipingAllocator() = default;
    template <class U>
    WipingAllocator(const WipingAllocator<U>&) {}  // implicit, as containers rebind it

    T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
    void deallocate(T* memory, std::size_t count) {
        crypto::wipe({reinterpret_cast<std::byte*>(memory), count * sizeof(T)});
        std::allocator<T>().deallocate(memory, count);
    }
    friend bool operator==(WipingAllocator, WipingAllocator) { return true; }
};

using WipingString = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

}  // namespace meshchain::host
