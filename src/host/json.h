#pragma once
// Our one JSON value, forward declared: nlohmann's header costs seconds, so only .cpp files that
// work on JSON include host/json_document.h.

#include <nlohmann/json_fwd.hpp>

namespace meshchain::host {

/// Objects keep the order in which their fields were written.
using Json = nlohmann::ordered_json;

}  // namespace meshchain::host
