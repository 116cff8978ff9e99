#pragma once
// What a node says about itself, as plain values: the API, the terminal and embedding programs
// print these and nothing else. Every one is a copy taken at one moment.

#include <optional>
#include <string>
#include <vector>

#include "base/link.h"
#include "base/time.h"
#include "chain/arrival_times.h"
#include "kv/store.h"
#include "node/node_clock.h"
#include "runtime/state_manager.h"
#include "wire/block.h"
#include "wire/control.h"
#include "wire/vote.h"

namespace meshchain::node {

/// How sure a payment is (PROTOCOL.md P3, "What a user sees"). Only `final` is ever called paid.
enum class Certainty : std::uint8_t {
    unknown,    ///< never seen here
    seen,       ///< in the mempool
    live,       ///< in a block of the chain this node follows
    justified,  ///< more than 2/3 of stake voted for it once
    final,      ///< cannot be undone while less than a third of stake cheats
    expired,    ///< dead: a FINAL block has passed its expiry
};
std::string_view name(Certainty certainty);  ///< "SEEN", "LIVE", …

struct SyncView {
    std::string_view state;  ///< IDLE, SYNCING, SYNCED, BEHIND, ERROR (row F5)
    wire::Height target;     ///< the highest that is proven to be final, or the own tip
    std::uint32_t percent = 100;
    std::optional<base::Duration> remaining{};  ///< at the pace so far
};

/// Row A12. The offset is the validators' median less this node's clock.
struct ClockView {
    ClockSource source{};
    std::optional<base::Duration> validators_offset;
    unsigned heard_percent = 0;  ///< of stake, whose time was heard lately
    bool off = false;            ///< further off than slots allow: neither proposes nor votes
};

struct StatusView {
    crypto::PublicKey identity;
    std::string node_id;
    std::string node_name;
    wire::Role role{};
    runtime::NodeState state{};
    wire::ChainId chain;
    base::Duration uptime{};
    wire::Slot slot;
    wire::Height history_start;  ///< blocks above it are held here; 0: all
    wire::Height height;
    wire::Hash tip;
    wire::Height final_height;
    wire::Hash final_block;
    wire::Checkpoint justified;
    bool validator = false;
    bool clock_checked = false;  ///< enough other validators state our slot (P3)
    ClockView clock;
    std::uint32_t online_percent = 0;  ///< share of stake heard lately, own included
    std::size_t peers = 0;
    std::size_t mempool_transactions = 0;
    std::size_t mempool_bytes = 0;
    wire::Amount supply;
    std::uint64_t blocks_applied = 0;
    std::uint64_t blocks_reverted = 0;
    std::uint64_t blocks_proposed = 0;
    chain::ArrivalTimes arrival_times;
    std::uint64_t frames_received = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t frames_dropped = 0;
    std::uint64_t evidence_found = 0;
    SyncView sync;
    bool stalled = false;  ///< too many blocks wait for FINAL (PROTOCOL.md P2.7)
    std::uint32_t undo_blocks = 0;
    std::uint32_t undo_blocks_max = 0;
    std::uint64_t blocks_pruned = 0;
    std::uint64_t storage_bytes = 0;
    std::uint64_t storage_limit_bytes = 0;  ///< 0: none
    std::string_view storage_level = "ok";  ///< or "warning_80", "warning_95", "full"
    bool storage_read_only = false;
    std::string storage_refused;      ///< why commits were refused within the last minute; or empty
    std::size_t storage_damaged = 0;  ///< rows that wait to be healed
    std::uint64_t storage_healed = 0;   ///< rows, since the start
    std::vector<std::string> problems;  ///< whole sentences; empty when healthy
};

/// How far a proof that a FINAL block holds a transaction is (rows A10, J4).
struct ProofView {
    wire::Txid txid;
    bool proven = false;
    std::uint32_t percent = 0;
    wire::Height height;        ///< of the block, once proven
    wire::Height final_height;  ///< that its votes prove, once proven
    base::Buffer proof;         ///< docs/formats/proof.md, once proven
};

struct PeerView {
    crypto::PublicKey identity;
    std::string node_id;
    base::LinkAddress address;
    std::optional<std::uint32_t> radio;  ///< its number, where the air is the only way to it
    wire::Role role{};
    bool validator = false;
    bool is_static = false;
    std::uint32_t score = 0;
    wire::Height height;
    wire::Height final_height;
    base::Duration last_heard{};  ///< ago
    std::string name;             ///< as it announced; empty until it did
};

/// A node of the mesh as this one knows it, by its own announcement.
struct TopologyNodeView {
    crypto::PublicKey identity;
    std::string node_id;
    std::string name;
    std::optional<wire::Role> role;     ///< nothing until it announced itself
    std::optional<std::uint8_t> hops;   ///< 0: this node; nothing: known, and out of reach
    std::vector<std::string> segments;  ///< by name if it is one of ours, else its id
    std::optional<base::Duration> expires_in;
};

struct TopologyView {
    std::vector<TopologyNodeView> nodes;
    std::vector<std::pair<std::string, std::string>> edges;  ///< node ids; both ends say so
    std::size_t near = 0;  ///< nodes within two hops, this one not counted
};

/// A probe of another node, over as many hops as it takes.
struct ProbeView {
    std::uint64_t sequence = 0;
    crypto::PublicKey to;
    std::string_view state = "under way";  ///< or "taken", "refused", "lost"
    std::uint8_t attempts = 0;
    std::uint8_t hops_there = 0;
    std::uint8_t hops_back = 0;
    base::Duration round_trip{};
};

struct ValidatorView {
    wire::ValidatorIndex index;
    crypto::PublicKey identity;
    crypto::PublicKey key;
    wire::Amount stake;
    bool is_self = false;
    bool is_connected = false;  ///< a session with its node
    bool signed_twice = false;  ///< evidence is kept
    /// Of chains whose stakes move, as of the tip; nothing otherwise.
    struct Seat {
        wire::Amount bonded;     ///< its weight in the epoch after next
        wire::Amount unbonding;  ///< on its way back to the owners
        wire::Amount earned;     ///< fees that it may claim
        bool slashed = false;
        std::uint8_t proximity = 0;  ///< of 255: how far it is heard directly; weighs in who leads
        unsigned withheld = 0;       ///< of the last epochs, those in which it kept its secret
    };
    std::optional<Seat> seat = {};
};

/// Stake of this wallet on a validator.
struct BondView {
    crypto::PublicKey validator;  ///< validating key
    crypto::PublicKey owner;
    wire::Amount amount;
    std::optional<std::uint32_t> from_epoch;  ///< on its way back: from when it may be had
};

/// How stakes move on this chain, and what this wallet has of them.
struct StakesView {
    std::uint32_t epoch = 0;  ///< of the tip
    std::uint32_t final_epoch = 0;
    wire::Slot rises_from;  ///< the epoch of FINAL
    std::uint32_t epoch_slots = 0;
    std::uint16_t unbond_epochs = 0;
    wire::Amount stake_min;
    wire::Amount burnt;
    std::vector<BondView> bonds;
};

struct StakeOrder {
    enum class Action : std::uint8_t { enroll, delegate, unbond, withdraw, claim };
    Action action = Action::delegate;
    /// Its validating key; nothing: this node's own.
    std::optional<crypto::PublicKey> validator;
    wire::Amount amount;  ///< of a withdrawal and a claim: nothing, all there is
};

struct BlockView {
    wire::Hash hash;
    wire::BlockHeader header;
    base::WallTime time{};  ///< start of its slot
    crypto::PublicKey proposer;
    std::size_t bytes = 0;
    std::vector<wire::Txid> transactions;
    Certainty certainty = Certainty::unknown;
};

struct TransactionView {
    wire::Txid txid;
    Certainty certainty = Certainty::unknown;
    std::uint32_t live_percent = 0;  ///< share of stake that built on its block
    std::optional<wire::Transaction> transaction;
    std::optional<wire::Height> height;
    std::optional<wire::Hash> block;
    wire::Amount fee;
    std::size_t bytes = 0;
};

struct MempoolView {
    std::size_t transactions = 0;
    std::size_t bytes = 0;
    std::vector<TransactionView> entries;  ///< highest fee rate first, at most 100
};

/// What became of an additional service's messages.
struct ServiceView {
    std::string name;
    std::uint64_t received = 0;   ///< handed to it
    std::uint64_t sent = 0;       ///< left for at least one peer
    std::uint64_t unsent = 0;     ///< for nobody: none there, or the link was full
    std::uint64_t refused = 0;    ///< not of its own types, or outside the rule of their type
    std::uint64_t held_back = 0;  ///< times it filled its share and had to wait
};

/// What the sender of a payment gets back at once.
struct PaymentView {
    wire::Txid txid;
    wire::Amount amount;
    wire::Amount fee;
    wire::Expiry expiry;
    base::WallTime expires{};  ///< when it can be in no block any more
    std::size_t bytes = 0;
};

}  // namespace meshchain::node
