#pragma once
// Whom a node that catches up asks (rows F2, F6): what peers claim only chooses among them, and
// what they deliver decides how much they are asked for. Those who were silent lately, and
// strangers where there are validators, who can claim anything under any number of keys, come
// later; among equals the mesh draws by score, height and latency.
//
// Ownership: the choice outlives this.
// Limits:    `in_flight_max` requests of one peer at once. A silent peer rests for twice as long
//            after each silence; a liar rests `liar_rest`, which is as good as never for this
//            catch-up.

#include <map>
#include <optional>

#include "base/time.h"
#include "wire/peer_choice.h"
#include "wire/sync.h"

namespace meshchain::chain {

struct SyncQuery {
    crypto::PublicKey to;
    wire::SyncRequest request;
};

/// Parts those of the peers who are as good as none before them from all others.
class BestTier {
public:
    struct Standing {
        unsigned failures = 0;  ///< lately, in a row
        bool is_validator = false;
    };

    /// `may_be_asked`: otherwise it is among the others, whatever its standing.
    void add(const crypto::PublicKey& peer, bool may_be_asked, Standing standing);
    const std::vector<crypto::PublicKey>& peers() const { return peers_; }
    /// One of them, drawn by the mesh with all others excluded (row F2). Nothing without a choice,
    /// or when it draws somebody it alone has heard of.
    std::optional<crypto::PublicKey> draw(wire::PeerChoice* choice) const;

private:
    std::vector<crypto::PublicKey> peers_;
    std::vector<crypto::PublicKey> others_;
    Standing standing_;
};

class SyncPeers {
public:
    static constexpr unsigned in_flight_max = 4;
    static constexpr unsigned in_flight_first = 2;
    static constexpr base::Duration rest_first = std::chrono::seconds(1);
    static constexpr unsigned rest_doublings_max = 6;
    static constexpr base::Duration liar_rest = std::chrono::minutes(10);
    /// Of these, in a row, before nobody counts on what a peer claims.
    static constexpr unsigned silences_believed = 3;
    /// Request time-outs that an answer may take in all, however steadily it drips.
    static constexpr int patience = 5;

    /// Without a choice, who has the most room is asked.
    explicit SyncPeers(wire::PeerChoice* choice = nullptr) : choice_(choice) {}

    void note_claim(const crypto::PublicKey& peer, wire::Height final, bool is_validator);
    /// It has shown a FINAL of this height.
    void note_proven(const crypto::PublicKey& peer, wire::Height final);
    void forget(const crypto::PublicKey& peer) { peers_.erase(peer); }

    /// One that claims at least this FINAL, may be asked now and has room.
    std::optional<crypto::PublicKey> choose(base::Instant now, wire::Height final) const;
    /// When `choose` may answer otherwise: the end of the next rest of such a peer.
    base::Instant next_choice(base::Instant now, wire::Height final) const;
    /// Whether anybody who has not lied or kept silent lately claims at least this FINAL.
    bool is_claimed(base::Instant now, wire::Height final) const;
    /// Whether anybody on whom one may still count claims at least this FINAL, resting or not.
    bool is_held(wire::Height final) const;

    void note_asked(const crypto::PublicKey& peer);
    /// The request is over, however it ended.
    void note_over(const crypto::PublicKey& peer);
    void note_delivered(const crypto::PublicKey& peer);
    /// It was slow, or the link lost something.
    void note_slow(const crypto::PublicKey& peer);
    void note_silent(base::Instant now, const crypto::PublicKey& peer);
    void note_lie(base::Instant now, const crypto::PublicKey& peer);

private:
    struct Peer {
        wire::Height final;
        bool is_validator = false;
        unsigned in_flight = 0;
        unsigned allowance = in_flight_first;
        unsigned silences = 0;  ///< in a row
        base::Instant rests_until{};
    };

    wire::PeerChoice* choice_;
    std::map<crypto::PublicKey, Peer> peers_;
};

}  // namespace meshchain::chain
