#pragma once
// Pruning the store of a node that does not run (rows B12, B16): what a running one does by
// store.keep_blocks, once and at a stroke.
//
// Time:   grows with what is pruned; every step is durable, so it may be interrupted anywhere.
// Errors: locked (the node runs), not_found (nothing is FINAL), those of the store.

#include <expected>
#include <filesystem>

#include "base/error.h"
#include "wire/numbers.h"

namespace meshchain::host {

struct PrunedStore {
    std::uint64_t blocks = 0;    ///< that are gone now
    wire::Height history_start;  ///< blocks above it are held
    wire::Height final_height;
};

/// Leaves `keep_blocks` up to FINAL, one at least. Takes the folder's lock.
std::expected<PrunedStore, base::Error> prune_store(const std::filesystem::path& root,
                                                    std::uint32_t keep_blocks);

}  // namespace meshchain::host
