#pragma once
// Noticing that peers are ahead, and asking one of them which blocks come next (row F5, basic).
//
// What a peer claims only chooses whom to ask: blocks count when their headers verify and their
// transactions execute, finality when a certificate proves it.
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

    void handle_peer(base::Instant now, const crypto::PublicKey& peer, PeerHeights heights);
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
    /// The greatest height any peer claims, or our own.
    wire::Height target() const;
    std::uint32_t percent() const;

private:
    std::optional<crypto::PublicKey> best_peer() const;
    base::Instant next_request(std::size_t downloads) const;
    bool is_ahead(const PeerHeights& heights) const;
    void update_state();

    Options options_;
    PeerHeights local_{};
    std::map<crypto::PublicKey, PeerHeights> peers_;
    SyncState state_ = SyncState::idle;
    base::Instant behind_since_ = base::never;
    wire::Height start_{};                ///< our height when this catch-up began
    std::optional<wire::Height> cursor_;  ///< next height to ask for; empty: from FINAL on
    std::optional<crypto::PublicKey> asked_;
    base::Instant deadline_ = base::never;
    base::Instant next_request_{};
    std::deque<crypto::PublicKey> failures_;
};

}  // namespace meshchain::chain
