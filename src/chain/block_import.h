#pragma once
// Executing blocks that a certificate has proven to be final, many at once: their signatures are
// judged together, through the door that may use several cores, and they become durable in one
// batch (rows F5, F6; PROTOCOL.md P3a).
//
// Nothing is taken on trust: each block is executed against its parent's coins, its root, its state
// and every signature in it are checked. Only the proposer's signature is not, since the header's
// hash is proven.

#include "chain/pending_blocks.h"

namespace meshchain::chain {

struct ImportBlock {
    wire::Hash hash;
    wire::BlockHeader header;
    std::vector<wire::WireTransaction> transactions;
};

struct Imported {
    std::vector<ExecutedBlock> blocks;  ///< applied and durable, from the first on
    /// Why the one after those is not valid; nothing if the batch was full or all were taken.
    std::optional<base::Error> violation;
};

/// Applies as many of `blocks`, children of the store's tip, as fit one batch.
/// Errors, with nothing changed: those of the store.
std::expected<Imported, base::Error> import_blocks(ChainStore& store,
                                                   std::span<const ImportBlock> blocks,
                                                   const ledger::VerifiedSet& verified,
                                                   crypto::Verifier& verifier);

}  // namespace meshchain::chain
