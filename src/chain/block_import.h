#pragma once
// Executing blocks that a certificate has proven to be final, many at once: slice by slice, so that
// the node does other things between, and stored in one batch (rows F5, F6; PROTOCOL.md P3a). The
// signatures of a slice are judged together, through the door that may use several cores.
//
// Nothing is taken on trust: each block is executed against its parent's coins, its root, its state
// and every signature in it are checked. Only the proposer's signature is not, since the header's
// hash is proven.
//
// Ownership: borrows all it is given.
// Limits:    `blocks_max` blocks, and what fits one batch of the store.
// Errors:    those of the store, with nothing stored; whoever gets one drops the import.

#include "chain/pending_blocks.h"

namespace meshchain::chain {

struct ImportBlock {
    wire::Hash hash;
    wire::BlockHeader header;
    std::vector<wire::WireTransaction> transactions;
};

class BlockImport {
public:
    static constexpr std::size_t blocks_max = 512;

    /// Starts at the store's tip.
    BlockImport(ChainStore& store, const ledger::VerifiedSet& verified, crypto::Verifier& verifier)
        : store_(&store),
          verified_(&verified),
          verifier_(&verifier),
          base_(store.tip()),
          pending_(store) {}

    /// Whether the store is where it was, so that more may be added, and committed.
    bool is_current() const { return store_->tip() == base_; }
    /// Blocks executed and not stored.
    std::size_t size() const { return pending_.blocks().size(); }
    /// The last of them, or where the import started.
    const wire::Hash& tip() const {
        return size() == 0 ? base_.hash : pending_.blocks().back().hash;
    }
    /// Took no more, or as many as it may: time to commit.
    bool is_full() const { return is_full_; }
    /// Why the block after tip() is not valid; nothing more is taken then.
    const std::optional<base::Error>& violation() const { return violation_; }

    /// Executes `blocks`, children of tip(), as far as they fit and are valid.
    std::expected<void, base::Error> add(std::span<const ImportBlock> blocks);

    /// Stores them. Durable on return.
    std::expected<std::vector<ExecutedBlock>, base::Error> commit() &&;

private:
    std::expected<void, base::Error> keep_first(std::size_t count);

    ChainStore* store_;
    const ledger::VerifiedSet* verified_;
    crypto::Verifier* verifier_;
    Tip base_;
    PendingBlocks pending_;
    bool is_full_ = false;
    std::optional<base::Error> violation_;
};

}  // namespace meshchain::chain
