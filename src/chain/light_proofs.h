#pragma once
// Collecting proofs that final blocks hold transactions, for a node without blocks (row A10).
//
// A peer names the place of a transaction; headers are fetched downwards from the newest proven
// FINAL, each page checked against the hash that is known already, so a liar is found at once.
//
// Time:      every call takes `now`; poll_timeout() says when to ask for poll_request() again.
// Limits:    `jobs_max` proofs, of TransactionProof::headers_max headers each; one request in
//            flight for each.
// Errors:    a wrong or missing answer is reported by poll_fault(), and another peer asked.

#include <deque>
#include <map>
#include <set>

#include "chain/final_follower.h"

namespace meshchain::chain {

class LightProofs {
public:
    static constexpr std::size_t jobs_max = 4;

    enum class State : std::uint8_t { working, proven, unknown };
    struct Progress {
        State state = State::working;
        std::size_t headers = 0;                  ///< fetched
        std::size_t headers_total = 0;            ///< 0: not known yet
        const TransactionProof* proof = nullptr;  ///< once proven; until the next call
    };

    LightProofs(const wire::ChainId& chain, const consensus::ValidatorSet& validators,
                base::Random random)
        : chain_(chain), validators_(&validators), random_(random) {}

    void add_peer(const crypto::PublicKey& peer) { peers_.insert(peer); }
    void forget_peer(const crypto::PublicKey& peer);

    /// Starts on it, or says how far it is. What nobody knew is asked again after a while.
    /// Errors: full (jobs_max are being worked on).
    std::expected<Progress, base::Error> prove(base::Instant now, const wire::Txid& txid);

    const TransactionProof* find(const wire::Txid& txid) const;

    void handle_inclusion(const crypto::PublicKey& from, const wire::InclusionResponse& response);
    void handle_headers(const crypto::PublicKey& from, const wire::HeaderPageResponse& response);
    void handle_unavailable(const crypto::PublicKey& from, const wire::Hash& subject);
    std::optional<FinalFollower::Query> poll_request(base::Instant now,
                                                     const std::optional<ProvenFinal>& final);
    base::Instant poll_timeout() const;
    std::optional<crypto::PublicKey> poll_fault();

private:
    static constexpr base::Duration request_timeout = std::chrono::seconds(2);
    static constexpr base::Duration ask_again = std::chrono::seconds(5);
    static constexpr unsigned tries_max = 6;

    struct Job {
        State state = State::working;
        base::Instant started{};
        unsigned tries = 0;  ///< that brought nothing, in a row
        std::optional<crypto::PublicKey> asked;
        base::Instant deadline{};
        std::optional<wire::InclusionResponse> inclusion;
        crypto::PublicKey giver;                 ///< of the inclusion
        std::optional<wire::Certificate> final;  ///< that the headers lead up to
        std::deque<wire::BlockHeader> headers;   ///< ascending; grows downwards
        std::optional<TransactionProof> proof;
    };

    std::optional<FinalFollower::Query> request_of(const wire::Txid& txid, Job& job,
                                                   const std::optional<ProvenFinal>& final);
    void fail_once(Job& job);
    void blame(Job& job, const crypto::PublicKey& peer);
    bool take_headers(Job& job, const wire::HeaderPageResponse& response);
    void conclude(Job& job);

    wire::ChainId chain_;
    const consensus::ValidatorSet* validators_;
    base::Random random_;
    std::set<crypto::PublicKey> peers_;
    std::map<wire::Txid, Job> jobs_;
    std::deque<crypto::PublicKey> faults_;
};

}  // namespace meshchain::chain
