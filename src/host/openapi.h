#pragma once
// docs/api/openapi.json, as it was when this was built.

#include <string_view>

namespace meshchain::host {

extern const std::string_view openapi_text;

}  // namespace meshchain::host
