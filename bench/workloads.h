#pragma once
// The one list of benchmark groups. A new X_bench.cpp defines one function, declared and listed
// here.

#include <vector>

#include "bench/report.h"

namespace meshchain::bench {

using Workloads = void (*)(Report&);

/// In the order in which they run.
inline std::vector<Workloads> all_workloads() { return {}; }

}  // namespace meshchain::bench
