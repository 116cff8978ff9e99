#pragma once
// The fee that a request of the API asks for: units, or one of three choices.
//
// For .cpp files of the API only. Errors: malformed, invalid_argument.

#include "host/json_document.h"
#include "node/node.h"

namespace meshchain::host {

/// The field `fee` of what costs one; nothing when absent.
std::expected<std::optional<wire::FeeCode>, base::Error> read_fee(const node::Node& node,
                                                                  JsonObject& object);

}  // namespace meshchain::host
