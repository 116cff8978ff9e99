#pragma once
// What the tests of this module have allocated with operator new, counted by replacing it: bytes
// as they were asked for, without what malloc adds.

#include <cstddef>

namespace meshchain::kv::test_memory {

extern std::size_t allocated;
extern std::size_t allocated_peak;

}  // namespace meshchain::kv::test_memory
