#pragma once
// Starting from a FINAL state instead of from genesis (row F5): follows certificates until one is
// proven, fetches the state its block commits to, then that block itself, and leaves a store on
// which Chain::open works. It is no chain yet: whoever runs it opens one once outcome() says so.
//
// Time:      every call takes `now`.
// Ownership: the store outlives it, and nothing else writes it meanwhile.
// Limits:    those of StateStaging and StateDownload.
// Threads:   one owner.
// Errors:    what peers get wrong is a PeerFault; a store that fails is fault().
// Format:    docs/formats/chain-store.md, State from others

#include "base/log.h"
#include "chain/event.h"
#include "chain/state_download.h"
#include "chain/synchronizer.h"
#include "consensus/schedule.h"
#include "wire/service.h"
#include "wire/sync.h"

namespace meshchain::chain {

class SnapshotStart final : public wire::Service {
public:
    enum class Outcome : std::uint8_t {
        working,
        from_state,    ///< the store holds a chain that begins with a FINAL state
        from_genesis,  ///< the chain is too young to gain anything
    };
    /// Peers are heard so long before the highest proven FINAL of theirs is chosen.
    static constexpr base::Duration patience = std::chrono::seconds(3);
    /// After nobody gave a state that fits, the next attempt waits so long.
    static constexpr base::Duration retry_pause = std::chrono::seconds(20);

    /// Whether a start in this store has to go on, or should begin (`wanted`, and it is empty).
    static std::expected<bool, base::Error> is_due(kv::Store& store, bool wanted);
    /// Errors: those of StateStaging::open.
    static std::expected<std::unique_ptr<SnapshotStart>, base::Error> open(
        const ledger::Genesis& genesis, kv::Store& store, kv::Table consensus_table,
        base::Random random, base::Log log, wire::PeerChoice* choice = nullptr);

    // wire::Service
    std::span<const wire::MessageRule> rules() const override;
    std::string_view name() const override { return "snapshot start"; }
    std::expected<void, base::Error> start(base::Now now) override;
    void stop(base::Now now) override;
    wire::Verdict handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                         base::Bytes payload) override;
    void handle_timeout(base::Now now) override;
    std::optional<wire::Outgoing> poll_frame(base::Now now) override;
    base::Instant poll_timeout(base::Now now) const override;

    void handle_peer(base::Now now, const crypto::PublicKey& peer, PeerHeights heights);
    void handle_peer_lost(base::Now now, const crypto::PublicKey& peer);

    std::optional<Event> poll_event();
    Outcome outcome() const { return outcome_; }
    wire::Slot slot(base::Now now) const;
    wire::ChainStatus status(base::Now now) const;
    const std::optional<ProvenFinal>& target() const { return staging_.target(); }
    std::uint32_t percent() const;
    /// What a user should know; empty while all goes well.
    const std::string& trouble() const { return trouble_; }
    const std::optional<base::Error>& fault() const { return fault_; }

private:
    SnapshotStart(const ledger::Genesis& genesis, kv::Store& store, kv::Table consensus_table,
                  StateStaging staging, base::Random random, base::Log log,
                  wire::PeerChoice* choice);

    void choose_target(base::Now now);
    void give_up_target(base::Now now);
    void advance(base::Now now);
    void ask_for_rest(base::Now now);
    void take_parent(const wire::HeaderPageResponse& response);
    void take_part(const crypto::PublicKey& from, const wire::BlockResponse& part);
    std::expected<void, base::Error> apply_target(const crypto::PublicKey& giver);
    std::expected<void, base::Error> write_final();
    void fail(const base::Error& error);
    std::optional<crypto::PublicKey> any_peer();

    ledger::Genesis genesis_;
    wire::ChainId chain_;
    std::unique_ptr<consensus::ValidatorSet> validators_;
    consensus::Schedule schedule_;
    kv::Store* store_;
    kv::Table consensus_table_;
    base::Random random_;
    base::Log log_;
    FinalFollower follower_;
    StateStaging staging_;
    std::optional<StateDownload> download_;
    std::set<crypto::PublicKey> peers_;
    base::Instant ready_at_ = base::never;  ///< peers were heard long enough
    bool installed_ = false;

    // The header of the target's parent, then the target's transactions.
    std::optional<crypto::PublicKey> asked_;
    base::Instant deadline_{};
    std::vector<wire::WireTransaction> body_;
    std::optional<crypto::PublicKey> body_giver_;  ///< of all its parts

    Outcome outcome_ = Outcome::working;
    std::string trouble_;
    std::optional<base::Error> fault_;
    std::deque<wire::Outgoing> outgoing_;
    std::deque<Event> events_;
};

}  // namespace meshchain::chain
