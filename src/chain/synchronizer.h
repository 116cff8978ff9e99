#pragma once
// Noticing that peers are ahead, and asking one of them which blocks come next (row F5, basic).
//
// What a peer claims only chooses whom to ask: blocks count when their headers verify and their
// transactions execute, finality when a certificate proves it. A claim that led to nothing is asked
// about at growing intervals, and from the third time on nobody is told that we are behind by it.
// Time:    every call takes `now`; poll_timeout() says when to call handle_timeout().
// Limits:  one request in flight; a page of wire::hashes_max hashes.
// Errors:  a peer that does not answer is passed over and reported by poll_failure().

#include <deque>
#include <map>
#include <optional>

#include "base/time.h"
#include "wire/sync.h"

namespace meshchain::chain {

enum class SyncState : std::uint8_t { idle = 0, syncing = 1, synced = 2, behind = 3, error = 4 };
std::string_view name(SyncState state);  ///< "IDLE", "SYNCING", … (row F5)

struct PeerHeights {
    wire::Height head;
    wire::Height final;
};

struct SyncQuery {
    crypto::PublicKey to;
    wire::SyncRequest request;
};

class Synchronizer {
public:
    struct Options {
        base::Duration request_timeout = std::chrono::seconds(2);
        /// How long a peer may be ahead before it is asked: gossip is usually quicker.
        base::Duration grace = std::chrono::seconds(2);
    };

    explicit Synchronizer(Options options) : options_(options) {}

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

    SyncState state() const { return state_; }
    /// What a peer last claimed.
    std::optional<PeerHeights> heights_of(const crypto::PublicKey& peer) const;
    /// The greatest height any peer claims that did not lead us astray, or our own.
    wire::Height target() const;
    std::uint32_t percent() const;

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
    base::Instant ready_at(const Claim& claim) const;
    base::Instant next_request(std::size_t downloads) const;
    bool is_ahead(const PeerHeights& heights) const;
    void judge_attempt(base::Instant now);
    void doubt(base::Instant now, const crypto::PublicKey& peer);
    void update_state();

    Options options_;
    PeerHeights local_{};
    std::map<crypto::PublicKey, Claim> peers_;
    SyncState state_ = SyncState::idle;
    base::Instant behind_since_ = base::never;
    wire::Height start_{};                ///< our height when this catch-up began
    std::optional<wire::Height> cursor_;  ///< next height to ask for; empty: from FINAL on
    std::optional<crypto::PublicKey> asked_;
    wire::Height asked_from_{};
    std::optional<Attempt> attempt_;
    base::Instant deadline_ = base::never;
    base::Instant next_request_{};
    std::deque<crypto::PublicKey> failures_;
};

}  // namespace meshchain::chain
