#pragma once
// A runtime::Event as the API tells it: its name, when, who told, and what it is about.
//
// Format: docs/formats/api.md

#include "base/time.h"
#include "host/json.h"
#include "runtime/event.h"

namespace meshchain::host {

Json to_json(const runtime::Event& event, base::WallTime at);

}  // namespace meshchain::host
