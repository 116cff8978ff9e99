// What a chain does for its store beside applying: the undo quota, pruning, healing what is
// damaged, and taking no new work where there is no room.

#include <algorithm>

#include "chain/chain.h"

namespace meshchain::chain {
namespace {

constexpr base::Duration mend_pause = std::chrono::milliseconds(20);
/// For peers to answer, or for damage that nobody can heal to be tried again.
constexpr base::Duration mend_patience = std::chrono::seconds(2);

std::unexpected<base::Error> missing_block(wire::Height height) {
    return base::failure(base::Errc::corrupt,
                         "block " + std::to_string(height.value) + " is missing", "chain",
                         "stop the node and run `meshchain store salvage`");
}

}  // namespace

/// The engine keeps references from FINAL on only; the blocks above it are in the store.
std::expected<void, base::Error> Chain::restore_tree(base::Now now) {
    MESH_TRY(const auto final_applied, store_->hash_at(final_height()));
    if (final_applied != engine_->final().block) return missing_block(final_height());

    for (std::uint32_t height = engine_->final_block().height.value + 1;
         height <= store_->tip().height.value; ++height) {
        MESH_TRY(const auto hash, store_->hash_at({height}));
        MESH_TRY(const auto header, store_->header(hash.value_or(wire::Hash{})));
        if (!header) return missing_block({height});
        // How to take it back is not needed yet: if that is damaged, it is healed from now on.
        static_cast<void>(store_->block(hash.value_or(wire::Hash{})));
        MESH_TRY(const consensus::BlockRef ref,
                 engine_->verify_header(now.wall, *header, consensus::Arrival::stored));
        MESH_CHECK(engine_->add_block(now.wall, ref));
        engine_->mark_executed(ref.hash);
    }
    MESH_CHECK(restore_branches(now));
    is_restored_ = true;
    return {};
}

/// Votes are for these blocks, and what they prove counts again once the blocks are known. Damage
/// among them is no reason not to start: others may have them.
std::expected<void, base::Error> Chain::restore_branches(base::Now now) {
    auto kept = branches_.load();
    if (!kept && kept.error().code == base::Errc::corrupt) {
        log_.warning("branches are left out: " + base::sentence(kept.error()));
        return {};
    }
    if (!kept) return std::unexpected(kept.error());
    const wire::Slot final = engine_->final().slot;
    for (auto& [hash, block] : *kept) {
        if (block.header.slot <= final || engine_->find_block(hash) != nullptr) continue;
        static_cast<void>(recall(now, hash, std::move(block)));
    }
    const auto pruned = branches_.prune(final);
    if (!pruned && pruned.error().code != base::Errc::unavailable) {
        return std::unexpected(pruned.error());
    }
    return {};
}

std::uint32_t Chain::undo_blocks() const {
    return store_->tip().height.value - std::min(final_height(), store_->tip().height).value;
}

bool Chain::is_stalled() const { return undo_blocks() >= undo_blocks_max_ || engine_->is_full(); }

/// Another branch may be followed at the quota, since going back frees what going on takes; and
/// what is proven to be final must be, since it frees everything.
bool Chain::is_held_by_quota() const {
    const wire::Hash& tip = store_->tip().hash;
    if (undo_blocks() < undo_blocks_max_ || !engine_->is_ancestor(tip, engine_->head().hash)) {
        return false;
    }
    if (is_raise_next()) return false;
    const auto& proven = engine_->awaited_final();
    return !proven || engine_->is_ancestor(proven->block, tip);
}

/// With the next epoch another set decides, which may finalise where the present one cannot: so the
/// quota stands in the way of no block that raises it.
bool Chain::is_raise_next() const {
    const std::uint32_t now = engine_->epochs().now();
    const wire::Hash& tip = store_->tip().hash;
    const consensus::BlockRef* block = &engine_->head();
    while (block != nullptr && block->epoch > now && block->parent != tip) {
        block = engine_->find_block(block->parent);
    }
    const consensus::BlockRef* parent = engine_->find_block(tip);
    return block != nullptr && block->epoch > now && parent != nullptr && parent->epoch == now;
}

/// What lies at or below it may go: keep_blocks are left up to FINAL, and whoever still reads.
wire::Height Chain::prune_target() const {
    if (keep_blocks_ == 0) return {};
    const std::uint32_t final = std::min(final_height(), store_->tip().height).value;
    const wire::Height horizon{final - std::min(final, keep_blocks_)};
    return held_above_ ? std::min(horizon, *held_above_) : horizon;
}

bool Chain::is_prune_due() const {
    return !kv_->is_read_only() &&
           prune_target().value >= store_->base().height.value + prune_blocks_min;
}

/// Also on a full disk, where it makes room.
void Chain::prune(base::Now now) {
    if (!is_prune_due() || now.instant < prune_at_) return;
    const auto gone = store_->prune(prune_target());
    const auto epochs = gone ? prune_epochs() : gone;
    prune_at_ = now.instant + (epochs ? prune_pause : retry_pause_max);
    if (gone) blocks_pruned_ += *gone;
    if (!epochs) log_.warning("pruning waits: " + base::sentence(epochs.error()));
}

/// Sets of the past are needed for the blocks that are kept, and as long as somebody can be slashed
/// for what he signed in them.
std::expected<std::size_t, base::Error> Chain::prune_epochs() {
    if (!genesis_.stakes) return 0;
    MESH_TRY(const auto oldest, store_->hash_at({store_->base().height.value + 1}));
    if (!oldest) return 0;
    MESH_TRY(const auto epoch, store_->epoch_of(*oldest));
    const std::uint32_t now = engine_->epochs().now();
    const std::uint32_t past = std::min<std::uint32_t>(now, genesis_.stakes->unbond_epochs);
    // A quorum of an epoch is counted by the set before it as well.
    const std::uint32_t held = epoch.value_or(0);
    return store_->prune_epochs(std::min(held - std::min(held, 1U), now - past));
}

bool Chain::is_mended() const {
    return fault_ && fault_->code == base::Errc::corrupt && store_->damage().empty() &&
           store_->damage().healed() > 0;
}

void Chain::mend(base::Now now) {
    const DamageLog& damage = store_->damage();
    if (damage.empty() || now.instant < mend_at_ || kv_->is_read_only()) return;
    const auto healed = damage.healed();
    const auto more = repair_->step();
    mend_at_ = now.instant + (more && *more ? mend_pause : mend_patience);
    if (!more) log_.error("damage is not healed yet: " + base::sentence(more.error()));
    for (const wire::Hash& hash : repair_->wanted()) {
        if (!downloads_.is_wanted(hash)) want_from_any(hash);
    }
    if (damage.healed() > healed && damage.empty()) {
        log_.info("damage in the store is healed: " + std::to_string(damage.healed()) +
                  " rows since the start");
        retry_at_ = now.instant;
    }
}

base::Instant Chain::upkeep_timeout() const {
    base::Instant next = base::never;
    if (is_prune_due()) next = prune_at_;
    if (!store_->damage().empty() && !kv_->is_read_only()) next = std::min(next, mend_at_);
    return next;
}

/// What could not be put into a block here is not taken in.
std::expected<void, base::Error> Chain::check_room(base::Now now) {
    if (now.instant >= room_due_) {
        room_ = kv_->quota();  // which engines have to look up
        room_due_ = now.instant + retry_pause_min;
    }
    if (room_.level() != kv::QuotaLevel::full) return {};
    return base::failure(base::Errc::full,
                         "the store is full: " + std::to_string(room_.used_bytes) + " of " +
                             std::to_string(room_.limit_bytes) + " bytes",
                         "chain", "make room, prune (store.keep_blocks) or raise the quota");
}

}  // namespace meshchain::chain
