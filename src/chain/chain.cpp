#include "chain/chain.h"

#include <algorithm>

#include "base/assert.h"
#include "chain/consensus_of.h"
#include "wire/state.h"

namespace meshchain::chain {
namespace {

constexpr wire::MessageRule object(wire::MessageType type, std::size_t bytes_min,
                                   std::size_t bytes_max, std::uint32_t frames_per_minute,
                                   std::uint8_t priority, std::uint32_t at_once = 0) {
    return {type,
            wire::MessageClass::object,
            static_cast<std::uint16_t>(bytes_min),
            static_cast<std::uint16_t>(bytes_max),
            frames_per_minute,
            priority,
            true,
            std::nullopt,
            at_once};
}

constexpr wire::MessageRule control(wire::MessageType type, std::size_t body_min,
                                    std::size_t body_max, std::uint32_t frames_per_minute,
                                    std::uint8_t priority,
                                    std::optional<wire::MessageType> answered_by = std::nullopt) {
    return {type,
            wire::MessageClass::control,
            static_cast<std::uint16_t>(body_min + crypto::Signature::size),
            static_cast<std::uint16_t>(body_max + crypto::Signature::size),
            frames_per_minute,
            priority,
            true,
            answered_by};
}

/// Whoever misses the same block has an answer in what others are told.
constexpr wire::MessageRule overheard(wire::MessageRule rule) {
    rule.is_overheard = true;
    return rule;
}

using Type = wire::MessageType;
/// Only what was asked for is taken, so the limit is what two machines can exchange.
constexpr wire::MessageRule sync_data_rule{Type::sync_data,
                                           wire::MessageClass::chunk,
                                           wire::SyncChunk::overhead_bytes + 1,
                                           wire::ip_payload_bytes_max,
                                           240'000,
                                           3,
                                           false};

constexpr wire::MessageRule on_air(wire::MessageType type, std::size_t bytes_min,
                                   std::size_t bytes_max) {
    return {type,
            wire::MessageClass::chunk,
            static_cast<std::uint16_t>(bytes_min),
            static_cast<std::uint16_t>(bytes_max),
            600,
            1,
            true};
}

constexpr std::array chain_rules{
    // The votes of some rounds, and a mempool that is announced: as many as leave a chain at once.
    object(Type::block_ack, wire::Vote::size, wire::Vote::size, 6000, 0, Chain::outgoing_max),
    object(Type::block, wire::BlockHeader::size + 2, wire::ip_payload_bytes_max, 600, 1),
    object(Type::evidence, 2, wire::ip_payload_bytes_max, 60, 1),
    overheard(control(Type::vote_request, 13, 13, 600, 1)),
    object(Type::transaction, wire::CompactTransfer::size, wire::long_bytes_max, 6000, 2,
           Chain::outgoing_max),
    overheard(control(Type::sync_request, 1, 64, 3000, 3, Type::sync_response)),
    overheard(control(Type::sync_response, 1, wire::control_body_bytes_max, 6000, 3)),
    sync_data_rule,
    object(Type::short_vote, wire::ShortVote::bytes_min, wire::ShortVote::bytes_max, 6000, 0),
    object(Type::short_block, wire::ShortBlock::bytes_min, wire::ShortBlock::bytes_max, 600, 1),
    on_air(Type::air_ask, wire::air_question_bytes_min, wire::air_question_bytes_max),
    on_air(Type::block_row, wire::BlockRow::overhead_bytes + 1,
           wire::BlockRow::overhead_bytes + wire::BlockRow::bytes_max),
    control(Type::state_request, 6, 128, 3000, 3),
    control(Type::state_response, 7, wire::control_body_bytes_max, 6000, 3),
};

Synchronizer::Options sync_options(const ledger::Genesis& genesis) {
    Synchronizer::Options options;
    options.grace = 2 * base::Milliseconds{genesis.block_time_ms};
    return options;
}

std::size_t transactions_max(const ledger::Genesis& genesis) {
    return genesis.block_bytes_limit / wire::CompactTransfer::size + 1;
}

// Nothing becomes final for that many blocks before the chain stands still, so no two FINALs are
// further apart, and no two certificates that are kept.
static_assert(HeaderWalk::headers_max >=
              Chain::tree_blocks_max + 2 * consensus::CertificateStore::spacing);

}  // namespace

Chain::Chain(const ledger::Genesis& genesis, ChainParts parts)
    : genesis_(genesis),
      chain_(ledger::chain_id(genesis)),
      kv_(&parts.store),
      log_(parts.log),
      consensus_table_(parts.consensus_table),
      validating_key_(std::move(parts.validating_key)),
      proposal_bytes_max_(
          std::min<std::size_t>(parts.proposal_bytes_max, genesis.block_bytes_limit)),
      undo_blocks_max_(parts.undo_blocks_max),
      keep_blocks_(parts.keep_blocks),
      has_air_alone_(parts.has_air_alone),
      random_(parts.random),
      branches_(parts.store),
      downloads_(
          [this](const crypto::PublicKey& peer) {
              constexpr base::Duration usual = BlockDownload::usual_patience;
              return choice_ == nullptr ? usual : choice_->patience(peer, usual);
          },
          transactions_max(genesis),
          [this](const wire::BlockHeader& header) { return header_hash(header); },
          random_.stream("downloads"), genesis.stakes.has_value()),
      next_block_(random_.stream("next block")),
      named_wishes_(random_.stream("names")),
      choice_(parts.choice),
      sync_(sync_options(genesis), choice_),
      certificates_(parts.store, tables::certificates),
      progress_(parts.sync_timeout),
      verifier_(parts.verifier != nullptr ? parts.verifier : &inline_verifier_),
      witness_(parts.witness) {}

std::expected<std::unique_ptr<Chain>, base::Error> Chain::open(const ledger::Genesis& genesis,
                                                               ChainParts parts, base::Now now) {
    std::unique_ptr<Chain> chain(new Chain(genesis, std::move(parts)));
    MESH_CHECK(chain->load(now));
    return chain;
}

std::expected<void, base::Error> Chain::load(base::Now now) {
    MESH_TRY(store_, ChainStore::open(*kv_, genesis_));
    mempool_ = std::make_unique<Mempool>(chain_, *store_);
    consensus::Limits limits;
    limits.blocks = tree_blocks_max;
    if (has_air_alone_) {
        limits.rounds_asked = rounds_asked_on_air;
        limits.on_air = true;
    }
    engine_ = std::make_unique<consensus::Engine>(
        params_of(genesis_), validators_of(genesis_), *kv_,
        consensus::VoteTables(consensus_table_, tables::certificates), std::move(validating_key_),
        random_.stream("consensus"), log_.for_module("consensus"), limits,
        genesis_.stakes ? store_.get() : nullptr, witness_);
    MESH_CHECK(engine_->load(now.wall));
    repair_ = std::make_unique<Repair>(
        *kv_, *store_, genesis_,
        [this](const wire::BlockHeader& header) { return header_hash(header); });
    if (const auto restored = restore_tree(now); !restored) {
        // What is damaged may be healed while the node runs; a node that does not start heals
        // nothing, and would be started again and again.
        if (store_->damage().empty()) return std::unexpected(restored.error());
        fail(restored.error());
    }
    server_ = std::make_unique<SyncServer>(*store_, pool_, branches_, certificates_, *engine_);
    catch_up_ = make_catch_up();
    catch_up_->set_final(now.instant, final_height());
    reported_final_ = engine_->final().block;
    sync_.set_local({store_->tip().height, final_height()});
    return {};
}

std::span<const wire::MessageRule> Chain::message_rules() { return chain_rules; }
std::span<const wire::MessageRule> Chain::rules() const { return chain_rules; }

std::expected<void, base::Error> Chain::start(base::Now now) {
    // A block signed just before a crash may not have left. Peers fetch it when they hear of our
    // height.
    if (const auto& own = engine_->last_own_block()) {
        const auto hash = header_hash(own->header);
        if (hash && !is_known(*hash) && own->header.slot > engine_->final().slot) {
            if (const auto ref =
                    engine_->verify_header(now.wall, own->header, consensus::Arrival::requested)) {
                accept(now, {*own, *ref, false, std::nullopt});
            }
        }
    }
    settle(now);
    return {};
}

void Chain::stop(base::Now) {
    outgoing_.clear();
    peers_.clear();
}

wire::Verdict Chain::handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                            base::Bytes payload) {
    wire::Verdict verdict = wire::Verdict::ignore;
    switch (type) {
        case Type::transaction: verdict = handle_transaction(now, from, payload); break;
        case Type::block: verdict = handle_announcement(now, from, payload); break;
        case Type::block_ack: verdict = handle_vote(now, payload); break;
        case Type::vote_request: verdict = handle_vote_request(now, from, payload); break;
        case Type::evidence: verdict = handle_evidence(now, payload); break;
        case Type::sync_request: verdict = handle_sync_request(now, from, payload); break;
        case Type::sync_response: verdict = handle_sync_response(now, from, payload); break;
        case Type::short_vote: verdict = handle_short_vote(now, from, payload); break;
        case Type::short_block: verdict = handle_short_block(now, from, payload); break;
        case Type::air_ask: verdict = handle_air_question(now, from, payload); break;
        case Type::block_row: verdict = handle_block_row(now, from, payload); break;
        case Type::sync_data: verdict = handle_sync_data(now, from, payload); break;
        // Answered by StateServer, asked by those who start from a state: here only its form
        // counts.
        case Type::state_request:
            return wire::parse_state_request(payload) ? verdict : wire::Verdict::punish;
        case Type::state_response:
            return wire::parse_state_response(payload) ? verdict : wire::Verdict::punish;
        default: return verdict;
    }
    settle(now);
    return verdict;
}

void Chain::handle_timeout(base::Now now) {
    server_->handle_timeout();
    downloads_.handle_timeout(now.instant);
    std::erase_if(announced_, [&](const auto& item) { return !downloads_.is_wanted(item.first); });
    sync_.handle_timeout(now.instant);
    catch_up_->handle_timeout(now.instant);
    engine_->handle_timeout(now.wall);
    mend(now);
    retry_after_fault(now);
    settle(now);
    prune(now);
    propose(now);
    announce_mempool(now);
    ask_next_block(now);
    repeat_own_payments(now);
    send_due_rows(now);
}

void Chain::settle(base::Now now) {
    advance_catch_up(now);
    follow_head(now);
    judge_held_blocks(now);
    keep_branches();  // what came, and what a fault has left: a vote may build on it next
    drain_engine(now);
    keep_branches();
    if (engine_->fault() && !fault_) fail(*engine_->fault());
    note_final_epoch();
    find_wishes();
    report_final();
    sync_.set_local({store_->tip().height, final_height()});
    next_block_.note_tip(now.instant, store_->tip().height, flood_time());
    catch_up_->set_final(now.instant, final_height());
    report_sync(now);
}

void Chain::drain_engine(base::Now now) {
    struct Visitor {
        Chain& chain;
        base::Now now;
        void operator()(const consensus::SendVote& event) const {
            chain.send_vote(event.vote);
            chain.emit(BlockApproved{event.vote.round, event.vote.target});
        }
        void operator()(const consensus::ResendVotes& event) const {
            for (const wire::Vote& vote : event.votes) chain.repeat_vote(now, vote);
        }
        void operator()(const consensus::RequestVotes& event) const {
            if (chain.has_air_alone_) return chain.ask_on_air(event.request);
            chain.send(Type::vote_request, wire::encode(event.request));
        }
        void operator()(const consensus::NeedBlock& event) const {
            // A proof leads there, and votes for what does not exist lead nowhere.
            if (chain.catch_up_->anchor() == nullptr) chain.want_to_connect(now, event.hash);
        }
        void operator()(const consensus::KeepBlocks&) const {
            chain.branches_due_ = true;
            chain.keep_branches();
        }
        void operator()(const consensus::CondemnedIsFinal&) const {
            chain.failed_bodies_.clear();
            chain.follow_head(now);
        }
        void operator()(const consensus::Justified& event) const {
            chain.emit(CheckpointJustified{event.checkpoint});
        }
        void operator()(const consensus::EvidenceFound& event) const {
            chain.send(Type::evidence, wire::encode(event.evidence));
            const auto* votes = std::get_if<wire::VoteEvidence>(&event.evidence);
            chain.emit(EvidenceFound{
                votes ? votes->first.validator
                      : std::get<wire::BlockEvidence>(event.evidence).first.proposer});
        }
        void operator()(const consensus::SayHello&) const { chain.emit(HelloWanted{}); }
        void operator()(const consensus::AskClocks& event) const {
            chain.emit(ClocksWanted{event.validators});
        }
        void operator()(const consensus::HeadChanged&) const { chain.follow_head(now); }
        void operator()(const consensus::Final&) const { chain.follow_head(now); }
    };
    while (const auto event = engine_->poll_event(now.wall))
        std::visit(Visitor{*this, now}, *event);
}

void Chain::report_final() {
    const wire::Checkpoint& final = engine_->final();
    if (final.block == reported_final_) return;
    reported_final_ = final.block;
    pool_.prune(final.slot);
    if (const auto pruned = branches_.prune(final.slot); !pruned) fail(pruned.error());
    std::erase_if(failed_bodies_,
                  [&](const auto& item) { return !engine_->find_block(item.first); });
    emit(CheckpointFinal{final, final_height()});
}

void Chain::report_sync(base::Now now) {
    while (const auto peer = catch_up_->poll_failure()) emit(PeerFault{*peer});
    while (const auto peer = sync_.poll_failure()) emit(PeerFault{*peer});
    while (const auto peer = downloads_.poll_failure()) emit(PeerFault{*peer});
    report_contradiction();
    update_progress(now);
    if (progress_.state() == reported_sync_) return;
    reported_sync_ = progress_.state();
    emit(SyncChanged{reported_sync_});
}

void Chain::report_contradiction() {
    if (reported_contradiction_ || !catch_up_->contradiction()) return;
    reported_contradiction_ = true;
    log_.error("catching up has ended: " + *catch_up_->contradiction());
}

void Chain::emit(Event event) {
    if (events_.size() >= events_max) events_.pop_front();
    events_.push_back(std::move(event));
}

std::optional<Event> Chain::poll_event() {
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void Chain::send(wire::MessageType type, base::Buffer payload, std::optional<crypto::PublicKey> to,
                 std::optional<crypto::PublicKey> except) {
    send({type, to, except, std::move(payload)});
}

void Chain::repeat(wire::MessageType type, base::Buffer payload) {
    send({.type = type, .payload = std::move(payload), .repeated = true});
}

void Chain::send(wire::Outgoing frame) {
    if (outgoing_.size() >= outgoing_max) {
        ++outgoing_dropped_;
        return;
    }
    outgoing_.push_back(std::move(frame));
}

void Chain::poll_requests(base::Now now) {
    forget_lost_announcements();
    while (const auto query = catch_up_->poll_request(now.instant)) {
        send(Type::sync_request, wire::encode(query->request), query->to);
    }
    // Where a later FINAL is to be had, its proof comes first.
    if (!catch_up_->anchor() && !catch_up_->is_behind(now.instant)) {
        while (const auto query = sync_.poll_request(now.instant, page_downloads())) {
            send(Type::sync_request, wire::encode(query->request), query->to);
        }
    }
    ask_named(now);
    if (has_air_alone_) downloads_.set_turn((engine_->self() ? 1 : 3) * flood_time());
    while (const auto wanted = downloads_.poll_request(now.instant)) {
        if (wanted->to) {
            send(Type::sync_request, wire::encode(wire::SyncRequest(wanted->request)), wanted->to);
        } else {
            const wire::BlockWish wish{wire::name_of(wanted->request.block), wanted->missing};
            if (!wish.is_for_announcement()) rows_ahead_.note_asked(wish.block);
            ask_on_air(wish);
        }
    }
}

std::optional<wire::Outgoing> Chain::poll_frame(base::Now now) {
    poll_requests(now);
    if (outgoing_.empty()) return server_->poll_frame();
    wire::Outgoing frame = std::move(outgoing_.front());
    outgoing_.pop_front();
    return frame;
}

base::Instant Chain::poll_timeout(base::Now now) const {
    const auto instant_of = [&](base::WallTime time) {
        return time == base::never_wall ? base::never : now.instant + (time - now.wall);
    };
    base::Instant earliest = std::min(
        {downloads_.poll_timeout(), catch_up_->poll_timeout(now.instant), import_at_, store_at_,
         progress_.poll_timeout(), server_->is_held_back() ? now.instant : base::never,
         instant_of(engine_->poll_timeout()), upkeep_timeout(), air_repair_.poll_timeout(),
         named_wishes_.poll_timeout(), own_payments_.poll_timeout(), next_block_.poll_timeout()});
    if (!catch_up_->anchor() && !catch_up_->is_behind(now.instant)) {
        earliest = std::min(earliest, sync_.poll_timeout(page_downloads()));
    }
    earliest = std::min(earliest, block_wanted_at(now));
    if (mempool_->size() > 0) {
        earliest =
            std::min({earliest, std::max(instant_of(next_proposal_time(now)), proposal_due()),
                      instant_of(engine_->schedule().start_of(
                          wire::Slot{announced_slot_ + announce_slots()}))});
    }
    if (may_retry()) earliest = std::min(earliest, retry_at_);
    return std::max(earliest, now.instant);
}

std::expected<ledger::CheckedTransaction, base::Error> Chain::submit(
    base::Now now, const wire::WireTransaction& transaction) {
    if (fault_) return std::unexpected(*fault_);
    MESH_CHECK(check_room(now));
    MESH_TRY(const auto* accepted, mempool_->submit(transaction, slot(now), std::nullopt));
    ledger::CheckedTransaction checked = *accepted;
    send(Type::transaction, wire::encode(checked.shortest));
    note_own_payment(now, checked.txid);
    note_waiting(now);
    emit(TransactionAccepted{checked});
    propose(now);
    return checked;
}

void Chain::handle_peer(base::Now now, const crypto::PublicKey& peer, wire::Slot slot,
                        PeerHeights heights, bool directly) {
    peers_.insert(peer);
    engine_->handle_clock_sample(now.wall, peer, slot);
    // What was recorded and is played later shows its age.
    const std::int64_t age = std::int64_t{this->slot(now).value} - std::int64_t{slot.value};
    if (directly && age >= -1 && age <= 1) engine_->handle_direct(now.wall, peer);
    const bool is_validator = engine_->validators().find_identity(peer).has_value();
    sync_.handle_peer(now.instant, peer, heights, is_validator);
    // What proves much at once does not go on the air.
    if (choice_ == nullptr || choice_->reaches(peer, Type::sync_data)) {
        catch_up_->handle_peer(now.instant, peer, heights.final, is_validator);
    } else {
        catch_up_->forget_peer(peer);
        if (has_air_alone_) {
            next_block_.note_claim(now.instant, heights.final, store_->tip().height, flood_time());
        }
    }
    settle(now);
}

void Chain::handle_peer_lost(const crypto::PublicKey& peer) {
    peers_.erase(peer);
    downloads_.forget_peer(peer);
    for (auto& [hash, failed] : failed_bodies_) failed.asked_again &= downloads_.is_wanted(hash);
    sync_.forget_peer(peer);
    catch_up_->forget_peer(peer);
    server_->forget_peer(peer);
}

void Chain::handle_clock_answer(base::Now now, const crypto::PublicKey& validator,
                                wire::Slot slot) {
    engine_->handle_clock_sample(now.wall, validator, slot);
    settle(now);
}

void Chain::handle_clock_step(base::Now now) {
    announced_slot_ = 0;  // counted by another clock
    attempted_.reset();
    engine_->handle_clock_step(now.wall);
    settle(now);
}

void Chain::set_clock_off(base::Now now, bool off) {
    engine_->set_clock_off(now.wall, off);
    settle(now);
}

wire::Slot Chain::slot(base::Now now) const {
    return engine_->schedule().slot_at(now.wall).value_or(wire::Slot{});
}

wire::Round Chain::round(base::Now now) const {
    return engine_->schedule().round_at(now.wall).value_or(wire::Round{});
}

wire::ChainStatus Chain::status(base::Now now) const {
    const auto into_slot = now.wall - engine_->schedule().start_of(slot(now));
    const std::int64_t phase = into_slot.count() * 65'536 / genesis_.block_time_ms;
    return {
        slot(now),        store_->tip().height,
        final_height(),   engine_->justified(),
        engine_->final(), static_cast<std::uint16_t>(std::clamp<std::int64_t>(phase, 0, 65'535))};
}

void Chain::check_invariants() const {
    engine_->check_invariants();
    mempool_->check_invariants();
    MESH_ASSERT(outgoing_.size() <= outgoing_max && events_.size() <= events_max);
    MESH_ASSERT(final_height() <= store_->tip().height);
    const auto applied = store_->hash_at(final_height());
    MESH_ASSERT(!applied || !is_restored_ || *applied == engine_->final().block);
}

}  // namespace meshchain::chain
