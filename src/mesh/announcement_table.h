#pragma once
// What other nodes say about themselves (row F3), the newest of each, for as long as they ask.
//
// Identities cost nothing, so the table must stand a flood of made-up ones: each entry counts
// towards the peer that brought it, a full table takes from whoever brought most, and refuses a
// newcomer from exactly that one. Validators, our own neighbours and those we talk with stay.
//
// Ownership: `bytes` are copied; entries are borrowed until the next take() or expire().
// Limits:    `capacity` nodes; of one origin `updates` a minute; `talked_max` remembered talks.
// Errors:    none: what is not taken is told by Result.

#include <map>
#include <set>
#include <span>

#include "base/lru_cache.h"
#include "mesh/options.h"
#include "wire/announcement.h"

namespace meshchain::mesh {

/// One node's announcement, verified, as we hold it.
struct KnownNode {
    wire::Announcement announcement;
    base::Buffer bytes;  ///< of the announcement, to pass on unchanged
    crypto::NodeId id;
    crypto::PublicKey ingress;  ///< the peer that brought it
    std::uint8_t hop_limit;     ///< of the frame that brought it
    base::Instant expires;
    base::TokenBucket updates;
};

class AnnouncementTable {
public:
    static constexpr base::Rate updates{12, 6};
    static constexpr std::size_t talked_max = 64;
    /// How far two clocks may be apart before what one dates is refused by the other.
    static constexpr std::chrono::seconds clock_grace = std::chrono::minutes(5);

    AnnouncementTable(std::size_t capacity, std::span<const ValidatorIdentity> validators);

    enum class Result : std::uint8_t {
        taken,
        stale,      ///< not newer than the one we hold, expired, or from the future
        too_often,  ///< its origin announces more than `updates`
        crowded,    ///< no room for one more from this peer
    };
    /// Whether take() could use it: worth a signature check.
    bool is_news(base::Now now, const wire::Announcement& announcement) const;
    /// Takes an announcement whose signature was verified.
    Result take(base::Now now, wire::Announcement announcement, base::Bytes bytes,
                const crypto::PublicKey& ingress, std::uint8_t hop_limit);

    void set_neighbour(const crypto::PublicKey& key, bool is_neighbour);
    void note_talk(const crypto::PublicKey& key) { talked_.put(key, true); }
    bool is_protected(const crypto::PublicKey& key) const;

    /// Forgets what has expired; true if anything was.
    bool expire(base::Instant now);
    /// Nothing expires before: an entry that was renewed since may have been the first.
    base::Instant next_expiry() const { return next_expiry_; }

    /// Whose entries no flood pushes out.
    void set_validators(std::span<const ValidatorIdentity> validators);
    const KnownNode* find(const crypto::PublicKey& key) const;
    /// Ordered by key.
    const std::map<crypto::PublicKey, KnownNode>& nodes() const { return nodes_; }
    std::size_t size() const { return nodes_.size(); }
    std::size_t capacity() const { return capacity_; }
    void check_invariants() const;

private:
    bool make_room(const crypto::PublicKey& ingress, bool privileged);

    std::size_t capacity_;
    std::set<crypto::PublicKey> validators_;
    std::set<crypto::PublicKey> neighbours_;
    base::LruCache<crypto::PublicKey, bool> talked_{talked_max};
    std::map<crypto::PublicKey, KnownNode> nodes_;
    base::Instant next_expiry_ = base::never;
};

}  // namespace meshchain::mesh
