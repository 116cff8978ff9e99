#pragma once
// STATE_REQ and STATE messages as JSON, for `meshchain frame decode`.

#include "host/json.h"
#include "wire/state.h"

namespace meshchain::host {

Json to_json(const wire::StateRequest& request);
Json to_json(const wire::StateResponse& response);

}  // namespace meshchain::host
