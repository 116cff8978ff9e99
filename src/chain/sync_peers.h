#pragma once
// Whom a node that catches up asks (row F6): what peers claim only chooses among them, and what
// they deliver decides how much they are asked for.
//
// Limits: `in_flight_max` requests of one peer at once. A silent peer rests for twice as long after
//         each silence; a liar rests `liar_rest`, which is as good as never for this catch-up.

#include <map>
#include <optional>

#include "base/time.h"
#include "wire/sync.h"

namespace meshchain::chain {

struct SyncQuery {
    crypto::PublicKey to;
    wire::SyncRequest request;
};

class SyncPeers {
public:
    static constexpr unsigned in_flight_max = 4;
    static constexpr unsigned in_flight_first = 2;
    static constexpr base::Duration rest_first = std::chrono::seconds(1);
    static constexpr unsigned rest_doublings_max = 6;
    static constexpr base::Duration liar_rest = std::chrono::minutes(10);

    void note_claim(const crypto::PublicKey& peer, wire::Height final, bool is_validator);
    /// It has shown a FINAL of this height.
    void note_proven(const crypto::PublicKey& peer, wire::Height final);
    void forget(const crypto::PublicKey& peer) { peers_.erase(peer); }

    /// One that claims at least this FINAL, may be asked now and has the most room; validators
    /// first, since strangers can claim anything under any number of keys.
    std::optional<crypto::PublicKey> choose(base::Instant now, wire::Height final) const;
    /// When `choose` may answer otherwise: the end of the next rest of such a peer.
    base::Instant next_choice(base::Instant now, wire::Height final) const;
    /// Whether anybody who has not lied or kept silent lately claims at least this FINAL.
    bool is_claimed(base::Instant now, wire::Height final) const;

    void note_asked(const crypto::PublicKey& peer);
    /// The request is over, however it ended.
    void note_over(const crypto::PublicKey& peer);
    void note_delivered(const crypto::PublicKey& peer);
    /// It was slow, or the link lost something.
    void note_slow(const crypto::PublicKey& peer);
    void note_silent(base::Instant now, const crypto::PublicKey& peer);
    void note_lie(base::Instant now, const crypto::PublicKey& peer);

    std::size_t size() const { return peers_.size(); }
    std::optional<wire::Height> claim_of(const crypto::PublicKey& peer) const;

private:
    struct Peer {
        wire::Height final;
        bool is_validator = false;
        unsigned in_flight = 0;
        unsigned allowance = in_flight_first;
        unsigned silences = 0;  ///< in a row
        base::Instant rests_until{};
    };

    std::map<crypto::PublicKey, Peer> peers_;
};

}  // namespace meshchain::chain
