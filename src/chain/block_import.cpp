#include "chain/block_import.h"

#include <algorithm>

namespace meshchain::chain {

std::expected<void, base::Error> BlockImport::add(std::span<const ImportBlock> blocks) {
    if (violation_) return {};
    ledger::SignatureQueue signatures;
    const std::size_t before = size();
    std::vector<std::size_t> ends;  // of each block's signatures
    for (const ImportBlock& block : blocks) {
        is_full_ = size() == blocks_max || !pending_.has_room(block.transactions);
        if (is_full_) break;
        const auto executed = pending_.execute(block.hash, {block.header, block.transactions},
                                               *verified_, signatures);
        if (!executed) {
            if (!ledger::is_rule_violation(executed.error())) {
                return std::unexpected(executed.error());
            }
            violation_ = executed.error();
            break;
        }
        ends.push_back(signatures.size());
    }
    const std::size_t queued = ends.empty() ? 0 : ends.back();
    const auto wrong = verifier_->first_wrong(signatures.checks().first(queued));
    if (!wrong) return {};
    violation_ = base::Error{base::Errc::bad_signature,
                             "a transaction is not signed by the owner of its coin", "block", ""};
    const auto block = std::ranges::upper_bound(ends, *wrong) - ends.begin();
    return keep_first(before + static_cast<std::size_t>(block));
}

/// What came after those was executed on a lie. Their own signatures have been judged.
std::expected<void, base::Error> BlockImport::keep_first(std::size_t count) {
    std::vector<ExecutedBlock> kept = std::move(pending_).take_blocks();
    kept.resize(count);
    pending_ = PendingBlocks(*store_);
    ledger::SignatureQueue judged;
    for (ExecutedBlock& block : kept) {
        MESH_CHECK(pending_.execute(block.hash, std::move(block.block), *verified_, judged));
    }
    return {};
}

std::expected<std::vector<ExecutedBlock>, base::Error> BlockImport::commit() && {
    MESH_ASSERT(is_current());
    if (size() > 0) MESH_CHECK(store_->apply(pending_.blocks(), pending_.state()));
    return std::move(pending_).take_blocks();
}

}  // namespace meshchain::chain
