#pragma once
// What records may cost: a bound on what honest nodes send, whatever attackers send them. A node
// that passes on what it knew already, or answers more than it was asked, goes over it.

#include <array>
#include <cstdint>

#include "base/time.h"
#include "sim/findings.h"
#include "sim/report.h"

namespace meshchain::sim {

/// What there was to be spread.
struct RecordLoad {
    std::uint64_t records = 0;  ///< signed by honest nodes
    std::uint64_t nodes = 0;
    std::uint64_t starts = 0;  ///< of nodes: each compares with all its neighbours again
    base::Duration time{};
};

using Traffic = std::array<TypeTraffic, 256>;

/// Complains (rule record-storm) about what was sent of a type in excess. `all` has what attackers
/// sent as well.
void check_record_traffic(const Traffic& all, const Traffic& of_attackers, const RecordLoad& load,
                          Findings& findings);

}  // namespace meshchain::sim
