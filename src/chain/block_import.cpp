#include "chain/block_import.h"

#include <algorithm>

namespace meshchain::chain {

std::expected<Imported, base::Error> import_blocks(ChainStore& store,
                                                   std::span<const ImportBlock> blocks,
                                                   const ledger::VerifiedSet& verified,
                                                   crypto::Verifier& verifier) {
    PendingBlocks pending(store);
    ledger::SignatureQueue signatures;
    std::vector<std::size_t> ends;  // of each block's signatures
    Imported imported;
    for (const ImportBlock& block : blocks) {
        if (!pending.has_room(block.transactions)) break;
        const auto executed =
            pending.execute(block.hash, {block.header, block.transactions}, verified, signatures);
        if (!executed) {
            if (!ledger::is_rule_violation(executed.error())) {
                return std::unexpected(executed.error());
            }
            imported.violation = executed.error();
            break;
        }
        ends.push_back(signatures.size());
    }
    const std::size_t queued = ends.empty() ? 0 : ends.back();
    if (const auto wrong = verifier.first_wrong(signatures.checks().first(queued))) {
        // What came after it was executed on a lie: only what is before it is taken.
        const auto block = std::ranges::upper_bound(ends, *wrong) - ends.begin();
        MESH_TRY(imported, import_blocks(store, blocks.first(static_cast<std::size_t>(block)),
                                         verified, verifier));
        imported.violation =
            base::Error{base::Errc::bad_signature,
                        "a transaction is not signed by the owner of its coin", "block", ""};
        return imported;
    }
    if (pending.blocks().empty()) return imported;
    MESH_CHECK(store.apply(pending.blocks(), pending.state()));
    imported.blocks = std::move(pending).take_blocks();
    return imported;
}

}  // namespace meshchain::chain
