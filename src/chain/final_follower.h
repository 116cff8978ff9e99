#pragma once
// Following certificates alone (rows A10, J4): asks peers for their newest FINAL and believes it
// once votes of more than 2/3 of the stake prove it.
//
// What a peer claims only chooses whom to ask: those who failed least lately to prove a claim, and
// among them validators, if there are any.
//
// Time:      every call takes `now`; poll_timeout() says when to ask for poll_request() again.
// Limits:    one request in flight; the votes of one certificate are gathered at a time.
// Errors:    a peer that answers wrongly is reported by poll_fault().

#include <deque>
#include <map>
#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "chain/sync_peers.h"
#include "chain/transaction_proof.h"
#include "ledger/genesis.h"
#include "wire/sync.h"

namespace meshchain::chain {

using wire::ProvenFinal;
/// Parses what was stored, and proves it again. Errors: malformed, wrong_version, bad_signature.
std::expected<ProvenFinal, base::Error> restore_proven_final(
    base::Bytes bytes, const wire::ChainId& chain, const consensus::ValidatorSet& validators);

class FinalFollower {
public:
    struct Query {
        crypto::PublicKey to;
        wire::StateRequest request;
    };

    /// Among peers that are as good as each other `choice` draws (row F2); without one, `random`.
    FinalFollower(const wire::ChainId& chain, const consensus::ValidatorSet& validators,
                  base::Duration block_time, base::Random random,
                  wire::PeerChoice* choice = nullptr)
        : chain_(chain),
          validators_(&validators),
          block_time_(block_time),
          random_(random),
          choice_(choice) {}

    /// What was proven before and is durable.
    void restore(ProvenFinal final) { newest_ = std::move(final); }
    const std::optional<ProvenFinal>& newest() const { return newest_; }
    wire::Height height() const { return newest_ ? newest_->height() : wire::Height{}; }

    void handle_peer(base::Instant now, const crypto::PublicKey& peer, wire::Height claimed_final);
    void forget_peer(const crypto::PublicKey& peer);
    /// Validators vote: something may become final soon.
    void note_activity(base::Instant now);
    /// True when a higher FINAL is proven now.
    bool handle_response(const crypto::PublicKey& from, const wire::NewestFinalResponse& response);
    std::optional<Query> poll_request(base::Instant now);
    base::Instant poll_timeout() const;
    std::optional<crypto::PublicKey> poll_fault();
    /// The greatest height claimed by a peer that has not failed to prove it `failures_believed`
    /// times in a row, or what is proven: says that we may be behind, never by how much.
    wire::Height claimed() const;

private:
    static constexpr base::Duration request_timeout = std::chrono::seconds(2);
    static constexpr unsigned doublings_max = 5;
    static constexpr unsigned failures_believed = 3;

    struct Peer {
        wire::Height claimed;
        unsigned failures = 0;
        base::Instant again{};
    };
    struct Gathering {
        wire::BlockHeader header;
        wire::Checkpoint checkpoint;
        std::map<wire::ValidatorIndex, wire::Vote> votes;
    };

    void doubt(base::Instant now, const crypto::PublicKey& peer);
    void blame(const crypto::PublicKey& peer);
    bool gather(const wire::NewestFinalResponse& response);
    bool conclude();

    wire::ChainId chain_;
    const consensus::ValidatorSet* validators_;
    base::Duration block_time_;
    base::Random random_;
    wire::PeerChoice* choice_;
    std::optional<ProvenFinal> newest_;
    std::map<crypto::PublicKey, Peer> peers_;
    std::optional<crypto::PublicKey> asked_;
    base::Instant deadline_ = base::never;
    base::Instant look_ = base::never;  ///< because of activity
    std::optional<Gathering> gathering_;
    std::deque<crypto::PublicKey> faults_;
};

}  // namespace meshchain::chain
