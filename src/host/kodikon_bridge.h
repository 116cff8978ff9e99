#pragma once
// A bridge to existing Kodikon nodes (row F10), for trusted LANs: they appear as peers, their
// alerts, entries and states become records of this node, and what others of the mesh say reaches
// them. Pure logic: kodikon_link.h has the socket.
//
// Trust:     Kodikon signs nothing, so anybody on the LAN can speak as any node. All that is taken
//            is limited by the address it came from, and never fills more than half of what this
//            node may say itself. Nothing of theirs replaces a record of ours.
// Storms:    they repeat every message with a new number at every hop. Copies are known by type,
//            source, timestamp and payload; nothing of theirs is ever sent to one of them.
// Bridges:   every bridge marks what it brings in either direction, and takes nothing that is
//            marked: nothing goes round. If several stand on one LAN, all but the one with the
//            lowest name hold an alert for a second or more, and drop it when its record has come
//            through the mesh; so it is one record, or several if the mesh was too slow. Nodes of
//            Kodikon get an alert of the mesh from each bridge, with the same `meshchain_record`.
//            What came from Kodikon by another bridge is not sent to Kodikon nodes at all.
// Privacy:   records of a segment do not leave it: a LAN is not its members.
// Time:      every call takes `now`; its instant never goes backwards.
// Ownership: borrows the service, which outlives the bridge and has it as an observer.
// Limits:    Limits below and those of KodikonPeers; memory is bounded by them.
// Threads:   the node's.
// Errors:    none; what is not taken is counted by its reason.
// Format:    docs/formats/kodikon.md

#include <array>
#include <map>
#include <memory>

#include "base/lru_cache.h"
#include "host/json.h"
#include "host/kodikon_outbox.h"
#include "host/kodikon_peers.h"
#include "records/record_service.h"

namespace meshchain::host {

struct KodikonEntry;

/// Why something, or a part of it, was not taken.
enum class KodikonDrop : std::uint8_t {
    too_often,         ///< more datagrams than an address may send
    malformed,         ///< no message: garbage, NaN, Infinity, too deep
    unknown_type,      ///< a type that Kodikon does not have
    bad_source,        ///< a name that cannot be shown, or has no room in a record
    own,               ///< ours, or what came from us, back again
    other_bridge,      ///< from another bridge, which has it on the mesh too
    not_carried,       ///< a type that has no record: questions, votes, transfers
    name_taken,        ///< a present node's name, from another address
    many_of_a_host,    ///< more names than an address may have
    peers_full,        ///< no room among the peers
    not_a_peer,        ///< a state of a node that is not among them
    duplicate,         ///< a copy of an alert
    empty_alert,       ///< nothing to show
    alert_limit,       ///< more alerts than its address may raise, or all together
    alert_payload,     ///< of an alert that was taken: its JSON, for want of room
    states_full,       ///< no room among the states
    state_too_large,   ///< no room in a record
    state_limit,       ///< changes too often
    entry_unreadable,  ///< no object, or a hash that is no key
    entry_of_ours,     ///< this node registered that hash itself
    entry_of_another,  ///< another present address registered that hash
    entry_limit,       ///< more entries than its address may bring, or all together
    entries_full,      ///< as many as an address, or Kodikon, may keep here
    embedding,         ///< of an entry that was taken: not 512 finite numbers with a direction
    metadata,          ///< of an entry that was taken: for want of room
    refused,           ///< the service had no room for a record
    outgoing_full,     ///< of ours: too much waits
    stale,             ///< of ours: an alert of long ago
    segment,           ///< of ours: for members of a segment alone
    not_shown,         ///< of ours: a hash that is no text
};
inline constexpr std::size_t kodikon_drops_count = 30;
std::string_view name(KodikonDrop drop);

struct KodikonStats {
    std::uint64_t received = 0;  ///< datagrams
    std::uint64_t sent = 0;
    std::uint64_t alerts_in = 0;
    std::uint64_t entries_in = 0;
    std::uint64_t entries_unchanged = 0;
    std::uint64_t states_in = 0;
    std::uint64_t alerts_out = 0;
    std::uint64_t entries_out = 0;
    std::array<std::uint64_t, kodikon_drops_count> dropped{};
};

struct KodikonView {
    std::string node_id;
    std::vector<KodikonPeer> peers;  ///< by name
    std::size_t bridges = 0;         ///< others on this LAN
    KodikonStats stats;
};
Json to_json(const KodikonView& view);
/// The nodes as GET /v1/peers shows them beside those with a session.
Json kodikon_peers_json(const KodikonView& view, base::Instant now);

struct KodikonBridgeOptions {
    std::string node_id;                ///< kodikon_bridge_id()
    std::string address = "127.0.0.1";  ///< at which they reach us
    std::uint16_t port = 9999;
    std::size_t peers_max = 20;
};
/// "meshchain-" and the beginning of the node's id.
std::string kodikon_bridge_id(const crypto::PublicKey& self);

class KodikonBridge final : public records::RecordObserver {
public:
    struct Limits {
        static constexpr base::Duration peer_timeout = std::chrono::seconds(30);
        static constexpr base::Duration duplicate_window = std::chrono::minutes(10);
        static constexpr std::size_t remembered_max = 4'096;
        /// With the rate and burst of all alerts: 148 of the 256 that a node may have.
        static constexpr std::chrono::seconds alert_lifetime = std::chrono::minutes(15);
        static constexpr base::Rate alerts{8, 28};
        static constexpr std::chrono::seconds entry_lifetime = std::chrono::hours(24);
        static constexpr base::Duration entry_change_min = std::chrono::minutes(1);
        static constexpr base::Rate entries{1'200, 600};
        static constexpr std::size_t entries_max = 16'384;
        static constexpr std::size_t entries_of_host_max = 2'048;
        static constexpr std::chrono::seconds state_lifetime = std::chrono::minutes(10);
        static constexpr base::Duration state_change_min = std::chrono::seconds(20);
        /// A node may have 16 states, and needs some for itself.
        static constexpr std::size_t states_max = 8;
        static constexpr std::size_t held_max = 64;
        static constexpr std::size_t bridges_max = 8;
        /// How long an alert is held for each bridge with a lower name, and for how many at most.
        static constexpr base::Duration hold = std::chrono::seconds(1);
        static constexpr std::size_t hold_ranks_max = 3;
        static constexpr base::Duration fresh_for = std::chrono::minutes(10);
        /// A node that has come is told the newest entries, all who came within a minute at once.
        static constexpr std::size_t retold_max = 200;
        static constexpr base::Duration retell_wait = std::chrono::seconds(1);
        static constexpr base::Duration retell_every = std::chrono::minutes(1);
    };
    using Departure = KodikonOutbox::Departure;

    KodikonBridge(base::Now now, KodikonBridgeOptions options, records::RecordService& records);

    void handle_datagram(base::Now now, const base::LinkAddress& from, base::Bytes datagram);
    void handle_timeout(base::Now now);
    std::optional<Departure> poll_datagram(base::Now now) { return outbox_.poll(now); }
    base::Instant poll_timeout(base::Now now) const;

    // records::RecordObserver
    void handle_record(base::Now now, const wire::RecordId& id,
                       const wire::Record& record) override;

    KodikonView view() const;

private:
    struct Alert {
        base::Instant due;
        std::uint64_t content;
        records::Alert alert;
    };
    struct Known {
        KodikonHost host;
        crypto::Hash body;
        base::Instant registered;
    };
    struct State {
        crypto::Hash text;
        base::Instant published;
    };

    void drop(KodikonDrop reason, std::size_t count = 1);
    void hear(base::Now now, const base::LinkAddress& from, const KodikonMessage& message);
    void take_alert(base::Now now, const KodikonHost& from, const KodikonMessage& message);
    bool has_alert_budget(base::Now now, const KodikonHost& from, bool is_urgent);
    void publish(base::Now now, const Alert& alert);
    bool is_known(base::Now now, std::uint64_t content);
    std::size_t rank(base::Now now) const;
    void take_entries(base::Now now, const KodikonHost& from, const KodikonMessage& message);
    void take_entry(base::Now now, const KodikonHost& from, const KodikonEntry& entry);
    /// Whether it is new or has changed, and may be taken.
    bool may_register(base::Now now, const KodikonHost& from, const KodikonEntry& entry,
                      const crypto::Hash& body);
    /// The same of a hash that is not among the known ones.
    bool may_begin(base::Now now, const KodikonHost& from, const KodikonEntry& entry,
                   const crypto::Hash& body);
    void know(const std::string& hash, const Known& known);
    void forget(const std::string& hash);
    void clean(base::Instant now);
    void take_state(base::Now now, const KodikonHost& from, const KodikonMessage& message);
    void tell_alert(base::Now now, const wire::RecordId& id, const wire::Record& record);
    void tell_entry(base::Now now, const wire::RecordId& id, const wire::Record& record);
    void retell_entries(base::Now now);
    std::vector<base::LinkAddress> addresses() const;

    const KodikonBridgeOptions options_;
    records::RecordService& records_;
    KodikonPeers peers_;
    KodikonOutbox outbox_;
    KodikonStats stats_;
    base::TokenBucket alerts_;
    base::TokenBucket entries_;
    base::LruCache<std::uint64_t, base::Instant> remembered_{Limits::remembered_max};
    std::deque<Alert> held_;
    std::map<std::string, base::Instant> bridges_;
    std::map<std::string, Known> known_;
    std::map<KodikonHost, std::size_t> known_of_;
    base::LruCache<std::string, bool> told_{Limits::entries_max};  ///< entries that they have of us
    std::map<std::string, State> states_;
    base::Instant clean_at_;
    base::Instant retell_at_ = base::never;
    std::optional<base::Instant> retold_;
};

}  // namespace meshchain::host
