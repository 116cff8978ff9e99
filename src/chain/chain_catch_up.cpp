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
    owner.is_proof = [this](const wire::ProvenFinal& proven) {
        return consensus::verify_certificate(chain_, engine_->epochs(), proven.header.epoch,
                                             proven.certificate)
            .has_value();
    };
    owner.can_judge = [this](const wire::BlockHeader& header) {
        return engine_->epochs().knows(header.epoch);
    };
    owner.choice = choice_;
    return std::make_unique<CatchUp>(options, std::move(owner), random_.stream("catch up"));
}

/// One slice a call: frames are taken and answered between slices.
void Chain::advance_catch_up(base::Now now) {
    if (!fault_ && may_execute_proven(now)) execute_proven(now);
    if (!fault_ && may_store_proven(now)) store_proven(now);
    if (!fault_ && catch_up_->is_reached()) adopt_anchor(now);
}

/// Blocks that are here and not executed.
std::size_t Chain::waiting_bodies() const {
    const BodyFetch* bodies = catch_up_->bodies();
    if (bodies == nullptr) return 0;
    return bodies->ready() - std::min(bodies->ready(), import_ ? import_->size() : 0);
}

/// The last few, or those of a slow peer, do not wait long.
bool Chain::may_execute_proven(base::Now now) const {
    const std::size_t waiting = waiting_bodies();
    if (waiting == 0) return false;
    const BodyFetch& bodies = *catch_up_->bodies();
    const std::size_t left =
        catch_up_->anchor()->header.height.value - bodies.next().value + std::size_t{1};
    return waiting >= import_slice || bodies.ready() >= left || now.instant >= import_at_ ||
           2 * bodies.buffered_bytes() >= BodyFetch::buffer_bytes_max;
}

void Chain::execute_proven(base::Now now) {
    import_at_ = base::never;
    const BodyFetch& bodies = *catch_up_->bodies();
    // A new proof, or a block that came another way, may have taken the ground from what was
    // executed.
    const std::size_t executed = import_ ? import_->size() : 0;
    if (import_ && (!import_->is_current() ||
                    (executed > 0 && bodies.hash_of(executed - 1) != import_->tip()))) {
        import_.reset();
    }
    if (!import_) {
        std::vector<ledger::CheckedTransaction> reverted;
        const bool stands = revert_to(bodies.blocks(0, 1).front().header.parent, reverted);
        if (!reverted.empty()) mempool_->put_back(reverted, slot(now));
        if (!stands) return;
        import_.emplace(*store_, *mempool_, *verifier_);
        store_at_ = now.instant + import_commit_pause;
    }
    const auto added = import_->add(bodies.blocks(import_->size(), import_slice));
    if (!added) {
        import_.reset();
        return fail(added.error());
    }
    if (waiting_bodies() > 0) import_at_ = now.instant;
}

/// Many blocks share one flush of the disk.
bool Chain::may_store_proven(base::Now now) const {
    if (!import_) return false;
    const BodyFetch* bodies = catch_up_->bodies();
    return bodies == nullptr || import_->is_full() || import_->violation() ||
           now.instant >= store_at_ || import_->tip() == catch_up_->anchor()->hash ||
           2 * bodies->buffered_bytes() >= BodyFetch::buffer_bytes_max;
}

void Chain::store_proven(base::Now now) {
    store_at_ = base::never;
    BlockImport import = *std::exchange(import_, std::nullopt);
    const std::size_t count = import.size();
    const BodyFetch* bodies = catch_up_->bodies();
    // As above: then it is fetched, or executed, again.
    if (!import.is_current() || bodies == nullptr) return;
    if (count > 0 && bodies->hash_of(count - 1) != import.tip()) return;
    const std::optional<base::Error> violation = import.violation();
    auto stored = std::move(import).commit();
    if (!stored) return fail(stored.error());
    if (count > 0) catch_up_->note_applied(now.instant, count);
    if (violation) {
        log_.warning("a peer gave false transactions for a proven block: " +
                     base::sentence(*violation));
        catch_up_->reject(now.instant);
    }
    note_imported(*std::move(stored));
    if (waiting_bodies() > 0) import_at_ = now.instant;
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
    ref.epoch = anchor.header.epoch;
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
    if (!fault_ && waiting_bodies() > 0) {
        import_at_ = std::min(import_at_, now.instant + import_pause);
    } else {
        import_at_ = base::never;
    }
    if (fault_ || !import_) store_at_ = base::never;
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
