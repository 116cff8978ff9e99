#pragma once
// A run as one page that needs nothing else: plots, figures, findings, and the scenario it played.
//
// Format: HTML 5, one file without scripts; what comes from a scenario is escaped.

#include <string>

#include "sim/report.h"
#include "sim/scenario.h"

namespace meshchain::sim {

/// `replay` is the command that plays it again.
std::string to_page(const Report& report, const Scenario& scenario, std::string_view replay);

}  // namespace meshchain::sim
