#pragma once
// The `radios` of a configuration as JSON.
//
// Errors: those of host/config_json.h.
// Format: docs/formats/config.md

#include <vector>

#include "host/json.h"
#include "node/radio_config.h"

namespace meshchain::host {

/// One element of the list; `path` names it in errors. What is wrong is added to `problems`.
node::RadioConfig read_radio(const Json& json, const std::string& path,
                             std::vector<base::Error>& problems);

enum class Secrets : unsigned char { kept, hidden };
Json to_json(const node::RadioConfig& radio, Secrets secrets);

}  // namespace meshchain::host
