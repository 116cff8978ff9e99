#pragma once
// One whole node without any I/O of its own: chain, mesh and wallet between the doors it is given.
// The same object runs under asio (host), in tests under virtual time, and later in the simulator.
//
// Time:      every call takes `now`; its instant never goes backwards, its wall time may. Inside,
//            the node lives by its own clock (node_clock.h), which does not.
// Ownership: the doors outlive the node.
// Threads:   one owner calls everything; host has the thread-safe edges.
// Errors:    what the world gets wrong is an Error or a counted drop; misuse asserts.
// Limits:    those of node/config.h and of the modules below.

#include <memory>
#include <vector>

#include "base/entropy.h"
#include "base/kdf.h"
#include "base/log.h"
#include "base/time_source.h"
#include "crypto/verifier.h"
#include "ledger/genesis.h"
#include "mesh/stats.h"
#include "node/config.h"
#include "node/health.h"
#include "node/keys.h"
#include "node/memory_limits.h"
#include "node/wallet_views.h"
#include "runtime/event_loop.h"
#include "wallet/wallet.h"
#include "wire/air_link.h"
#include "wire/frame_link.h"
#include "wire/neighbourhood.h"
#include "wire/peer_choice.h"
#include "wire/service.h"

namespace meshchain::consensus {
class Witness;
}

namespace meshchain::node {

/// The doors to the outside that a node is built with, and what takes part in the network through
/// it besides its chain (row G5).
struct Doors {
    kv::Store& store;
    wire::FrameLink* link;  ///< none: it has but a radio
    base::Entropy& entropy;
    base::Kdf& kdf;
    base::LogSink* log = nullptr;
    base::TimeSource* time = nullptr;           ///< none: nobody keeps the system's clock
    std::vector<wire::Service*> services = {};  ///< they start in this order, after the mesh
    crypto::Verifier* verifier = nullptr;       ///< none: signatures are judged one by one
    consensus::Witness* witness = nullptr;      ///< none: it tells the truth of itself
    std::vector<wire::AirLink*> airs = {};      ///< media that everybody in reach hears
};

class Node {
public:
    /// Checks the configuration against genesis and what the store holds.
    /// Errors: invalid_argument (a field, a service's rule), exists (two services own one message
    /// type), wrong_chain (the store belongs to another genesis), corrupt, io.
    static std::expected<std::unique_ptr<Node>, base::Error> create(const NodeConfig& config,
                                                                    const ledger::Genesis& genesis,
                                                                    Keys keys, Doors doors,
                                                                    base::Now now);
    /// Tells the store that this validating key was made just now and has signed nothing. A key
    /// without this record counts as restored, and waits until it is safe to sign.
    /// Errors: exists, those of the store.
    static std::expected<void, base::Error> record_new_key(kv::Store& store,
                                                           const crypto::PublicKey& key);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Starts the parts in order; a step that fails rolls the earlier ones back (row D2).
    std::expected<void, base::Error> start(base::Now now);
    /// SHUTTING_DOWN, drains, NODE_STOPPED. The store is closed by its owner, last.
    void stop(base::Now now);
    /// Drains the link, runs what is due, sends what is to be sent. Call when the link is
    /// readable and at or after poll_timeout().
    void step(base::Now now);
    base::Instant poll_timeout(base::Now now) const;

    StatusView status(base::Now now) const;
    HealthView health(base::Now now) const;
    /// memory_limits() with what is in the tables now.
    std::vector<MemoryLimit> memory() const;
    std::vector<PeerView> peers(base::Now now) const;
    TopologyView topology(base::Now now) const;
    /// Asks another node for a sign of life, wherever it is; probed() tells what came of it.
    /// Errors: closed (not started), invalid_argument (ourselves), full (too many are under way).
    std::expected<std::uint64_t, base::Error> probe(base::Now now, const crypto::PublicKey& to);
    /// Errors: not_found.
    std::expected<ProbeView, base::Error> probed(std::uint64_t sequence) const;
    std::vector<ValidatorView> validators() const;
    const mesh::Stats& traffic() const;
    /// Errors: not_found, corrupt, io.
    std::expected<BlockView, base::Error> block(wire::Height height) const;
    std::expected<BlockView, base::Error> block(const wire::Hash& hash) const;
    /// At most `count` blocks of the applied chain downwards from `from`.
    std::expected<std::vector<BlockView>, base::Error> blocks(wire::Height from,
                                                              std::size_t count) const;
    /// Never fails on an unknown id: certainty says `unknown`.
    std::expected<TransactionView, base::Error> transaction(const wire::Txid& txid) const;
    MempoolView mempool() const;
    /// Proves, for whoever has the genesis alone, that a FINAL block holds the transaction. A node
    /// of role light fetches what it needs; ask again until it is proven.
    /// Errors: not_found (no FINAL block is known to hold it), full, too_large, unavailable.
    std::expected<ProofView, base::Error> prove(base::Now now, const wire::Txid& txid);
    /// Expands a compact transfer with this node's coins: its body, txid and preimage.
    std::expected<wire::Transaction, base::Error> expand(
        base::Now now, const wire::WireTransaction& transaction) const;
    const wire::ChainId& chain_id() const;

    /// Validates, takes into the mempool and floods. Errors: those of ledger and mempool.
    std::expected<wire::Txid, base::Error> submit(base::Now now,
                                                  const wire::WireTransaction& transaction);

    /// Gives the node a wallet to follow (row I1); it stays locked. What it has not read of the
    /// chain it reads a few blocks a step (wallet_scan), so that nothing else waits.
    std::expected<void, base::Error> open_wallet(base::Now now, base::Bytes sealed_key_file);
    /// Takes what OpenedKeyFile::keys gives, and locks again after config.wallet.lock_after.
    /// Errors: unavailable (no wallet), those of Wallet::unlock.
    std::expected<void, base::Error> unlock_wallet(base::Now now, wallet::SecretKeys keys);
    void lock_wallet();
    /// The wallet's key file has more keys now, or is sealed otherwise: it locks, and reads the
    /// chain again if it must. Errors: unavailable (no wallet), those of Wallet::handle_key_file.
    std::expected<void, base::Error> handle_key_file(wallet::KeyFile keys);
    /// Nothing without a wallet.
    std::optional<ScanView> wallet_scan() const;
    /// Newest first, at most `count` below `before`. Errors: unavailable, those of the store.
    std::expected<std::vector<PaymentHistoryView>, base::Error> wallet_history(
        std::size_t count, std::uint64_t before) const;
    FeesView fees() const;
    /// Nothing when no wallet was opened.
    wallet::Wallet* wallet();
    const wallet::Wallet* wallet() const;
    /// Signs with the unlocked wallet and submits. `fee` empty: the usual fee.
    /// Errors: unavailable (no wallet), unauthorized (locked), full (insufficient funds), …
    std::expected<PaymentView, base::Error> pay(base::Now now, const crypto::PublicKey& payee,
                                                wire::Amount amount,
                                                std::optional<wire::FeeCode> fee);
    /// The same payment once more, from the same coins, so that it can never be paid twice.
    /// Errors: those of pay; not_found, conflict (see Wallet::reissue_payment).
    std::expected<PaymentView, base::Error> reissue(base::Now now, const wire::Txid& txid,
                                                    std::optional<wire::FeeCode> fee);

    /// Errors: unsupported (stakes are those of genesis), unavailable (no chain yet).
    std::expected<StakesView, base::Error> stakes() const;
    /// An operation on stakes, signed by the unlocked wallet and, where they must agree, by this
    /// node's keys. Errors: those of stakes() and of pay(); not_found, and those of the ledger.
    std::expected<PaymentView, base::Error> stake(base::Now now, const StakeOrder& order,
                                                  std::optional<wire::FeeCode> fee);

    /// Sends a message of one of the services, as if it had polled it; returns how many peers it
    /// left for. Not from within a service.
    /// Errors: closed (not started), invalid_argument (a type no service owns, a size outside its
    /// rule), not_found (no session with `to`), full (the service sent too much lately), io.
    std::expected<std::size_t, base::Error> send(base::Now now, const wire::Outgoing& frame);
    /// What became of the services' messages.
    std::vector<ServiceView> services() const;
    /// Whom to ask: draws among the connected peers, also from within a service (row F2).
    wire::PeerChoice& peer_choice();
    /// Who is around, for a service that spreads something by itself.
    const wire::Neighbourhood& neighbourhood() const;

    /// Events of row C1 leave through here, and those of the embedding program from
    /// runtime::custom_event(0) on; register handlers before start.
    runtime::EventLoop& events();

    struct Parts;  ///< node_parts.h, for the node's own files

private:
    explicit Node(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace meshchain::node
