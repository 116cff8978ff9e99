#pragma once
// The secrets a node runs with, apart from its wallet's.

#include <optional>

#include "crypto/signature.h"

namespace meshchain::node {

struct Keys {
    crypto::SigningKey identity;
    std::optional<crypto::SigningKey> validating;  ///< present for role validator
};

}  // namespace meshchain::node
