#pragma once
// The tables of stores under test. Only tests and fuzzers include it.

#include "kv/schema.h"

namespace meshchain::kv::test_history {

inline constexpr Table coins{0};
inline constexpr Table blocks{1};
inline constexpr TableInfo tables[] = {{coins, "coins"}, {blocks, "blocks"}};

}  // namespace meshchain::kv::test_history
