#pragma once
// Peers by their 32-byte key, and the sessions some of them have (row F1; PROTOCOL.md P1.5).
//
// Limits: `peers_max` sessions, of which ordinary peers fill all but `peers_reserved`; four times
// as
//         many peers in all, the longest silent without a session leaving first.

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "mesh/endpoint.h"
#include "mesh/fair_budget.h"
#include "mesh/options.h"
#include "mesh/peer.h"
#include "mesh/sequence_window.h"
#include "mesh/token_bucket.h"
#include "wire/service.h"

namespace meshchain::mesh {

struct Session {
    Endpoint endpoint;
    bool mutual = false;                 ///< the peer has shown that it holds one for us
    bool announced = false;              ///< PeerDiscovered was emitted
    std::uint32_t epoch = 0;             ///< timestamp of its HELLO: rises when the peer restarts
    std::vector<TokenBucket> buckets{};  ///< one for each rule, in the table's order: what verified
    FairBudget work;                     ///< what did not, by the origins that its frames claim
    std::uint64_t flow = 0;              ///< the session itself, among all
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
    std::optional<Session> session;
};

class PeerTable {
public:
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
    Admission admit(bool is_static, bool is_validator);

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

    bool is_validator(const crypto::PublicKey& key) const;
    std::size_t size() const { return entries_.size(); }
    std::size_t sessions() const { return by_endpoint_.size(); }
    void check_invariants() const;

private:
    void make_room();
    void flag_shared_id(const crypto::NodeId& id);

    std::size_t sessions_max_;
    std::size_t sessions_reserved_;
    std::vector<crypto::PublicKey> validators_;
    std::map<crypto::PublicKey, PeerEntry> entries_;
    std::map<Endpoint, crypto::PublicKey> by_endpoint_;
};

}  // namespace meshchain::mesh
