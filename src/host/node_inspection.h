#pragma once
// What can be told about a node from its folder alone, whether it runs or not.

#include <filesystem>
#include <string_view>
#include <vector>

#include "host/data_folder.h"
#include "node/memory_limits.h"

namespace meshchain::host {

/// Everything that is wrong with the text of config.json, by itself, with the files that its radios
/// name, and against the folder's genesis and keys, as far as those can be read.
std::vector<base::Error> all_config_problems(const DataFolder& folder, std::string_view text);

/// node::memory_limits and what host adds: API connections, caches of the store, the log.
std::vector<node::MemoryLimit> memory_limits(const node::NodeConfig& config,
                                             const ledger::Genesis& genesis);

}  // namespace meshchain::host
