#pragma once
// Fetching the state that a proven block commits to, from several peers, into the staging (row F5).
//
// One peer gives a range, so ranges come from several at once. Only the whole can be checked:
// against the digest in the proven header. If it does not fit, one peer is made to vouch for
// everything: ranges whose hash it confirms stay, the others come from it anew. Then either the
// whole fits, and whoever gave what had to be replaced has lied; or it does not, and the one who
// vouched has. So each failed round excludes a liar for certain (docs/decisions/
// 0024-snapshot-start.md).
//
// Time:      every call takes `now`; poll_timeout() says when to ask for poll_request() again.
// Ownership: the staging outlives it.
// Limits:    `in_flight_per_peer` requests to one peer.
// Errors:    those of the staging end it: fault() says so. Peers' are reported by poll_fault().

#include <deque>
#include <map>
#include <set>

#include "base/random.h"
#include "base/time.h"
#include "chain/state_staging.h"

namespace meshchain::chain {

class StateDownload {
public:
    static constexpr std::size_t in_flight_per_peer = 4;

    /// The staging has a target.
    StateDownload(StateStaging& staging, base::Random random)
        : staging_(&staging), random_(random) {}

    void add_peer(const crypto::PublicKey& peer) { peers_.try_emplace(peer); }
    void forget_peer(base::Instant now, const crypto::PublicKey& peer);

    void handle_page(base::Instant now, const crypto::PublicKey& from, const wire::StatePage& page);
    void handle_range_hash(base::Instant now, const crypto::PublicKey& from,
                           const wire::RangeHashResponse& response);
    void handle_unavailable(base::Instant now, const crypto::PublicKey& from,
                            const wire::Hash& block);
    std::optional<FinalFollower::Query> poll_request(base::Instant now);
    base::Instant poll_timeout() const;
    /// A peer that did not answer, or is proven to have lied.
    std::optional<crypto::PublicKey> poll_fault();

    bool is_done() const { return staging_->is_proven(); }
    /// Nobody is left who gives this state: begin with another block.
    bool is_hopeless() const;
    const std::optional<base::Error>& fault() const { return fault_; }
    std::size_t liars() const { return liars_.size(); }

private:
    static constexpr base::Duration request_timeout = std::chrono::seconds(3);
    static constexpr base::Duration unavailable_pause = std::chrono::seconds(6);
    static constexpr unsigned failures_max = 8;  ///< in a row, before a peer is given up

    struct Peer {
        std::size_t in_flight = 0;
        unsigned failures = 0;
        base::Instant again{};
    };
    struct Request {
        crypto::PublicKey to;
        base::Instant deadline{};
        bool for_hash = false;
    };

    bool may_ask(base::Instant now, const crypto::PublicKey& peer) const;
    std::optional<crypto::PublicKey> choose_giver(base::Instant now, std::uint8_t range);
    std::optional<FinalFollower::Query> next_request(base::Instant now);
    bool is_wanted(std::uint8_t range) const;
    void take_off(std::uint8_t range);
    void note_failure(base::Instant now, const crypto::PublicKey& peer);
    void expire(base::Instant now);
    /// Everything is here: does it fit, and if not, who is next to vouch?
    void judge();
    void judge_success();
    void condemn(const crypto::PublicKey& peer);
    bool choose_voucher();
    void drop(std::uint8_t range);
    template <class T>
    std::optional<T> check(std::expected<T, base::Error> result);

    StateStaging* staging_;
    base::Random random_;
    std::map<crypto::PublicKey, Peer> peers_;
    std::map<std::uint8_t, Request> requests_;  ///< by range
    std::optional<crypto::PublicKey> voucher_;
    std::set<std::uint8_t> vouched_;
    std::map<std::uint8_t, crypto::PublicKey> replaced_;  ///< who gave it before
    std::set<crypto::PublicKey> liars_;
    std::set<crypto::PublicKey> given_up_;
    std::deque<crypto::PublicKey> faults_;
    std::optional<base::Error> fault_;
};

}  // namespace meshchain::chain
