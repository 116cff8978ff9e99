#pragma once
// The rules of messages as an attacker has them: its own mesh must hold it back from nothing.

#include <vector>

#include "wire/service.h"

namespace meshchain::sim {

/// Those of the mesh, and every type of the chain with limits that let everything through.
std::vector<wire::MessageRule> lax_rules();

}  // namespace meshchain::sim
