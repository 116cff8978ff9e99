#pragma once
// Noticing that peers have blocks above our tip that are not final yet, and asking one of them for
// their names (row F5). What is final comes by proof: see chain/catch_up.h.
//
// What a peer claims only chooses whom to ask: blocks count when their headers verify and their
// transactions execute. A claim that led to nothing is asked about at growing intervals, and from
// the third time on nobody is told that we are behind by it.
// Time:    every call takes `now`; poll_timeout() says when to call handle_timeout().
// Limits:  one request in flight; a page of wire::hashes_max hashes.
// Errors:  a peer that does not answer is passed over and reported by poll_failure().

#include <deque>
#include <map>
#include <optional>

#include "base/time.h"
#include "chain/sync_peers.h"

namespace meshchain::chain {

struct PeerHeights {
    wire::Height head;
    wire::Height final;
};

class Synchronizer {
public:
    struct Options {
        base::Duration request_timeout = std::chrono::seconds(2);
        /// How long a peer may be ahead before it is asked: gossip is usually quicker.
        base::Duration grace = std::chrono::seconds(2);
    };

    /// Without a choice, who claims most is asked; it outlives this.
    explicit Synchronizer(Options options, wire::PeerChoice* choice = nullptr)
        : options_(options), choice_(choice) {}

    /// Validators are asked before strangers, who can claim anything under any number of keys.
    void handle_peer(base::Instant now, const crypto::PublicKey& peer, PeerHeights heights,
                     bool is_validator = false);
    void forget_peer(const crypto::PublicKey& peer);
    /// Our own heights, after every change.
    void set_local(PeerHeights local);

    /// Whether this answer belongs to the request in flight; then the caller wants the hashes it
    /// does not have.
    bool handle_hashes(base::Instant now, const crypto::PublicKey& from,
                       const wire::HashesResponse& response);
    void handle_timeout(base::Instant now);
    /// `downloads` is the number of blocks still on their way: the next page waits for them.
    std::optional<SyncQuery> poll_request(base::Instant now, std::size_t downloads);
    base::Instant poll_timeout(std::size_t downloads) const;
    std::optional<crypto::PublicKey> poll_failure();

    /// Whether somebody believable claims a head above ours.
    bool is_behind() const { return is_behind_; }
    /// Whether an answer or the blocks of a page are awaited.
    bool is_fetching() const { return asked_.has_value() || attempt_.has_value(); }
    /// What a peer last claimed.
    std::optional<PeerHeights> heights_of(const crypto::PublicKey& peer) const;
    bool has_peers() const { return !peers_.empty(); }

private:
    static constexpr unsigned failures_believed = 3;
    static constexpr unsigned doublings_max = 4;  ///< of the pause after each failure

    struct Claim {
        PeerHeights heights{};
        bool is_validator = false;
        unsigned failures = 0;  ///< requests in a row that brought us no further
        base::Instant again{};  ///< not asked before
        bool is_believed() const { return failures < failures_believed; }
    };
    /// What was asked last, and where we stood: did it bring us further?
    struct Attempt {
        crypto::PublicKey peer;
        PeerHeights before;
    };

    std::optional<crypto::PublicKey> best_peer(base::Instant now) const;
    base::Instant ready_at(const crypto::PublicKey& peer, const Claim& claim) const;
    base::Duration patience(const crypto::PublicKey& peer) const {
        return choice_ == nullptr ? options_.request_timeout
                                  : choice_->patience(peer, options_.request_timeout);
    }
    base::Instant next_request(std::size_t downloads) const;
    bool is_ahead(const PeerHeights& heights) const { return heights.head > local_.head; }
    void judge_attempt(base::Instant now);
    void doubt(base::Instant now, const crypto::PublicKey& peer);
    void update_state();

    Options options_;
    wire::PeerChoice* choice_;
    PeerHeights local_{};
    std::map<crypto::PublicKey, Claim> peers_;
    bool is_behind_ = false;
    base::Instant behind_since_ = base::never;
    std::optional<wire::Height> cursor_;  ///< next height to ask for; empty: from FINAL on
    std::optional<crypto::PublicKey> asked_;
    wire::Height asked_from_{};
    std::optional<Attempt> attempt_;
    base::Instant deadline_ = base::never;
    std::deque<crypto::PublicKey> failures_;
};

}  // namespace meshchain::chain
