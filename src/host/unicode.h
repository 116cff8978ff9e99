#pragma once
// Unicode's compatibility decomposition (NFKD), which BIP-39 asks for: the same text typed on two
// keyboards can be other bytes, and would be another wallet.

#include "host/secret.h"

namespace meshchain::host {

/// Errors: invalid_argument (no UTF-8).
std::expected<Secret, base::Error> to_nfkd(base::Bytes text);

}  // namespace meshchain::host
