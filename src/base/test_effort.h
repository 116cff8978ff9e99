#pragma once
// How much a test does: a sample in `make test`, all of it in `make test-long`, which sets
// MESHCHAIN_LONG=1. Only test files include it; `make test-long` runs the suites of those that do.

#include <cstdlib>
#include <string_view>

namespace meshchain::test {

inline bool is_long() {
    const char* const value = std::getenv("MESHCHAIN_LONG");
    return value != nullptr && std::string_view(value) == "1";
}

/// A count or a stride that says how much is done.
template <class Number>
Number effort(Number sampled, Number full) {
    return is_long() ? full : sampled;
}

}  // namespace meshchain::test
