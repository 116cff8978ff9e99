#pragma once
// The ledger's chain as a service of the network (rows A4-A6, A9, A10, B13, F4, F5): takes
// transactions, blocks and votes in, follows the head that consensus names, proposes when it is
// this node's turn, and catches up with peers that are ahead.
//
// Time:      every call takes `now`; slots follow its wall time, time-outs its instant.
// Ownership: the kv store outlives the chain; spans are borrowed for the call.
// Limits:    those of Mempool, BlockPool, BlockDownload and the consensus engine; `outgoing_max`
//            frames and `events_max` events wait at once.
// Threads:   one owner.
// Errors:    what peers get wrong is a Verdict. A store that fails stops this node from applying,
//            proposing and voting; `fault()` says so. Where nothing was changed (a full disk, a
//            read that failed) it is tried again, at growing intervals, until it works.
// Format:    docs/formats/chain-store.md, docs/formats/sync.md

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "base/log.h"
#include "base/random.h"
#include "chain/air_repair.h"
#include "chain/arrival_times.h"
#include "chain/block_download.h"
#include "chain/block_import.h"
#include "chain/block_pool.h"
#include "chain/branch_store.h"
#include "chain/catch_up.h"
#include "chain/chain_store.h"
#include "chain/event.h"
#include "chain/held_blocks.h"
#include "chain/held_votes.h"
#include "chain/mempool.h"
#include "chain/next_block.h"
#include "chain/own_payments.h"
#include "chain/repair.h"
#include "chain/sync_server.h"
#include "chain/synchronizer.h"
#include "consensus/engine.h"
#include "ledger/election.h"
#include "wire/service.h"

namespace meshchain::chain {

/// What chain and engine use of the store, beside chain_tables.
struct ChainParts {
    kv::Store& store;
    kv::Table consensus_table;
    std::optional<crypto::SigningKey> validating_key;
    /// Of blocks this node proposes; genesis limits all blocks.
    std::size_t proposal_bytes_max = wire::block_bytes_limit_max;
    base::Random random;
    base::Log log;
    /// Judges the signatures of many blocks at once; without one they are judged one by one.
    crypto::Verifier* verifier = nullptr;
    /// What this validator tells of itself; none: the truth.
    consensus::Witness* witness = nullptr;
    /// Draws whom to ask, from start() on; without one, who promises most is asked.
    wire::PeerChoice* choice = nullptr;
    /// Behind for so long without a block, the node says that something is wrong.
    base::Duration sync_timeout = std::chrono::seconds(300);
    /// The undo quota: so many blocks above FINAL are applied, and no more until some are final
    /// (PROTOCOL.md P2.7).
    std::uint32_t undo_blocks_max = 16'384;
    /// So many blocks up to FINAL are kept, and what is below is pruned; 0: all are.
    std::uint32_t keep_blocks = 0;
    /// The air is the only way to others.
    bool has_air_alone = false;
};

class Chain final : public wire::Service {
public:
    static constexpr std::size_t outgoing_max = 1024;
    static constexpr std::size_t events_max = 4096;
    /// References above FINAL that the engine holds: a node that was away catches up over as many
    /// blocks as were made meanwhile, before a certificate makes the last of them final.
    static constexpr std::size_t tree_blocks_max = 32'768;
    /// A transaction that waits for a block is announced again after so many slots.
    static constexpr std::uint32_t announce_again_slots = 8;
    static constexpr std::size_t rounds_asked_on_air = 2;
    static constexpr std::size_t announced_on_air = 4;  ///< of them, where air is all there is
    /// So many blocks that were taken back can be built on in short.
    static constexpr std::size_t reverted_states_max = 32;
    /// Bodies of one block, each from another giver where there are several, that have to fail
    /// before the block counts as invalid.
    static constexpr std::size_t failed_bodies_max = 3;
    static constexpr std::size_t refused_held_max = 16;
    /// Proven blocks are executed so many at a time, or whatever has come after a pause; and stored
    /// when there are enough of them for one batch, or after a longer one.
    static constexpr std::size_t import_slice = 64;
    static constexpr base::Duration import_pause = std::chrono::milliseconds(250);
    static constexpr base::Duration import_commit_pause = std::chrono::seconds(2);
    /// Between attempts to go on after the store failed: doubled each time, within these.
    static constexpr base::Duration retry_pause_min = std::chrono::seconds(1);
    static constexpr base::Duration retry_pause_max = std::chrono::minutes(1);
    /// Pruning begins when so many blocks are below the horizon, and goes on in pieces with pauses
    /// between, so that nothing waits for it.
    static constexpr std::uint32_t prune_blocks_min = 32;
    static constexpr base::Duration prune_pause = std::chrono::milliseconds(50);

    /// Opens or begins the chain of `genesis` in the store.
    /// Errors: those of ChainStore::open and consensus::Engine::load.
    static std::expected<std::unique_ptr<Chain>, base::Error> open(const ledger::Genesis& genesis,
                                                                   ChainParts parts, base::Now now);

    /// The rules of the messages about transactions, blocks and votes.
    static std::span<const wire::MessageRule> message_rules();

    // wire::Service
    std::string_view name() const override { return "chain"; }
    std::span<const wire::MessageRule> rules() const override;
    std::expected<void, base::Error> start(base::Now now) override;
    void stop(base::Now now) override;
    wire::Verdict handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                         base::Bytes payload) override;
    void handle_repeat(base::Now now, wire::MessageType type, base::Bytes payload) override;
    void handle_timeout(base::Now now) override;
    std::optional<wire::Outgoing> poll_frame(base::Now now) override;
    base::Instant poll_timeout(base::Now now) const override;

    /// A transaction of our own user. Errors: those of Mempool::submit.
    std::expected<ledger::CheckedTransaction, base::Error> submit(
        base::Now now, const wire::WireTransaction& transaction);

    /// A peer stated where it stands (HELLO, STATUS).
    /// `directly`: over a session, or on the air without a relay between.
    void handle_peer(base::Now now, const crypto::PublicKey& peer, wire::Slot slot,
                     PeerHeights heights, bool directly = true);
    void handle_peer_lost(const crypto::PublicKey& peer);
    /// What a validator's clock shows now, by its timely answer to our question.
    void handle_clock_answer(base::Now now, const crypto::PublicKey& validator, wire::Slot slot);
    /// The wall clock jumped.
    void handle_clock_step(base::Now now);
    /// The node's clock is off: neither proposes nor votes until it is not (row A12).
    void set_clock_off(base::Now now, bool off);
    bool is_clock_off() const { return engine_->is_clock_off(); }

    /// Somebody still reads the blocks above this height: they are not pruned.
    void hold_history(wire::Height above) { held_above_ = above; }

    std::optional<Event> poll_event();

    wire::ChainStatus status(base::Now now) const;
    const ChainStore& store() const { return *store_; }
    const Mempool& mempool() const { return *mempool_; }
    const SyncProgress& progress() const { return progress_; }
    const CatchUp& catch_up() const { return *catch_up_; }
    /// Certificates of FINAL by height, as far as they are kept.
    const consensus::CertificateStore& certificates() const { return certificates_; }
    const consensus::Engine& engine() const { return *engine_; }
    wire::Height final_height() const { return engine_->final_block().height; }
    wire::Slot slot(base::Now now) const;
    wire::Round round(base::Now now) const;
    /// Blocks above FINAL that are applied and could be taken back.
    std::uint32_t undo_blocks() const;
    std::uint32_t undo_blocks_max() const { return undo_blocks_max_; }
    /// Too many blocks wait for FINAL: nothing is proposed, nor applied but what is proven to be
    /// final. Votes, relaying and answers go on, so that it can end.
    bool is_stalled() const;
    /// Blocks forgotten since it was opened.
    std::uint64_t blocks_pruned() const { return blocks_pruned_; }
    /// Of damaged rows, see also store().damage().
    const Repair& repair() const { return *repair_; }
    std::uint64_t blocks_proposed() const { return blocks_proposed_; }
    const ArrivalTimes& arrival_times() const { return arrival_times_; }
    /// Blocks that wait to be applied.
    std::size_t pooled_blocks() const { return pool_.size(); }
    std::size_t held_short_blocks() const { return held_blocks_.size(); }
    /// Why nothing is applied any more; nothing while all is well.
    const std::optional<base::Error>& fault() const { return fault_; }
    /// Frames that found `outgoing_max` others waiting.
    std::uint64_t outgoing_dropped() const { return outgoing_dropped_; }

    /// Asserts what must hold between any two calls.
    void check_invariants() const;

private:
    /// Bodies that came under one header and did not execute.
    struct FailedBodies {
        std::set<wire::Hash> bodies;  ///< hashes of those that differ
        std::set<crypto::PublicKey> givers;
        bool asked_again = false;         ///< others, for another one
        std::optional<wire::Block> last;  ///< of the last `refused_held_max`, should a vote name it
    };

    /// What a block is wanted for though no transaction waits, as of a tip and so much evidence.
    struct Wishes {
        wire::Hash tip;
        std::size_t proofs = 0;
        bool epoch = false;
        bool report = false;
    };

    Chain(const ledger::Genesis& genesis, ChainParts parts);

    // chain.cpp
    std::expected<void, base::Error> load(base::Now now);
    void settle(base::Now now);
    void drain_engine(base::Now now);
    void report_final();
    void report_sync(base::Now now);
    void emit(Event event);
    void send(wire::MessageType type, base::Buffer payload,
              std::optional<crypto::PublicKey> to = {},
              std::optional<crypto::PublicKey> except = {});
    /// An object that others hold, too.
    void repeat(wire::MessageType type, base::Buffer payload);
    void send(wire::Outgoing frame);
    void poll_requests(base::Now now);

    // chain_air.cpp
    wire::Verdict handle_air_question(base::Now now, const wire::Ingress& from,
                                      base::Bytes payload);
    wire::Verdict handle_short_vote(base::Now now, const wire::Ingress& from, base::Bytes payload);
    wire::Verdict judge(base::Now now, const wire::ShortVote& vote);
    void judge_held_votes(base::Now now);
    std::vector<wire::Hash> named(wire::BlockName name) const;
    void send_vote(const wire::Vote& vote);
    wire::Verdict handle_block_row(base::Now now, const wire::Ingress& from, base::Bytes payload);
    bool is_true_row(const wire::BlockRow& row) const;
    void answer(base::Now now, const wire::BlockWish& wish);
    void ask_on_air(const wire::AirQuestion& question);
    void repeat_vote(base::Now now, const wire::Vote& vote);
    void note_repeated(base::Now now, const wire::ShortVote& vote);
    void send_due_rows(base::Now now);
    void send_rows(const wire::Hash& hash, const std::vector<wire::WireTransaction>& transactions,
                   std::size_t rows);
    void plan_rows_ahead(base::Now now, const wire::Hash& hash, wire::Slot slot,
                         std::size_t transactions);
    std::optional<wire::Block> recent_block(const wire::Hash& hash) const;
    bool is_final(wire::BlockName name) const;
    void forget_lost_announcements();
    /// As many as are named in one packet, where air is all there is.
    std::size_t transactions_announced_max() const;
    bool is_one_under_way(const consensus::Duty& duty) const;

    // chain_short_blocks.cpp
    /// How an announcement came, and is passed on where all hear it.
    enum class Form : std::uint8_t { whole, in_short };
    std::optional<wire::BlockHeader> header_of(const wire::Hash& hash) const;
    std::optional<wire::Hash> state_after(const wire::Hash& hash, wire::Height height) const;
    void note_reverting(const wire::Hash& tip);
    std::optional<wire::BlockParent> parent_named(const wire::Hash& hash) const;
    std::optional<wire::ShortBlock> short_form(const wire::BlockAnnouncement& announcement,
                                               const wire::Hash& hash) const;
    void say_block(const wire::Hash& hash, const wire::BlockAnnouncement& announcement,
                   wire::Outgoing whole);
    wire::Verdict handle_short_block(base::Now now, const wire::Ingress& from, base::Bytes payload);
    bool may_be_said(base::Now now, const wire::ShortBlock& block) const;
    wire::Verdict judge(base::Now now, HeldBlock heard);
    void hold(base::Now now, HeldBlock heard, std::span<const wire::Hash> parents);
    bool is_parent_awaited(const wire::ShortBlock& block,
                           std::span<const wire::Hash> parents) const;
    void want_whole(base::Now now, HeldBlock& held);
    void want_voted(base::Now now, wire::BlockName name);
    void ask_named(base::Now now);
    void judge_held_blocks(base::Now now);

    // chain_upkeep.cpp
    std::expected<void, base::Error> restore_tree(base::Now now);
    wire::Height prune_target() const;
    bool is_prune_due() const;
    std::expected<std::size_t, base::Error> prune_epochs();
    void prune(base::Now now);
    void mend(base::Now now);
    bool is_mended() const;
    base::Instant upkeep_timeout() const;
    std::expected<void, base::Error> check_room(base::Now now);

    // chain_relay.cpp
    wire::Verdict handle_transaction(base::Now now, const wire::Ingress& from, base::Bytes payload);
    wire::Verdict handle_announcement(base::Now now, const wire::Ingress& from,
                                      base::Bytes payload);
    wire::Verdict take_announcement(base::Now now, const wire::Ingress& from,
                                    const wire::BlockAnnouncement& announcement, Form form);
    std::optional<crypto::PublicKey> source_of(const wire::Ingress& from);
    std::expected<void, base::Error> take_transaction(base::Now now, const wire::Ingress& from,
                                                      const wire::WireTransaction& transaction,
                                                      wire::Slot valid_at);
    void fill_announced(base::Now now, const wire::Wtxid& wtxid);
    void fill_announced(base::Now now);
    void fill(base::Now now, const wire::Hash& hash);
    base::Instant proposal_due() const;
    bool may_be_heard_in_time(base::Now now, const consensus::Duty& duty) const;
    /// Zero where it is no matter, as PeerChoice has it.
    base::Duration flood_time() const;
    /// A transaction was accepted: if it is the only one, the wait begins.
    void note_waiting(base::Now now) {
        if (!waiting_since_ || mempool_->size() == 1) waiting_since_ = now.instant;
    }
    wire::Verdict handle_vote(base::Now now, base::Bytes payload);
    wire::Verdict handle_vote_request(base::Now now, const wire::Ingress& from, base::Bytes body);
    wire::Verdict handle_evidence(base::Now now, base::Bytes payload);
    wire::Verdict handle_sync_request(base::Now now, const wire::Ingress& from, base::Bytes body);
    wire::Verdict handle_sync_response(base::Now now, const wire::Ingress& from, base::Bytes body);
    wire::Verdict handle_sync_data(base::Now now, const wire::Ingress& from, base::Bytes payload);
    void take_complete(base::Now now, CompleteBlock complete);
    void note_arrival(base::Now now, const wire::BlockHeader& header);
    void want(const wire::Hash& hash, const std::optional<crypto::PublicKey>& source);
    void want_to_connect(base::Now now, wire::Hash hash);
    void want_from_any(const wire::Hash& hash, const std::set<crypto::PublicKey>& except = {},
                       bool on_votes = false);
    void announce(const wire::Hash& hash, const wire::BlockHeader& header,
                  const std::vector<ledger::CheckedTransaction>& transactions,
                  const std::optional<crypto::PublicKey>& except, Form form);
    std::uint32_t announce_slots() const;
    void announce_mempool(base::Now now);

    // chain_next_block.cpp
    void ask_next_block(base::Now now);
    void answer(base::Now now, const wire::NextBlockWish& wish);
    bool can_say(base::Now now, const wire::Hash& hash);

    // chain_own_payments.cpp
    base::Instant before_slot(base::Now now, wire::Slot slot, base::Instant from);
    void note_own_payment(base::Now now, const wire::Txid& payment);
    void repeat_own_payments(base::Now now);
    bool is_in_open_block(const wire::Txid& payment) const;

    // chain_catch_up.cpp
    std::unique_ptr<CatchUp> make_catch_up();
    void advance_catch_up(base::Now now);
    std::size_t waiting_bodies() const;
    bool may_execute_proven(base::Now now) const;
    void execute_proven(base::Now now);
    bool may_store_proven(base::Now now) const;
    void store_proven(base::Now now);
    void note_imported(std::vector<ExecutedBlock> blocks);
    void adopt_anchor(base::Now now);
    std::size_t page_downloads() const;
    void update_progress(base::Now now);

    // chain_blocks.cpp
    bool is_known(const wire::Hash& hash) const;
    bool has_body(const wire::Hash& hash) const;
    std::optional<wire::Hash> header_hash(const wire::BlockHeader& header) const;
    void accept(base::Now now, BlockPool::Entry entry);
    void connect(base::Now now, const wire::Hash& hash);
    void follow_head(base::Now now);
    std::optional<std::vector<wire::Hash>> path_from_applied(const wire::Hash& head);
    bool is_held_by_quota() const;
    bool is_raise_next() const;
    bool may_come(const wire::Hash& hash);
    /// What proofs name and is not applied, as far as it is here.
    void keep_branches();
    void keep(const wire::Hash& hash, const wire::Block& block, bool executed);
    void keep_tip();
    /// Into the pool, if it is among the branches that are kept.
    bool recall(base::Now now, const wire::Hash& hash, wire::Block block);
    bool recall_kept(base::Now now, const wire::Hash& hash);
    bool is_at_hand(const wire::Hash& hash) const {
        return pool_.contains(hash) || (branches_.contains(hash) && !failed_bodies_.contains(hash));
    }
    const wire::Block* unapplied(const wire::Hash& hash) const;
    void hold_refused(const wire::Hash& hash, wire::Block block);
    bool is_signed(const wire::BlockHeader& header) const;
    std::expected<void, base::Error> restore_branches(base::Now now);
    bool revert_to(const wire::Hash& fork, std::vector<ledger::CheckedTransaction>& reverted);
    bool apply_pooled(base::Now now, const wire::Hash& hash);
    void refuse(const wire::Hash& hash, const base::Error& error);
    void fail(const base::Error& error);
    bool may_retry() const;
    void retry_after_fault(base::Now now);
    void report_contradiction();
    /// Whether validators with more than a third of the stake, so at least one honest one, say that
    /// FINAL has passed our tip. Less would let strangers silence us by claiming great heights.
    bool is_left_behind() const;
    // chain_epochs.cpp
    void find_wishes();
    std::optional<wire::Slot> epoch_wanted_from() const;
    bool is_block_wanted(base::Now now) const;
    base::Instant block_wanted_at(base::Now now) const;
    std::expected<bool, base::Error> find_report_wish() const;
    std::expected<bool, base::Error> find_epoch_wish() const;
    void add_reports(ledger::BlockBuilder& builder, wire::Slot slot);
    bool add_testimony(ledger::BlockBuilder& builder, const consensus::Duty& duty);
    void note_final_epoch();

    // chain_blocks.cpp
    void propose(base::Now now);
    std::optional<consensus::Duty> duty(base::Now now) const;
    base::WallTime next_proposal_time(base::Now now) const;
    void propose_at(base::Now now, const consensus::Duty& duty);

    const ledger::Genesis genesis_;
    wire::ChainId chain_;
    kv::Store* kv_;
    base::Log log_;
    std::unique_ptr<ChainStore> store_;
    std::unique_ptr<Mempool> mempool_;
    std::unique_ptr<consensus::Engine> engine_;
    kv::Table consensus_table_;
    std::optional<crypto::SigningKey> validating_key_;  ///< until the engine has it
    std::size_t proposal_bytes_max_;
    std::uint32_t undo_blocks_max_;
    std::uint32_t keep_blocks_;
    bool has_air_alone_;
    base::Random random_;

    BlockPool pool_;
    BranchStore branches_;
    bool branches_due_ = false;  ///< something that proofs name may have come
    BlockDownload downloads_;
    /// Verified headers, judged timely when they came, whose transactions are on their way.
    struct Announced {
        consensus::BlockRef ref;
        std::vector<std::uint32_t> short_ids;
        Form form = Form::whole;
        RowCollector rows{};
    };
    std::map<wire::Hash, Announced> announced_;
    AirRepair air_repair_;
    NextBlock next_block_;
    base::Instant block_read_until_{};  ///< none is read for others on the air before
    OwnPayments own_payments_;
    RowsAhead rows_ahead_;
    HeldVotes held_votes_;
    HeldBlocks held_blocks_;
    bool held_blocks_due_ = false;  ///< a parent may have come, or been executed
    struct Reverted {
        wire::Hash block;
        wire::Hash state;
    };
    std::deque<Reverted> reverted_states_;  ///< the oldest first
    NamedWishes named_wishes_;
    wire::PeerChoice* choice_;
    Synchronizer sync_;             ///< towards heads
    std::vector<wire::Hash> page_;  ///< blocks that sync_ asked the names of
    consensus::CertificateStore certificates_;
    std::unique_ptr<SyncServer> server_;
    std::unique_ptr<CatchUp> catch_up_;      ///< towards FINAL
    std::optional<BlockImport> import_;      ///< of blocks that catch_up_ has
    base::Instant import_at_ = base::never;  ///< what waits to be executed
    base::Instant store_at_ = base::never;   ///< what was
    SyncProgress progress_;
    crypto::InlineVerifier inline_verifier_;
    crypto::Verifier* verifier_;
    consensus::Witness* witness_;
    std::set<crypto::PublicKey> peers_;
    std::map<wire::Hash, FailedBodies> failed_bodies_;  ///< of blocks above FINAL
    SyncState reported_sync_ = SyncState::idle;
    bool reported_contradiction_ = false;
    wire::Hash reported_final_;
    Wishes wishes_;
    std::optional<std::uint32_t> proven_epoch_;  ///< whose proof is kept
    std::set<wire::Wtxid> announced_waiting_;  ///< those of the mempool when it was announced last
    std::uint32_t announced_slot_ = 0;         ///< when the mempool was announced last
    std::optional<wire::Slot> attempted_;      ///< where the timer has tried to propose already
    std::uint64_t blocks_proposed_ = 0;
    /// When the first transaction of those that wait came; of no meaning where none does.
    std::optional<base::Instant> waiting_since_;
    ArrivalTimes arrival_times_;
    std::uint64_t outgoing_dropped_ = 0;
    std::optional<base::Error> fault_;
    base::Instant retry_at_{};  ///< not before; meaningful during a fault
    base::Duration retry_pause_ = retry_pause_min;
    std::unique_ptr<Repair> repair_;
    base::Instant mend_at_{};
    bool is_restored_ = false;  ///< the engine knows the blocks above FINAL
    std::optional<wire::Height> held_above_;
    base::Instant prune_at_{};
    std::uint64_t blocks_pruned_ = 0;
    kv::Quota room_{};  ///< as it was when it was asked for last
    base::Instant room_due_{};
    std::deque<wire::Outgoing> outgoing_;
    std::deque<Event> events_;
};

}  // namespace meshchain::chain
