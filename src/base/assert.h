#pragma once
// Assertions about our own code. They stay on in release: a node that has lost an invariant must
// stop rather than sign. Never used on input from outside, which yields an Error instead.

namespace meshchain::base {

/// Prints the broken condition to stderr and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace meshchain::base

#define MESH_ASSERT(condition) \
    ((condition) ? void(0) : ::meshchain::base::assertion_failed(#condition, __FILE__, __LINE__))
