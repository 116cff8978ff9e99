#pragma once
// Merkle tree root in the shape of RFC 6962: leaves and nodes are hashed under different prefixes,
// and an odd node is promoted, never doubled. So no two lists of leaves share a root, which
// Bitcoin's duplicated last leaf allows (weakness N-8).

#include <optional>
#include <span>
#include <vector>

#include "crypto/hash.h"

namespace meshchain::crypto {

/// The root of no leaves is the hash of nothing.
Hash merkle_root(std::span<const Hash> leaves);

/// The siblings on the way from leaf `index` to the root, lowest first. Asserts that it is a leaf.
std::vector<Hash> merkle_branch(std::span<const Hash> leaves, std::size_t index);

/// The root of `count` leaves, of which `leaf` is number `index`; nothing when the branch has
/// another length than that place asks for.
std::optional<Hash> merkle_root_by_branch(const Hash& leaf, std::size_t index, std::size_t count,
                                          std::span<const Hash> branch);

}  // namespace meshchain::crypto
