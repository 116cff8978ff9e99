#pragma once
// Role light (rows A10, J4): a node that holds neither blocks nor coins. It knows from genesis who
// may vote, follows the proofs of FINAL and keeps the newest one durable, passes on what it can
// judge by that alone (votes and evidence), hands its user's payments to peers, and fetches proofs
// that final blocks hold them.
//
// It never proposes or votes, and cannot list anybody's coins.
//
// Time:      every call takes `now`.
// Ownership: the store outlives it.
// Limits:    `payments_max` payments handed on; those of LightProofs and FinalFollower.
// Threads:   one owner.
// Errors:    what peers get wrong is a Verdict or a PeerFault; a store that fails is fault().
// Format:    docs/formats/state.md

#include "base/log.h"
#include "chain/event.h"
#include "chain/light_proofs.h"
#include "chain/synchronizer.h"
#include "consensus/schedule.h"
#include "kv/store.h"
#include "wire/service.h"

namespace meshchain::chain {

class LightChain final : public wire::Service {
public:
    static constexpr std::size_t payments_max = 64;
    /// A payment is handed to peers again after so many slots, and so often.
    static constexpr std::uint32_t send_again_slots = 8;
    static constexpr unsigned sends_max = 12;

    /// Errors: corrupt (what is durable does not prove itself), those of the store.
    static std::expected<std::unique_ptr<LightChain>, base::Error> open(
        const ledger::Genesis& genesis, kv::Store& store, base::Random random, base::Log log,
        wire::PeerChoice* choice = nullptr);

    // wire::Service
    std::span<const wire::MessageRule> rules() const override;
    std::string_view name() const override { return "light chain"; }
    std::expected<void, base::Error> start(base::Now) override { return {}; }
    void stop(base::Now) override { outgoing_.clear(); }
    wire::Verdict handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                         base::Bytes payload) override;
    void handle_timeout(base::Now now) override;
    std::optional<wire::Outgoing> poll_frame(base::Now now) override;
    base::Instant poll_timeout(base::Now now) const override;

    void handle_peer(base::Now now, const crypto::PublicKey& peer, PeerHeights heights);
    void handle_peer_lost(const crypto::PublicKey& peer);

    /// Hands a payment to the peers, who alone can judge it.
    /// Errors: full (payments_max are under way).
    std::expected<wire::Txid, base::Error> submit(base::Now now,
                                                  const wire::Transaction& transaction);
    std::expected<LightProofs::Progress, base::Error> prove(base::Now now, const wire::Txid& txid) {
        return proofs_.prove(now.instant, txid);
    }

    /// What was proven lately; nothing if it was not asked for.
    const TransactionProof* find_proof(const wire::Txid& txid) const { return proofs_.find(txid); }

    std::optional<Event> poll_event();

    const wire::ChainId& chain_id() const { return chain_; }
    /// The newest that is proven and durable: after a crash it is no less.
    const std::optional<ProvenFinal>& final() const { return durable_; }
    wire::Height final_height() const { return durable_ ? durable_->height() : wire::Height{}; }
    /// Somebody believable claims a later FINAL.
    bool is_behind() const { return follower_.claimed() > final_height(); }
    const consensus::ValidatorSet& validators() const { return *validators_; }
    wire::Slot slot(base::Now now) const;
    /// Tells peers no height: there is nothing here for them to fetch.
    wire::ChainStatus status(base::Now now) const;
    bool is_under_way(const wire::Txid& txid) const { return payments_.contains(txid); }
    std::size_t payments() const { return payments_.size(); }
    const std::optional<base::Error>& fault() const { return fault_; }

private:
    struct Payment {
        base::Buffer payload;
        unsigned sends = 0;
        wire::Slot again;
    };
    /// What of a validator's votes was passed on: two a round, so that evidence still spreads.
    struct Relayed {
        wire::Round round;
        unsigned votes = 0;
    };

    LightChain(const ledger::Genesis& genesis, kv::Store& store, base::Random random, base::Log log,
               wire::PeerChoice* choice);
    wire::Verdict handle_vote(base::Now now, base::Bytes payload);
    wire::Verdict handle_evidence(base::Bytes payload);
    wire::Verdict handle_response(base::Now now, const wire::Ingress& from, base::Bytes payload);
    wire::Verdict handle_request(const wire::Ingress& from, base::Bytes payload);
    void store_proven(base::Now now);
    void send(wire::MessageType type, base::Buffer payload, std::optional<crypto::PublicKey> to);
    void send_payments(base::Now now);

    wire::ChainId chain_;
    std::unique_ptr<consensus::ValidatorSet> validators_;
    consensus::Schedule schedule_;
    kv::Store* store_;
    base::Log log_;
    FinalFollower follower_;
    std::optional<ProvenFinal> durable_;
    base::Instant store_again_ = base::never;  ///< the newest proven is not durable yet
    LightProofs proofs_;
    std::map<wire::ValidatorIndex, Relayed> relayed_;
    consensus::ValidatorBits guilty_ = 0;
    std::map<wire::Txid, Payment> payments_;
    std::deque<wire::Outgoing> outgoing_;
    std::deque<Event> events_;
    std::optional<base::Error> fault_;
};

}  // namespace meshchain::chain
