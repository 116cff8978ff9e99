// The text of scenarios. What parses must come back the same from its own text.

#include <cstdint>

#include "base/assert.h"
#include "sim/scenario.h"

using namespace meshchain;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto scenario = sim::parse_scenario(text);
    if (!scenario) {
        MESH_ASSERT(!base::sentence(scenario.error()).empty());
        return 0;
    }
    const auto again = sim::parse_scenario(sim::to_text(*scenario));
    MESH_ASSERT(again.has_value());
    MESH_ASSERT(*again == *scenario);
    return 0;
}
