#pragma once
// Merkle tree root in the shape of RFC 6962: leaves and nodes are hashed under different prefixes,
// and an odd node is promoted, never doubled. So no two lists of leaves share a root, which
// Bitcoin's duplicated last leaf allows (weakness N-8).

#include <span>

#include "crypto/hash.h"

namespace meshchain::crypto {

/// The root of no leaves is the hash of nothing.
Hash merkle_root(std::span<const Hash> leaves);

}  // namespace meshchain::crypto
