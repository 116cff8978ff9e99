#pragma once
// The scenarios of tests/scenarios/, as they were when this was built, by name.

#include <span>
#include <string_view>

namespace meshchain::sim {

struct NamedScenario {
    std::string_view name;  ///< "half-and-half"
    std::string_view text;
};

/// Ascending by name.
std::span<const NamedScenario> named_scenarios();

}  // namespace meshchain::sim
