#include "consensus/engine.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"
#include "consensus/evidence.h"

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";
constexpr std::uint32_t hello_pause_slots_max = 64;
constexpr std::uint32_t proposal_lookahead_slots = 256;
constexpr std::uint32_t online_slots = 8;
constexpr base::Milliseconds online_window_min{45'000};  // three heartbeats to a static peer

BlockRef genesis_block(const wire::ChainId& chain) {
    BlockRef block;
    block.hash = chain;
    block.timely = true;
    block.executed = true;
    return block;
}

}  // namespace

Engine::Engine(const Params& params, ValidatorSet validators, kv::Store& store, VoteTables tables,
               std::optional<crypto::SigningKey> key, base::Random random, base::Log log,
               Limits limits, const EpochSource* epochs, Witness* witness)
    : epoch_source_(epochs),
      witness_(witness),
      epochs_(std::move(validators), params.seed),
      schedule_(params, epochs_.voters()),
      limits_(limits),
      random_(random),
      log_(log),
      store_(store, tables),
      signer_(params.chain, std::move(key), store_, log_),
      tree_(genesis_block(params.chain), limits_.blocks),
      ledger_(epochs_, tree_, genesis_checkpoint(params.chain), limits_.rounds),
      fork_choice_(epochs_.voters()),
      proposals_(limits_.headers),
      clock_(std::nullopt),
      head_(&tree_.root()),
      head_hash_(head_->ref.hash),
      frozen_(ledger_.final()) {
    MESH_ASSERT((params.epoch_slots > 0) == (epochs != nullptr));
    find_self();
}

void Engine::find_self() {
    if (signer_.key()) self_ = epochs_.voters().find_key(signer_.key()->public_key());
    clock_.set_self(self_);
}

std::expected<void, base::Error> Engine::load(base::WallTime now) {
    MESH_TRY(const VoteStore::Content content, store_.load());
    if (epoch_source_ != nullptr) MESH_CHECK(load_epochs(content));
    // Whoever has no seat yet may have one later, under the same record.
    if (self_ || (epoch_source_ != nullptr && signer_.key())) MESH_CHECK(signer_.load(content));
    if (content.final) {
        const wire::Certificate& certificate = content.final->certificate;
        BlockRef root = genesis_block(certificate.final.block);
        root.epoch = epochs_.now();
        root.slot = certificate.final.slot;
        root.height = content.final->height;
        tree_.reset(root);
        settle_final(certificate);
    }
    for (const wire::Evidence& evidence : content.evidence) {
        if (has_new_holder(evidence)) continue;
        equivocators_ |= bit(wire::accused(evidence));
        evidence_.emplace(wire::accused(evidence), evidence);
    }
    for (const wire::Vote& vote : content.proofs) {
        if (epochs_.is_moving() && !is_signed(vote)) continue;  // of a former holder of the seat
        ledger_.insert(vote, true);
        fork_choice_.note_vote(vote);
    }
    for (const wire::Vote& vote : content.own_votes) {
        if (ledger_.find_same(vote) == nullptr) ledger_.insert(vote);
        fork_choice_.note_vote(vote);
    }
    ledger_.evaluate({});
    events_.clear();  // nothing of this is news
    now_ = now;
    hello_time_ = now;
    advance(now);
    // Signed before the power went, perhaps never sent: the identical bytes, not a new vote.
    const auto& last = signer_.last_vote();
    if (self_ && last && last->round > final().round) repair_.want(last->round, bit(*self_), now);
    return {};
}

/// The sets around the FINAL that is stored.
std::expected<void, base::Error> Engine::load_epochs(const VoteStore::Content& content) {
    const Hash& block =
        content.final ? content.final->certificate.final.block : schedule_.params().chain;
    MESH_TRY(const auto epoch, epoch_source_->epoch_of(block));
    if (!epoch) {
        return base::failure(base::Errc::corrupt, "FINAL " + to_hex(block) + " is not applied",
                             module, "stop the node and run `meshchain store salvage`");
    }
    MESH_TRY(auto rosters, rosters_around(*epoch_source_, *epoch));
    epochs_.reset(std::move(rosters), schedule_.params().epoch_slots);
    find_self();
    return {};
}

void Engine::advance(base::WallTime now) {
    if (now + schedule_.params().block_time < now_) {
        handle_clock_step(now);
        return;
    }
    now_ = now;
    slot_ = schedule_.slot_at(now);
    const auto round = schedule_.round_at(now);
    if (!slot_ || !round) {
        round_.reset();
        return;
    }
    if (round_ != round) enter_round(*round);
    if (is_clock_checked()) note_checked_round();
}

/// Of a key that may have signed by another clock, up to a slot ahead of this one.
void Engine::note_checked_round() {
    if (const auto latest = schedule_.latest_round(now_)) signer_.note_checked_round(*latest);
}

void Engine::handle_clock_step(base::WallTime now) {
    now_ = now;
    clock_.reset();
    last_seen_ = {};
    round_.reset();
    hello_time_ = now;
    hello_pause_slots_ = 1;
    advance(now);
}

void Engine::set_clock_off(base::WallTime now, bool off) {
    if (off == clock_.is_held()) return;
    clock_.hold(off);
    handle_clock_step(now);
}

void Engine::enter_round(wire::Round round) {
    round_ = round;
    frozen_ = ledger_.justified_before(round);
    if (awaited_final_ && precedes(frozen_, *awaited_final_)) frozen_ = *awaited_final_;
    const base::WallTime start = schedule_.start_of(round);
    const base::Milliseconds quarter = schedule_.round_length() / 4;
    vote_time_ = self_ ? start + schedule_.ack_offset(round, *self_) : base::never_wall;
    const auto jitter = std::chrono::duration_cast<base::Milliseconds>(
        random_.between(base::Duration{0}, base::Duration{quarter}));
    const bool asks_last = limits_.on_air && !self_;
    request_time_ = start + (asks_last ? 3 : 2) * quarter + jitter;
    refresh_head();
}

void Engine::refresh_head() {
    const BlockNode* from = tree_.find(frozen_.block);
    if (from == nullptr || from->invalid) from = &tree_.root();
    head_ = &fork_choice_.head(tree_, *from, ledger_.oldest_that_counts(), equivocators_);
    if (head_->ref.hash == head_hash_) return;
    head_hash_ = head_->ref.hash;
    events_.push_back(HeadChanged{head_hash_});
    if (signing_epoch_ == head_->ref.epoch) return;
    signing_epoch_ = head_->ref.epoch;
    recheck_clock();
}

/// Who signs what comes next: those of the head's epoch.
const ValidatorSet& Engine::signers() const {
    if (!epochs_.is_moving()) return epochs_.set(0);
    return epochs_.set(std::clamp(signing_epoch_, epochs_.now(), epochs_.now() + 1));
}

/// Where those who agreed hold too little of the stake that signs now, the others have to be heard,
/// or asked.
void Engine::recheck_clock() {
    if (!self_ || is_clock_checked()) return;
    hello_time_ = now_;
    hello_pause_slots_ = 1;
}

wire::Round Engine::oldest_non_final_round() const {
    const std::uint32_t depth = tree_.root().depth;
    const BlockNode& oldest = head_->depth > depth ? tree_.ancestor_at(*head_, depth + 1) : *head_;
    return schedule_.round_of(oldest.ref.slot);
}

std::expected<void, base::Error> Engine::check_header(const wire::BlockHeader& header) const {
    const std::string slot = "block of slot " + std::to_string(header.slot.value);
    if (header.epoch > epochs_.now() && !epochs_.knows(header.epoch)) {
        const bool one = !epochs_.is_moving();
        return base::failure(one ? base::Errc::unsupported : base::Errc::unavailable,
                             slot + ": epoch " + std::to_string(header.epoch) + ", FINAL lies in " +
                                 std::to_string(epochs_.now()),
                             module);
    }
    if (header.epoch < epochs_.now()) {
        return base::failure(base::Errc::unsupported,
                             slot + ": epoch " + std::to_string(header.epoch) + " is past", module);
    }
    if (!slot_ || header.slot.value > slot_->value + 1) {
        return base::failure(base::Errc::future, slot + " is ahead of the clock", module,
                             "compare the clocks");
    }
    if (header.slot <= final().slot) {
        return base::failure(base::Errc::stale, slot + " is not above the final block", module);
    }
    const Leaders leaders = this->leaders(header.slot, header.epoch);
    if (leaders.rank_of(header.proposer) != header.rank) {
        return base::failure(base::Errc::unauthorized,
                             slot + ": validator " + std::to_string(header.proposer.value) +
                                 " does not lead it at this rank",
                             module);
    }
    return {};
}

std::expected<BlockRef, base::Error> Engine::verify_header(base::WallTime now,
                                                           const wire::BlockHeader& header,
                                                           Arrival arrival) {
    advance(now);
    if (arrival != Arrival::stored) MESH_CHECK(check_header(header));
    if (!epochs_.knows(header.epoch) || !epochs_.set(header.epoch).contains(header.proposer)) {
        return base::failure(base::Errc::corrupt, "a stored block has no proposer", module);
    }
    const crypto::PublicKey& key = epochs_.set(header.epoch)[header.proposer].key;
    const base::Buffer signed_bytes = preimage(schedule_.params().chain, header, key);
    const Hash hash = crypto::hash(signed_bytes);
    const ProposalLog::Seen* seen = proposals_.find(header.slot, header.proposer);
    if (arrival == Arrival::gossip && seen != nullptr && seen->blocks > 1 && seen->hash != hash &&
        !tree_.contains(hash)) {
        return base::failure(base::Errc::conflict, "a third block of one leader in one slot",
                             module);
    }
    if (arrival != Arrival::stored && !crypto::verify(key, signed_bytes, header.signature)) {
        return base::failure(base::Errc::bad_signature, "block " + to_hex(hash), module);
    }
    note_header(header, hash);
    return reference(header, hash);
}

/// To a block that has come now.
BlockRef Engine::reference(const wire::BlockHeader& header, const Hash& hash) const {
    BlockRef block;
    block.hash = hash;
    block.parent = header.parent;
    block.height = header.height;
    block.slot = header.slot;
    block.rank = header.rank;
    block.proposer = header.proposer;
    block.epoch = header.epoch;
    block.timely = now_ < schedule_.timely_until(header.slot, header.rank);
    return block;
}

void Engine::note_header(const wire::BlockHeader& header, const Hash& hash) {
    if (slot_ && header.slot.value + 1 >= slot_->value) last_seen_[header.proposer.value] = now_;
    if (self_ == header.proposer) signer_.note_foreign_block(header.slot);
    const auto evidence = proposals_.note(header, hash);
    if (!evidence) return;
    condemn(header.proposer, *evidence);
    events_.push_back(EvidenceFound{*evidence});
}

std::expected<void, base::Error> Engine::add_block(base::WallTime now, const BlockRef& block) {
    advance(now);
    if (block.slot <= final().slot) {
        return base::failure(base::Errc::stale, "block " + to_hex(block.hash) + " is below FINAL",
                             module);
    }
    if (tree_.contains(block.hash)) return {};
    MESH_TRY(const BlockNode* node, tree_.add(block));
    fork_choice_.note_block(node->ref, schedule_.round_of(block.slot));
    if (const auto named = ledger_.first_round_naming(block.hash)) conclude(*named);
    refresh_head();
    return {};
}

void Engine::mark_executed(const Hash& block) {
    tree_.mark_executed(block, true);
    if (awaited_final_ && awaited_final_->block == block) conclude(awaited_final_->round);
}

bool Engine::is_named(const Hash& block) const {
    return ledger_.first_round_naming(block).has_value();
}

std::vector<Hash> Engine::proof_targets() const {
    std::vector<Hash> targets = ledger_.pinned_targets();
    std::erase_if(targets, [&](const Hash& target) {
        const BlockNode* block = tree_.find(target);
        return block == nullptr || block->ref.executed;
    });
    return targets;
}

void Engine::mark_reverted(const Hash& block) { tree_.mark_executed(block, false); }

void Engine::mark_invalid(const Hash& block) {
    if (!tree_.mark_invalid(block)) return;
    log_.warning("block " + to_hex(block) + " is invalid");
    refresh_head();
}

void Engine::halt(const base::Error& error) {
    if (fault_) return;
    fault_ = error;
    log_.error("nothing is signed or final any more: " + sentence(error));
}

void Engine::handle_clock_sample(base::WallTime now, const crypto::PublicKey& identity,
                                 wire::Slot claimed) {
    advance(now);
    const auto validator = epochs_.voters().find_identity(identity);
    if (!validator || !slot_ || !round_) return;
    last_seen_[validator->value] = now;
    if (clock_.note_sample(signers(), *validator, claimed, *slot_)) {
        log_.info("the clock agrees with enough others");
        note_checked_round();
    }
}

void Engine::handle_direct(base::WallTime now, const crypto::PublicKey& identity) {
    advance(now);
    const auto validator = epochs_.voters().find_identity(identity);
    if (validator) reception_.note_direct(*validator, now);
}

void Engine::greet() {
    if (now_ < hello_time_) return;
    events_.push_back(SayHello{});
    const bool again = self_ && !is_clock_checked();
    // At first those in reach have their say.
    if (again && hello_pause_slots_ > 1) ask_clocks();
    hello_time_ =
        again ? now_ + schedule_.params().block_time * hello_pause_slots_ : base::never_wall;
    hello_pause_slots_ = std::min(2 * hello_pause_slots_, hello_pause_slots_max);
}

void Engine::ask_clocks() {
    AskClocks question;
    const ValidatorBits missing = clock_.missing(signers());
    for (std::uint16_t i = 0; i < epochs_.voters().size(); ++i) {
        const wire::ValidatorIndex validator{i};
        if ((missing & bit(validator)) == 0) continue;
        question.validators.push_back(epochs_.voters()[validator].identity);
    }
    // Always the same first ones could be those that are off.
    for (std::size_t i = question.validators.size(); i > 1; --i) {
        std::swap(question.validators[i - 1], question.validators[random_.below(i)]);
    }
    if (!question.validators.empty()) events_.push_back(std::move(question));
}

void Engine::handle_timeout(base::WallTime now) {
    advance(now);
    greet();
    send_due_repairs();
    if (now_ >= request_time_) {
        request_time_ = base::never_wall;
        ask_for_missing();
    }
}

base::WallTime Engine::poll_timeout() const {
    base::WallTime next = std::min({hello_time_, repair_.next_due(), own_repair_.next_due()});
    if (!round_) return std::min(next, std::max(schedule_.params().start, now_));
    if (!has_work()) return next;
    next = std::min({next, request_time_, schedule_.start_of(wire::Round{round_->value + 1})});
    return now_ < vote_time_ ? std::min(next, vote_time_) : next;
}

std::optional<Event> Engine::poll_event(base::WallTime now) {
    advance(now);
    if (events_.empty()) {
        if (auto vote = make_vote()) return SendVote{*vote};
        if (events_.empty()) return std::nullopt;
    }
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

const BlockRef* Engine::find_block(const Hash& hash) const {
    const BlockNode* node = tree_.find(hash);
    return node == nullptr ? nullptr : &node->ref;
}

bool Engine::is_ancestor(const Hash& a, const Hash& b) const {
    const BlockNode* lower = tree_.find(a);
    const BlockNode* higher = tree_.find(b);
    return lower != nullptr && higher != nullptr && tree_.is_ancestor(*lower, *higher);
}

std::optional<Confirmation> Engine::confirmation(const Hash& block) const {
    const BlockNode* node = tree_.find(block);
    if (node == nullptr) return std::nullopt;
    const ValidatorBits supporters = fork_choice_.supporters(tree_, *node) & ~equivocators_;
    Confirmation confirmation;
    const ValidatorSet& set = epochs_.set(node->ref.epoch);
    confirmation.percent =
        static_cast<unsigned>(100 * set.stake_of(supporters).units / set.total().units);
    confirmation.justified = is_ancestor(block, justified().block);
    confirmation.final = node == &tree_.root();
    return confirmation;
}

base::Milliseconds Engine::online_window() const {
    return std::max<base::Milliseconds>(schedule_.params().block_time * online_slots,
                                        online_window_min);
}

unsigned Engine::online_percent(base::WallTime now) const {
    const base::Milliseconds window = online_window();
    ValidatorBits online = self_ ? bit(*self_) : 0;
    const ValidatorSet& set = epochs_.set(head_->ref.epoch);
    for (std::uint16_t i = 0; i < set.size(); ++i) {
        const bool recent = last_seen_[i] != base::WallTime{} && now - last_seen_[i] <= window;
        if (recent) online |= bit({i});
    }
    return static_cast<unsigned>(100 * set.stake_of(online).units / set.total().units);
}

/// The epoch of a block on `parent`: it rises as soon as it may, above what is FINAL in it.
std::uint32_t Engine::epoch_above(const BlockNode& parent, wire::Slot slot) const {
    const auto rise = epochs_.rise_from();
    const bool rises = rise && slot >= *rise && parent.ref.epoch == epochs_.now();
    return rises ? parent.ref.epoch + 1 : parent.ref.epoch;
}

Leaders Engine::leaders(wire::Slot slot, std::uint32_t epoch) const {
    return schedule_.leaders(slot, epochs_.set(epoch), epochs_.seed(epoch));
}

std::optional<Duty> Engine::proposal_duty(base::WallTime now) const {
    const auto slot = schedule_.slot_at(now);
    if (!self_ || !slot || !is_clock_checked() || !signer_.may_propose(*slot) || is_full())
        return std::nullopt;
    const BlockNode* parent = head_;
    if (parent->ref.slot > *slot) return std::nullopt;
    const bool is_contest = parent->ref.slot == *slot && parent != &tree_.root();
    if (is_contest) parent = parent->parent;
    if (parent->ref.slot >= *slot) return std::nullopt;
    const std::uint32_t epoch = epoch_above(*parent, *slot);
    const auto rank = leaders(*slot, epoch).rank_of(*self_);
    if (!rank || now < schedule_.proposal_time(*slot, *rank)) return std::nullopt;
    if (is_contest && head_->ref.timely && head_->ref.rank < *rank) return std::nullopt;
    return Duty{.slot = *slot,
                .rank = *rank,
                .parent = parent->ref.hash,
                .epoch = epoch,
                .raises = epoch != parent->ref.epoch};
}

base::WallTime Engine::next_proposal_time(base::WallTime now) const {
    const base::WallTime from = std::max(now, schedule_.params().start);
    const auto current = schedule_.slot_at(from);
    if (!self_ || !current) return base::never_wall;
    if (proposal_duty(now)) return now;
    for (std::uint32_t ahead = 0; ahead < proposal_lookahead_slots; ++ahead) {
        const wire::Slot slot{current->value + ahead};
        const std::uint32_t epoch = epoch_above(*head_, slot);
        if (!epochs_.set(epoch).contains(*self_)) continue;
        const auto rank = leaders(slot, epoch).rank_of(*self_);
        if (rank && schedule_.proposal_time(slot, *rank) > now)
            return schedule_.proposal_time(slot, *rank);
    }
    return schedule_.start_of(wire::Slot{current->value + proposal_lookahead_slots});
}

std::expected<BlockRef, base::Error> Engine::sign_block(base::WallTime now, wire::Block& block) {
    advance(now);
    const auto duty = proposal_duty(now);
    wire::BlockHeader& header = block.header;
    if (!duty || header.slot != duty->slot || header.rank != duty->rank ||
        header.proposer != *self_ || header.parent != duty->parent || header.epoch != duty->epoch) {
        return base::failure(
            base::Errc::unauthorized,
            "no duty to propose this block of slot " + std::to_string(header.slot.value), module);
    }
    if (fault_) return std::unexpected(*fault_);
    if (auto done = signer_.sign_block(block); !done) {
        static_cast<void>(is_written(done));
        return std::unexpected(done.error());
    }
    const Hash hash = block_hash(schedule_.params().chain, header, signer_.key()->public_key());
    proposals_.note(header, hash);
    return reference(header, hash);
}

void Engine::check_invariants() const {
    tree_.check_invariants();
    ledger_.check_invariants();
    MESH_ASSERT(tree_.root().ref.hash == final().block);
    MESH_ASSERT(tree_.find(head_hash_) == head_);
    MESH_ASSERT(!precedes(frozen_, final()));
    MESH_ASSERT(!certificate_ || certificate_->final == final());
    MESH_ASSERT(proposals_.size() <= limits_.headers);
    if (round_ && !epochs_.is_moving()) MESH_ASSERT(signer_.last_vote() == std::nullopt || self_);
}

}  // namespace meshchain::consensus
