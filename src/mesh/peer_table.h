#pragma once
// Peers by their 32-byte key, and the sessions some of them have (row F1; PROTOCOL.md P1.5).
//
// Who gets a slot when none is free: validators and static peers have `peers_reserved` of their own
// and may take the least useful ordinary one. An ordinary newcomer may take the place of one of
// several from a more crowded network or host, and one who was useful before our restart that of a
// peer who has shown nothing. The more useful half of the ordinary slots is safe from other
// ordinary peers once their sessions have lasted a minute. Of the other half the one that has
// brought least leaves for a newcomer who was drawn by lot, after a minute at the earliest. So
// neither a flood of identities nor one of networks locks out the honest, and no two newcomers can
// take turns pushing each other out.
//
// Limits: `peers_max` sessions, of which ordinary peers fill all but `peers_reserved`; four times
//         as many peers in all, the longest silent without a session leaving first.

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/token_bucket.h"
#include "mesh/endpoint.h"
#include "mesh/fair_budget.h"
#include "mesh/options.h"
#include "mesh/peer.h"
#include "mesh/sequence_window.h"
#include "wire/service.h"

namespace meshchain::mesh {

/// A request we made, until it is answered.
struct Question {
    wire::MessageType answer{};
    base::Instant asked{};
};

struct Session {
    Endpoint endpoint;
    bool mutual = false;      ///< the peer has shown that it holds one for us
    bool announced = false;   ///< PeerDiscovered was emitted
    std::uint32_t epoch = 0;  ///< timestamp of its HELLO: rises when the peer restarts
    std::vector<base::TokenBucket>
        buckets{};           ///< one for each rule, in the table's order: what verified
    FairBudget work;         ///< what did not, by the origins that its frames claim
    std::uint64_t flow = 0;  ///< the session itself, among all
    base::Instant opened{};
    std::optional<Question> question{};  ///< the one being timed
    base::Instant hello_sent{};
    base::Instant heartbeat_at{};                    ///< next one by unicast, if needed
    std::optional<base::Instant> multicast_heard{};  ///< if we hear its group, it hears ours
};

struct PeerEntry {
    Peer peer;
    /// These outlive the session, so that nothing of it can be replayed into the next one.
    SequenceWindow sequences;
    std::uint64_t cookie_made_ms = 0;  ///< the newest one in a HELLO we accepted
    base::Instant refused_until;
    bool known = false;  ///< it was useful before our restart
    std::optional<Session> session;
};

class PeerTable {
public:
    static constexpr std::size_t entries_max(const Options& options) {
        return 4 * options.peers_max;
    }

    explicit PeerTable(const Options& options);

    PeerEntry* find(const crypto::PublicKey& key);
    const PeerEntry* find(const crypto::PublicKey& key) const;
    PeerEntry* find_session(const Endpoint& endpoint);

    /// The entry of `key`, made if need be. Flags every entry that shares `id` with another key.
    /// Borrowed until the next add() or remove_forgotten().
    PeerEntry& add(base::Instant now, const crypto::PublicKey& key, const crypto::NodeId& id);

    /// What stands in the way of a session for this peer.
    struct Admission {
        bool admitted = false;
        PeerEntry* evict = nullptr;  ///< whose session has to end first
    };
    struct Applicant {
        base::LinkAddress address;
        bool is_privileged = false;  ///< static or a validator
        bool is_known = false;       ///< useful before our restart
        bool is_drawn = false;       ///< by lot (SlotLottery)
    };
    Admission admit(base::Instant now, const Applicant& applicant);

    void open_session(PeerEntry& entry, Session session);
    void close_session(PeerEntry& entry);

    /// Forgets peers without a session that were last heard before `before`.
    void remove_forgotten(base::Instant before);

    template <class Visitor>
    void for_each(Visitor visit) {
        for (auto& [key, entry] : entries_) visit(entry);
    }
    template <class Visitor>
    void for_each(Visitor visit) const {
        for (const auto& [key, entry] : entries_) visit(entry);
    }

    void set_validators(std::span<const ValidatorIdentity> validators);
    /// Nothing for a key that is no validator's.
    std::optional<wire::Amount> stake_of(const crypto::PublicKey& key) const;
    std::size_t size() const { return entries_.size(); }
    std::size_t sessions() const { return by_endpoint_.size(); }
    void check_invariants() const;

private:
    void make_room();
    void note_stake(Peer& peer) const;
    void flag_shared_id(const crypto::NodeId& id);
    /// Ordinary peers with a session, the least useful first.
    std::vector<PeerEntry*> ordinary_by_use();
    static PeerEntry* least_useful(base::Instant now, std::span<PeerEntry* const> candidates);
    PeerEntry* in_crowd(std::span<PeerEntry* const> candidates,
                        std::span<PeerEntry* const> ordinary,
                        const base::LinkAddress& address) const;

    std::size_t entries_max_;
    std::size_t sessions_max_;
    std::size_t sessions_reserved_;
    std::vector<ValidatorIdentity> validators_;
    std::map<crypto::PublicKey, PeerEntry> entries_;
    std::map<Endpoint, PeerEntry*> by_endpoint_;  ///< map nodes stay where they are
};

}  // namespace meshchain::mesh
