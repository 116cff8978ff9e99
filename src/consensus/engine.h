#pragma once
// DPoP, the consensus engine (rows A6, A10, J4; PROTOCOL.md P3): from block references and votes
// to a head, to justified and to final checkpoints, and what this node itself has to say.
//
// An available chain with a finality layer: the head follows the latest votes in every partition,
// and only more than 2/3 of the stake makes final. The owner executes `head()`, stores bodies, and
// drains `poll_event` after every call.
//
// Time:      each call takes civil time. It may jump; whoever notices calls handle_clock_step. A
//            jump back by more than a slot is noticed here as well.
// Ownership: the store outlives the engine, which writes one table of it and nothing else does.
// Limits:    `Limits`. When the tree is full add_block fails until something becomes final. The
//            owner stops proposing and applying long before (its undo quota, PROTOCOL.md P2.7).
// Threads:   one owner.
// Errors:    hostile input is a Verdict or an Error and changes no more than the limits allow. A
//            store that fails stops this engine from signing and from calling anything final, until
//            the owner says that it works again; `fault()` says so. It goes on following and
//            relaying.
// Format:    docs/formats/consensus-record.md (what is stored)

#include <deque>
#include <expected>
#include <optional>

#include "base/log.h"
#include "base/random.h"
#include "consensus/block_tree.h"
#include "consensus/clock_check.h"
#include "consensus/epochs.h"
#include "consensus/event.h"
#include "consensus/fork_choice.h"
#include "consensus/proposal_log.h"
#include "consensus/reception_log.h"
#include "consensus/schedule.h"
#include "consensus/signer.h"
#include "consensus/throttle.h"
#include "consensus/vote_ledger.h"
#include "consensus/vote_pattern.h"
#include "consensus/vote_repair.h"
#include "consensus/vote_store.h"
#include "consensus/witness.h"
#include "wire/service.h"

namespace meshchain::consensus {

struct Limits {
    std::size_t blocks = 4096;    ///< references above FINAL
    std::size_t rounds = 256;     ///< rounds with votes
    std::size_t headers = 12288;  ///< remembered to prove two blocks in a slot
    /// Rounds whose votes are asked for at a time: few where each question takes seconds of the air
    /// that all share.
    std::size_t rounds_asked = 256;
    /// Votes travel on air that all share, where a question or an answer takes seconds: nobody asks
    /// for what he can do without, and who answers is the first who may
    /// (docs/decisions/0177-frugal-on-the-air.md).
    bool on_air = false;
};

/// How a block came. What nobody asked for is refused once its leader is a proven equivocator;
/// what the owner has stored was verified before, and is taken whatever the clock says now.
enum class Arrival : std::uint8_t { gossip, requested, stored };

/// This node leads now.
struct Duty {
    wire::Slot slot;
    std::uint8_t rank = 0;
    Hash parent;
    std::uint32_t epoch = 0;
    bool raises = false;  ///< the block raises the epoch, to this one
};

/// For a user: SEEN is being here at all, LIVE the share, then JUSTIFIED, then FINAL.
struct Confirmation {
    unsigned percent = 0;  ///< of stake, by latest message on the block or above it
    bool justified = false;
    bool final = false;
};

class Engine {
public:
    /// `key` makes it a validator while the set has it; otherwise it follows and relays. A chain
    /// whose sets change (Params::epoch_slots) has an `epochs`, which outlives the engine;
    /// `validators` are those of genesis. `witness` says whom it heard; none: the truth.
    Engine(const Params& params, ValidatorSet validators, kv::Store& store, VoteTables tables,
           std::optional<crypto::SigningKey> key, base::Random random, base::Log log,
           Limits limits = {}, const EpochSource* epochs = nullptr, Witness* witness = nullptr);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Reads what is durable: FINAL, proofs, own votes. Blocks above FINAL come by add_block,
    /// parents first. A key without a record counts as restored and waits (VoteStore::create).
    /// Errors: corrupt, io, those of the store; the engine must not be used then.
    std::expected<void, base::Error> load(base::WallTime now);

    // Input.

    /// Checks a header's epoch, leader, rank, slot and signature; the body is the ledger's.
    /// Errors: unsupported (its epoch is past), unavailable (it is of an epoch that FINAL has to
    /// come nearer to), unauthorized (not the slot's leader), bad_signature, future
    /// (over one slot ahead), stale (not above FINAL), conflict (a third block of one leader in
    /// one slot that was not asked for).
    std::expected<BlockRef, base::Error> verify_header(base::WallTime now,
                                                       const wire::BlockHeader& header,
                                                       Arrival arrival = Arrival::gossip);
    /// Takes a verified reference whose body is stored and whose parent was added.
    /// Errors: those of BlockTree::add, stale (at or below FINAL).
    std::expected<void, base::Error> add_block(base::WallTime now, const BlockRef& block);
    /// It is on the owner's applied chain now: it may be voted for and become FINAL. FINAL waits
    /// for this, so that no crash leaves a store whose applied chain lacks it.
    void mark_executed(const Hash& block);
    /// Whether a vote that is held here is for it or builds on it.
    bool is_named(const Hash& block) const;
    /// The blocks that votes of proofs are for and that are not executed.
    std::vector<Hash> proof_targets() const;
    /// It is not on the applied chain any more.
    void mark_reverted(const Hash& block);
    /// Neither it nor what is above it will be chosen, unless more than 2/3 of the stake make it
    /// final: then somebody gave us false transactions for it (see CondemnedIsFinal).
    void mark_invalid(const Hash& block);
    /// The owner's own writes failed: nothing is signed or called final any more.
    void halt(const base::Error& error);
    /// The store works again, as far as the owner can tell. What was not written is tried anew.
    void resume() { fault_.reset(); }
    /// The one verifier of votes.
    wire::Verdict handle_vote(base::WallTime now, const wire::Vote& vote);
    /// It was heard again: nobody else needs to repeat it.
    void handle_repeated_vote(const wire::Vote& vote);
    wire::Verdict handle_evidence(base::WallTime now, const wire::Evidence& evidence);
    /// `heard_by_all`: so its answer will be, too.
    wire::Verdict handle_vote_request(base::WallTime now, const wire::VoteRequest& request,
                                      bool heard_by_all = false);
    /// A node of this identity stated its slot in a fresh HELLO or STATUS, or in answer to a
    /// question not older than a slot; `claimed` is then what its clock shows now.
    void handle_clock_sample(base::WallTime now, const crypto::PublicKey& identity,
                             wire::Slot claimed);
    /// A node of this identity itself sent something to ours, nobody between.
    void handle_direct(base::WallTime now, const crypto::PublicKey& identity);
    void handle_clock_step(base::WallTime now);
    /// This node's clock is known to be off: nothing is signed until it is not, and then not before
    /// others confirm it again.
    void set_clock_off(base::WallTime now, bool off);
    bool is_clock_off() const { return clock_.is_held(); }
    void handle_timeout(base::WallTime now);
    /// Jumps to a FINAL whose block the owner has stored and knows to descend from ours: the way
    /// to catch up over more blocks than the tree holds.
    /// Errors: stale (not above FINAL), malformed (no quorum, or another block), bad_signature, io.
    std::expected<void, base::Error> adopt(base::WallTime now, const wire::Certificate& certificate,
                                           const BlockRef& block);

    // Output.

    /// The next thing to do. Votes are made here, durable on return, so that the owner can execute
    /// the head between handle_timeout and this.
    std::optional<Event> poll_event(base::WallTime now);
    /// When to call handle_timeout; never_wall while idle.
    base::WallTime poll_timeout() const;

    // State.

    const BlockRef& head() const { return head_->ref; }
    const BlockRef& final_block() const { return tree_.root().ref; }
    const BlockRef* find_block(const Hash& hash) const;
    std::vector<BlockRef> named(wire::BlockName name) const { return tree_.named(name); }
    bool is_full() const { return tree_.is_full(); }
    std::size_t tree_size() const { return tree_.size(); }
    /// a ⪯ b, both known and not below FINAL; false otherwise.
    bool is_ancestor(const Hash& a, const Hash& b) const;
    const wire::Checkpoint& justified() const { return ledger_.justified(); }
    const wire::Checkpoint& final() const { return ledger_.final(); }
    /// What more than 2/3 of the stake made final, and waits for the owner to execute it.
    const std::optional<wire::Checkpoint>& awaited_final() const { return awaited_final_; }
    /// Of FINAL; nothing at genesis.
    const std::optional<wire::Certificate>& certificate() const { return certificate_; }
    /// Why nothing is signed or called final any more; nothing while all is well.
    const std::optional<base::Error>& fault() const { return fault_; }
    bool is_clock_checked() const { return clock_.is_checked(signers()); }
    std::optional<wire::ValidatorIndex> self() const { return self_; }
    /// Its key came without a record of what it signed: silent until FINAL has passed its start.
    bool is_key_waiting() const { return self_ && signer_.record().waiting; }
    bool is_key_used_elsewhere() const { return signer_.is_key_used_elsewhere(); }
    const Schedule& schedule() const { return schedule_; }
    /// Everybody who is listened to; who leads and what a quorum is follows from epochs().
    const ValidatorSet& validators() const { return epochs_.voters(); }
    const Epochs& epochs() const { return epochs_; }
    /// What proves validators guilty, as far as it is kept.
    const std::map<wire::ValidatorIndex, wire::Evidence>& evidence() const { return evidence_; }
    ValidatorBits equivocators() const { return equivocators_; }
    /// Nothing for a block that is not in the tree (unknown, or below FINAL and so final).
    std::optional<Confirmation> confirmation(const Hash& block) const;
    /// Percent of stake heard within the last 45 s or eight slots, this node's own included.
    unsigned online_percent(base::WallTime now) const;

    // Proposing.

    /// The duty of this moment, if any. The owner asks when it has something to put in a block.
    std::optional<Duty> proposal_duty(base::WallTime now) const;
    /// The next moment from which this node may have a duty; looks 256 slots ahead at most.
    base::WallTime next_proposal_time(base::WallTime now) const;
    /// Whom it heard directly, in its own votes of the last rounds that are FINAL.
    wire::Reception reception() const { return reception_.counts(final().round); }
    /// What its key commits to in this epoch. Asserts that it has one.
    Hash secret(std::uint32_t epoch) const { return signer_.secret(epoch); }
    /// Signs `block` and makes it durable; its header must answer the present duty.
    /// Errors: unauthorized (no duty, or it would be a second block of the slot), those of the
    /// store. The caller then treats it like a received block, from add_block on.
    std::expected<BlockRef, base::Error> sign_block(base::WallTime now, wire::Block& block);
    /// The last one signed, to send again after a crash between signing and sending.
    const std::optional<wire::Block>& last_own_block() const { return signer_.last_block(); }

    void check_invariants() const;

private:
    // engine.cpp
    void advance(base::WallTime now);
    void note_checked_round();
    void enter_round(wire::Round round);
    void refresh_head();
    const ValidatorSet& signers() const;
    void recheck_clock();
    void greet();
    void ask_clocks();
    void forget_former_holders(std::span<const crypto::PublicKey> before,
                               std::span<const crypto::PublicKey> now);
    wire::Round oldest_non_final_round() const;
    std::expected<void, base::Error> check_header(const wire::BlockHeader& header) const;
    BlockRef reference(const wire::BlockHeader& header, const Hash& hash) const;
    void note_header(const wire::BlockHeader& header, const Hash& hash);

    // engine_votes.cpp
    bool is_signed(const wire::Vote& vote) const;
    bool is_written(const std::expected<void, base::Error>& written);
    void take_vote(const wire::Vote& vote);
    bool shows_lag(const wire::Vote& vote) const;
    std::optional<wire::ValidatorIndex> find_guilty(const wire::Evidence& evidence) const;
    bool has_new_holder(const wire::Evidence& evidence) const;
    void condemn(wire::ValidatorIndex validator, const wire::Evidence& evidence);
    /// Draws conclusions from this round on until nothing new follows, and stores proofs.
    void conclude(wire::Round from);
    bool finalise(const wire::Certificate& certificate);
    void reconsider(const Hash& block);
    void settle_final(const wire::Certificate& certificate);
    std::expected<std::optional<wire::Roster>, base::Error> roster_behind(
        std::uint32_t epoch) const;
    std::expected<void, base::Error> load_epochs(const VoteStore::Content& content);
    void enter_epoch(const std::optional<wire::Roster>& roster);
    void find_self();
    void store_proofs();
    std::optional<wire::Vote> make_vote();
    const BlockNode* choose_target() const;

    // engine_repair.cpp
    void offer_certificate();
    void ask_for_missing();
    bool is_left_to_others() const;
    void ask_for_votes();
    bool ask_votes(wire::Round round);
    void ask_block(const Hash& block);
    void answer_votes(wire::Round round, ValidatorBits missed);
    ValidatorBits enough_of(const wire::VoteRequest& request, ValidatorBits missed) const;
    void send_due_repairs();
    base::WallTime after_random_delay();
    base::Milliseconds online_window() const;

    bool has_work() const { return tree_.size() > 1; }

    std::uint32_t epoch_above(const BlockNode& parent, wire::Slot slot) const;
    Leaders leaders(wire::Slot slot, std::uint32_t epoch) const;

    const EpochSource* epoch_source_;
    Witness* witness_;
    Epochs epochs_;
    Schedule schedule_;
    Limits limits_;
    base::Random random_;
    base::Log log_;
    VoteStore store_;
    Signer signer_;
    std::optional<wire::ValidatorIndex> self_;

    BlockTree tree_;
    VoteLedger ledger_;
    ForkChoice fork_choice_;
    ProposalLog proposals_;
    ClockCheck clock_;
    VotePattern pattern_;
    VoteRepair repair_;
    VoteRepair own_repair_;            ///< on the air: of this node's own votes
    wire::Round newest_vote_round_{};  ///< of those that were verified
    Throttle<wire::Round> asked_rounds_;
    Throttle<wire::Round> yielded_;  ///< questions left to another, once in two rounds each
    Throttle<std::pair<wire::Round, wire::ValidatorIndex>> repeated_;  ///< on the air
    Throttle<Hash> asked_blocks_;
    Throttle<Hash> reconsidered_;
    std::optional<base::Error> fault_;

    const BlockNode* head_;
    Hash head_hash_;                   ///< as announced
    std::uint32_t signing_epoch_ = 0;  ///< of the head
    std::optional<wire::Certificate> certificate_;
    ValidatorBits equivocators_ = 0;
    std::map<wire::ValidatorIndex, wire::Evidence> evidence_;
    std::array<base::WallTime, wire::validators_max> last_seen_{};
    ReceptionLog reception_;

    base::WallTime now_{};                           ///< of the last call
    std::optional<wire::Slot> slot_;                 ///< current; empty before the start
    std::optional<wire::Round> round_;               ///< current; empty before the start
    wire::Checkpoint frozen_;                        ///< S of this round
    std::optional<wire::Checkpoint> awaited_final_;  ///< proven final, not executed yet
    base::WallTime vote_time_ = base::never_wall;
    base::WallTime request_time_ = base::never_wall;
    base::WallTime hello_time_ = base::never_wall;
    std::uint32_t hello_pause_slots_ = 1;
    std::deque<Event> events_;
};

}  // namespace meshchain::consensus
