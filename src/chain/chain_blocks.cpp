// Blocks from their arrival to the applied tip: connecting, reorganising, proposing.

#include <algorithm>
#include <set>

#include "chain/chain.h"

namespace meshchain::chain {

std::optional<wire::Hash> Chain::header_hash(const wire::BlockHeader& header) const {
    // Further ahead another branch than ours may have elected others.
    const bool is_ahead = header.epoch > engine_->epochs().now() + std::uint64_t{1};
    if (genesis_.stakes && is_ahead) return std::nullopt;
    const auto proposer = store_->proposer_of(header);
    if (!proposer) return std::nullopt;
    return wire::block_hash(chain_, header, *proposer);
}

bool Chain::is_known(const wire::Hash& hash) const {
    return engine_->find_block(hash) != nullptr || has_body(hash);
}

/// Consensus may know a block whose body failed and was dropped.
bool Chain::has_body(const wire::Hash& hash) const {
    if (pool_.contains(hash)) return true;
    const auto stored = store_->block(hash);
    return stored && stored->has_value();
}

void Chain::accept(base::Now now, BlockPool::Entry entry) {
    const wire::Hash hash = entry.ref.hash;
    named_wishes_.forget(wire::name_of(hash));
    pool_.add(hash, std::move(entry));
    connect(now, hash);
    pool_.trim();
    held_blocks_due_ = true;
    judge_held_votes(now);
}

void Chain::connect(base::Now now, const wire::Hash& first) {
    std::vector<wire::Hash> waiting{first};
    while (!waiting.empty()) {
        const wire::Hash hash = waiting.back();
        waiting.pop_back();
        const BlockPool::Entry* entry = pool_.find(hash);
        if (entry == nullptr) continue;
        const auto added = engine_->add_block(now.wall, entry->ref);
        if (added) {
            branches_due_ = true;
            pool_.mark_connected(hash);
            for (const wire::Hash& child : pool_.children(hash)) waiting.push_back(child);
        } else if (added.error().code == base::Errc::not_found) {
            // While a proof leads there, what is between comes by it.
            const bool waits = pool_.contains(entry->ref.parent) || catch_up_->anchor() != nullptr;
            if (!waits) want(entry->ref.parent, entry->from);
        } else if (added.error().code != base::Errc::full) {
            if (added.error().code == base::Errc::malformed && entry->from) {
                emit(PeerFault{*entry->from});
            }
            pool_.take(hash);
        }
    }
    follow_head(now);
}

std::optional<std::vector<wire::Hash>> Chain::path_from_applied(const wire::Hash& head) {
    std::vector<wire::Hash> path;
    for (const consensus::BlockRef* block = engine_->find_block(head); block != nullptr;
         block = engine_->find_block(block->parent)) {
        path.push_back(block->hash);
        const auto applied = store_->hash_at(block->height);
        if (!applied) {
            fail(applied.error());
            return std::nullopt;
        }
        if (*applied == block->hash) {
            std::ranges::reverse(path);
            return path;
        }
    }
    return std::nullopt;
}

void Chain::follow_head(base::Now now) {
    if (catch_up_->bodies() != nullptr) return;  // the applied chain is ahead of what votes say
    std::vector<ledger::CheckedTransaction> reverted;
    bool changed = false;
    while (!fault_ && engine_->head().hash != store_->tip().hash && !is_held_by_quota()) {
        const auto path = path_from_applied(engine_->head().hash);
        if (!path) break;
        const auto missing = std::find_if(path->begin() + 1, path->end(),
                                          [&](const auto& hash) { return !is_at_hand(hash); });
        if (missing != path->end()) {
            if (may_come(*missing)) break;
            engine_->mark_invalid(*missing);
            continue;
        }
        if (!revert_to(path->front(), reverted)) break;
        changed = true;
        for (auto hash = path->begin() + 1; hash != path->end(); ++hash) {
            if (is_held_by_quota()) break;
            if (!pool_.contains(*hash) && !recall_kept(now, *hash)) break;
            if (!apply_pooled(now, *hash)) break;
        }
    }
    if (!reverted.empty()) mempool_->put_back(reverted, slot(now));
    if (changed) sync_.set_local({store_->tip().height, final_height()});
}

/// Before anything is built on a proof, which is worth nothing after a restart without them.
void Chain::keep_branches() {
    if (!branches_due_) return;
    branches_due_ = false;
    std::set<wire::Hash> visited;
    for (const wire::Hash& target : engine_->proof_targets()) {
        std::vector<std::pair<wire::Hash, const wire::Block*>> path;
        wire::Hash hash = target;
        for (const wire::Block* block = unapplied(hash);
             block != nullptr && visited.insert(hash).second; block = unapplied(hash)) {
            path.emplace_back(hash, block);
            hash = block->header.parent;
        }
        for (auto at = path.rbegin(); at != path.rend() && !fault_; ++at) {
            keep(at->first, *at->second, false);
        }
    }
}

/// What waits to be applied, or was refused; nothing where it is not in memory.
const wire::Block* Chain::unapplied(const wire::Hash& hash) const {
    if (const BlockPool::Entry* entry = pool_.find(hash)) return &entry->block;
    const auto refused = failed_bodies_.find(hash);
    if (refused == failed_bodies_.end() || !refused->second.last) return nullptr;
    return &*refused->second.last;
}

/// Where there is no room for it, a restart may have to ask for it.
void Chain::keep(const wire::Hash& hash, const wire::Block& block, bool executed) {
    if (!branches_.lacks(hash, executed)) return;
    if (!is_signed(block.header)) return;  // nobody else would take it
    const auto kept = branches_.keep(hash, block, executed);
    if (!kept && kept.error().code != base::Errc::full) fail(kept.error());
}

/// Before it is taken back, if a vote is for it or for what was built on it.
void Chain::keep_tip() {
    const wire::Hash& tip = store_->tip().hash;
    if (!engine_->is_named(tip) && !branches_.has_child_of(tip)) return;
    if (const auto stored = store_->block(tip); stored && *stored) {
        keep(tip, (*stored)->block, true);
    }
}

bool Chain::is_signed(const wire::BlockHeader& header) const {
    const auto proposer = store_->proposer_of(header);
    return proposer &&
           crypto::verify(*proposer, wire::preimage(chain_, header, *proposer), header.signature);
}

bool Chain::recall(base::Now now, const wire::Hash& hash, wire::Block block) {
    const bool is_sound = header_hash(block.header) == hash && is_signed(block.header);
    const auto ref =
        is_sound ? engine_->verify_header(now.wall, block.header, consensus::Arrival::stored)
                 : std::unexpected(base::Error{});
    if (!ref) {
        log_.warning("block " + crypto::to_hex(hash) + " of a branch cannot be used: left out");
        return false;
    }
    BlockPool::Entry entry{std::move(block), *ref, false, std::nullopt};
    entry.recalled = true;
    pool_.add(hash, std::move(entry));
    if (engine_->add_block(now.wall, *ref)) pool_.mark_connected(hash);
    return true;
}

/// What was refused is not tried again: others are asked for another body. What cannot be used is
/// forgotten.
bool Chain::recall_kept(base::Now now, const wire::Hash& hash) {
    if (!branches_.contains(hash) || failed_bodies_.contains(hash)) return false;
    auto kept = branches_.block(hash);
    if (kept && *kept && recall(now, hash, **std::move(kept))) return true;
    const auto erased = branches_.erase(hash);
    if (!erased) fail(erased.error());
    return false;
}

bool Chain::revert_to(const wire::Hash& fork, std::vector<ledger::CheckedTransaction>& reverted) {
    while (store_->tip().hash != fork) {
        const wire::Height height = store_->tip().height;
        keep_tip();
        if (fault_) return false;
        note_reverting(store_->tip().hash);
        auto back = store_->revert();
        if (!back) {
            fail(back.error());
            return false;
        }
        engine_->mark_reverted(back->hash);
        emit(BlockReverted{back->hash, height});
        if (const consensus::BlockRef* ref = engine_->find_block(back->hash)) {
            BlockPool::Entry entry{std::move(back->block), *ref, false, std::nullopt};
            entry.connected = true;
            pool_.add(back->hash, std::move(entry));
        }
        // Blocks come back newest first; the mempool wants them in chain order.
        reverted.insert(reverted.begin(), std::make_move_iterator(back->transactions.begin()),
                        std::make_move_iterator(back->transactions.end()));
    }
    return true;
}

bool Chain::apply_pooled(base::Now now, const wire::Hash& hash) {
    const BlockPool::Entry& entry = *pool_.find(hash);
    auto effects = ledger::execute(store_->context(), entry.block, *store_, *mempool_);
    if (!effects) {
        if (ledger::is_rule_violation(effects.error())) {
            refuse(hash, effects.error());
        } else {
            fail(effects.error());
        }
        return false;
    }
    const auto applied = store_->apply(hash, entry.block, *effects);
    if (!applied) {
        fail(applied.error());
        return false;
    }
    const wire::BlockHeader& header = entry.block.header;
    const bool own = engine_->self() == header.proposer;
    if (entry.announce) {
        const Form form = entry.heard_whole ? Form::whole : Form::in_short;
        announce(hash, header, effects->transactions, entry.from, form);
    }
    plan_rows_ahead(now, hash, header.slot, effects->transactions.size());
    engine_->mark_executed(hash);
    failed_bodies_.erase(hash);
    mempool_->remove_included(*effects);
    emit(BlockApplied{hash, header.height, header.slot, own, std::move(effects->transactions)});
    pool_.take(hash);
    held_blocks_due_ = true;
    return true;
}

/// Transactions are bound to their header only by executing them all, so the giver of a body may
/// have lied about an honest block. Others are asked before the block itself is condemned.
void Chain::refuse(const wire::Hash& hash, const base::Error& error) {
    const auto entry = pool_.take(hash);
    // Of a block that votes name the header proves something, whatever its body is: it is kept and
    // passed on, and whoever does so is not to blame.
    const bool is_named = engine_->is_named(hash);
    FailedBodies& failed = failed_bodies_[hash];
    // The same body again, which others were given as we were, says nothing more about the block.
    failed.bodies.insert(crypto::hash(wire::encode(entry->block)));
    if (entry->from && !entry->reconstructed) {
        failed.givers.insert(*entry->from);
        if (!is_named) emit(PeerFault{*entry->from});
    }
    failed.asked_again = false;
    if (is_named) {
        keep(hash, entry->block, false);
    } else {
        if (const auto erased = branches_.erase(hash); !erased) return fail(erased.error());
        hold_refused(hash, entry->block);
    }
    const bool may_differ = entry->from || entry->recalled || entry->reconstructed;
    if (may_differ && failed.bodies.size() < failed_bodies_max) return;
    log_.warning("block " + crypto::to_hex(hash) + " is invalid: " + base::sentence(error));
    engine_->mark_invalid(hash);
}

/// A vote may name it later, and then it belongs to a proof. Of too many the oldest is let go.
void Chain::hold_refused(const wire::Hash& hash, wire::Block block) {
    failed_bodies_[hash].last = std::move(block);
    std::size_t held = 0;
    FailedBodies* oldest = nullptr;
    for (auto& [name, failed] : failed_bodies_) {
        if (!failed.last) continue;
        ++held;
        if (oldest == nullptr || failed.last->header.slot < oldest->last->header.slot) {
            oldest = &failed;
        }
    }
    if (held > refused_held_max) oldest->last.reset();
}

/// A block on the way to the head has no body here: whether one may still come. Of a block that
/// failed, others were asked for another body; when they have none, none will come.
bool Chain::may_come(const wire::Hash& hash) {
    if (downloads_.is_wanted(hash)) return true;
    const auto failed = failed_bodies_.find(hash);
    if (failed == failed_bodies_.end()) {
        want_from_any(hash);
        return true;
    }
    if (failed->second.asked_again) return false;
    want_from_any(hash, failed->second.givers);
    failed->second.asked_again = downloads_.is_wanted(hash);
    return true;
}

void Chain::fail(const base::Error& error) {
    log_.error("the store failed; nothing is applied any more: " + base::sentence(error));
    fault_ = error;
    engine_->halt(error);
}

/// A commit of unknown outcome leaves the store read-only until it is opened again, and damage does
/// not heal by itself; everything else has changed nothing and may pass.
bool Chain::may_retry() const {
    if (!fault_ || kv_->is_read_only()) return false;
    return is_mended() || fault_->code == base::Errc::full || fault_->code == base::Errc::io;
}

void Chain::retry_after_fault(base::Now now) {
    if (!may_retry() || now.instant < retry_at_) return;
    retry_at_ = now.instant + retry_pause_;
    retry_pause_ = std::min(2 * retry_pause_, retry_pause_max);
    if (!is_restored_) {
        if (const auto restored = restore_tree(now); !restored) {
            fault_ = restored.error();
            return;
        }
    }
    fault_.reset();
    engine_->resume();
    branches_due_ = true;
    import_at_ = now.instant;
    advance_catch_up(now);
    if (import_ && !fault_) store_proven(now);  // shows whether the store works
    follow_head(now);
    if (fault_) return;
    retry_pause_ = retry_pause_min;
    log_.info("the store works again");
}

std::optional<consensus::Duty> Chain::duty(base::Now now) const {
    const auto duty = engine_->proposal_duty(now.wall);
    // Later in its slot a block would be untimely, and the next rank's turn has come.
    if (!duty || now.wall >= engine_->schedule().timely_until(duty->slot, duty->rank)) return {};
    return duty;
}

base::WallTime Chain::next_proposal_time(base::Now now) const {
    const base::WallTime next = engine_->next_proposal_time(now.wall);
    if (next > now.wall) return next;
    if (const auto turn = duty(now); turn && attempted_ != turn->slot) return now.wall;
    return engine_->schedule().start_of(wire::Slot{slot(now).value + 1});
}

bool Chain::is_left_behind() const {
    const consensus::ValidatorSet& validators = engine_->validators();
    consensus::ValidatorBits ahead = 0;
    for (std::uint16_t i = 0; i < validators.size(); ++i) {
        const auto heights = sync_.heights_of(validators[{i}].identity);
        if (heights && heights->final > store_->tip().height) ahead |= consensus::bit({i});
    }
    return validators.is_more_than_third(validators.stake_of(ahead));
}

void Chain::propose(base::Now now) {
    if (mempool_->size() == 0 && !is_block_wanted(now)) return;
    if (!is_block_wanted(now) && now.instant < proposal_due()) return;
    const auto turn = duty(now);
    if (!turn) return;
    attempted_ = turn->slot;  // a new transaction tries again, the timer does not
    if (!may_be_heard_in_time(now, *turn) || is_one_under_way(*turn)) return;
    if (fault_ || (is_stalled() && !turn->raises) || is_left_behind() ||
        turn->parent != store_->tip().hash)
        return;
    propose_at(now, *turn);
}

/// On the air: not when it would have to wait, or come while the next in rank begins.
bool Chain::may_be_heard_in_time(base::Now now, const consensus::Duty& duty) const {
    const auto takes = std::chrono::ceil<base::Milliseconds>(flood_time() / 4);
    if (now.wall + takes > engine_->schedule().timely_until(duty.slot, duty.rank)) return false;
    return choice_ == nullptr || choice_->is_free(now.instant, wire::MessageType::block);
}

/// A transaction that others have not heard yet would have to be asked for, so a block waits for
/// it to be everywhere, and takes those along that come meanwhile.
base::Instant Chain::proposal_due() const {
    return waiting_since_ ? *waiting_since_ + flood_time() : base::Instant{};
}

base::Duration Chain::flood_time() const {
    return choice_ == nullptr ? base::Duration{} : choice_->flood_time();
}

void Chain::propose_at(base::Now now, const consensus::Duty& duty) {
    ledger::BlockContext context = store_->context();
    context.block_bytes_limit = proposal_bytes_max_;
    ledger::BlockBuilder builder(context, duty.slot, *store_, *mempool_);
    if (auto raised = duty.raises ? builder.raise_epoch() : std::expected<void, base::Error>{};
        !raised) {
        log_.warning("no proposal: " + base::sentence(raised.error()));
        return;
    }
    const std::size_t said = add_testimony(builder, duty) ? 1 : 0;  // no reason for a block
    add_reports(builder, duty.slot);
    bool left_out = false;
    for (const auto* waiting : mempool_->select(proposal_bytes_max_, duty.slot)) {
        if (builder.transaction_count() >= transactions_announced_max()) break;
        if (!builder.add(waiting->shortest)) left_out = true;  // what does not fit waits
    }
    // What only the testimony leaves no room for fits next time, if this one is said now.
    const bool makes_room = said == 1 && left_out;
    if (builder.transaction_count() == said && !makes_room && !is_block_wanted(now)) return;
    emit(ProposerSelected{duty.slot});

    wire::Block block;
    block.header.height = {store_->tip().height.value + 1};
    block.header.parent = duty.parent;
    block.header.slot = duty.slot;
    block.header.rank = duty.rank;
    block.header.proposer = *engine_->self();
    block.header.transaction_root = builder.transaction_root();
    block.header.parent_state = store_->state().digest();
    block.header.epoch = duty.epoch;
    const auto claim = builder.epoch_claim();
    if (!claim) return fail(claim.error());
    if (*claim) {
        block.header.certificate = (*claim)->next;
    } else if (const auto& certificate = engine_->certificate()) {
        block.header.certificate = wire::certificate_hash(*certificate);
    }
    block.transactions = builder.transactions();
    if (auto paid = builder.pay_fees(block.header.proposer); !paid) {
        log_.warning("no proposal: " + base::sentence(paid.error()));
        return;
    }
    const ledger::BlockEffects effects = std::move(builder).finish(block.header.proposer);
    const auto ref = engine_->sign_block(now.wall, block);
    if (!ref) {
        log_.warning("no proposal: " + base::sentence(ref.error()));
        return;
    }
    ++blocks_proposed_;
    announce(ref->hash, block.header, effects.transactions, std::nullopt, Form::in_short);
    accept(now, {std::move(block), *ref, false, std::nullopt});
    settle(now);
}

}  // namespace meshchain::chain
