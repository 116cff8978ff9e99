// Applying what is proven to be final: many blocks at a time, then the certificate itself.

#include <algorithm>

#include "chain/chain.h"
#include "consensus/certificate.h"

namespace meshchain::chain {

std::unique_ptr<CatchUp> Chain::make_catch_up() {
    CatchUp::Options options;
    options.grace = 2 * base::Milliseconds{genesis_.block_time_ms};
    CatchUp::Owner owner;
    owner.header_hash = [this](const wire::BlockHeader& header) { return header_hash(header); };
    owner.applied_at = [this](wire::Height height) -> std::optional<wire::Hash> {
        if (height > store_->tip().height) return std::nullopt;
        const auto hash = store_->hash_at(height);
        return hash ? *hash : std::nullopt;
    };
    owner.is_proof = [this](const wire::Certificate& certificate) {
        return consensus::verify_certificate(chain_, engine_->validators(), certificate)
            .has_value();
    };
    owner.choice = choice_;
    return std::make_unique<CatchUp>(options, std::move(owner), random_.stream("catch up"));
}

void Chain::advance_catch_up(base::Now now) {
    while (!fault_ && may_import(now) && import_proven(now)) {
    }
    if (!fault_ && catch_up_->is_reached()) adopt_anchor(now);
}

/// Many blocks share one flush of the disk; the last few, or those of a slow peer, do not wait
/// long.
bool Chain::may_import(base::Now now) const {
    const BodyFetch* bodies = catch_up_->bodies();
    if (bodies == nullptr || bodies->ready() == 0) return false;
    const std::size_t left =
        catch_up_->anchor()->header.height.value - bodies->next().value + std::size_t{1};
    return bodies->ready() >= std::min(left, import_blocks_min) || now.instant >= import_at_ ||
           2 * bodies->buffered_bytes() >= BodyFetch::buffer_bytes_max;
}

/// False when nothing was applied.
bool Chain::import_proven(base::Now now) {
    import_at_ = base::never;
    const std::vector<ImportBlock> blocks = catch_up_->bodies()->blocks(2 * import_blocks_min);
    std::vector<ledger::CheckedTransaction> reverted;
    const bool stands = revert_to(blocks.front().header.parent, reverted);
    if (!reverted.empty()) mempool_->put_back(reverted, slot(now));
    if (!stands) return false;
    auto imported = chain::import_blocks(*store_, blocks, *mempool_, *verifier_);
    if (!imported) {
        fail(imported.error());
        return false;
    }
    const std::size_t count = imported->blocks.size();
    catch_up_->note_applied(now.instant, count);
    if (imported->violation) {
        log_.warning("a peer gave false transactions for a proven block: " +
                     base::sentence(*imported->violation));
        catch_up_->reject(now.instant);
    }
    note_imported(std::move(imported->blocks));
    return count > 0;
}

void Chain::note_imported(std::vector<ExecutedBlock> blocks) {
    for (ExecutedBlock& block : blocks) {
        const wire::BlockHeader& header = block.block.header;
        engine_->mark_executed(block.hash);
        mempool_->remove_included(block.effects);
        downloads_.forget(block.hash);
        pool_.take(block.hash);
        emit(BlockApplied{block.hash, header.height, header.slot,
                          engine_->self() == header.proposer,
                          std::move(block.effects.transactions)});
    }
}

void Chain::adopt_anchor(base::Now now) {
    const Anchor anchor = *catch_up_->anchor();
    consensus::BlockRef ref;
    ref.hash = anchor.hash;
    ref.parent = anchor.header.parent;
    ref.height = anchor.header.height;
    ref.slot = anchor.header.slot;
    ref.rank = anchor.header.rank;
    ref.proposer = anchor.header.proposer;
    ref.executed = true;
    const auto adopted = engine_->adopt(now.wall, anchor.certificate, ref);
    if (!adopted && adopted.error().code != base::Errc::stale) return fail(adopted.error());
    catch_up_->set_final(now.instant, final_height());
    // Blocks that came meanwhile and follow it.
    for (const wire::Hash& child : pool_.children(anchor.hash)) connect(now, child);
}

std::size_t Chain::page_downloads() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        page_, [&](const wire::Hash& hash) { return downloads_.is_wanted(hash); }));
}

void Chain::update_progress(base::Now now) {
    if (!fault_ && catch_up_->bodies() != nullptr && catch_up_->bodies()->ready() > 0) {
        import_at_ = std::min(import_at_, now.instant + import_pause);
    } else {
        import_at_ = base::never;
    }
    SyncProgress::Situation situation;
    situation.applied = store_->tip().height;
    if (const Anchor* anchor = catch_up_->anchor()) situation.proven = anchor->header.height;
    situation.is_behind = catch_up_->is_behind(now.instant) || sync_.is_behind();
    situation.is_fetching = sync_.is_behind() && sync_.is_fetching();
    situation.has_peers = sync_.has_peers();
    situation.has_failed = fault_ || catch_up_->contradiction() || catch_up_->is_doubtful();
    progress_.update(now.instant, situation);
}

}  // namespace meshchain::chain
