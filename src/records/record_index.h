#pragma once
// Which records are held, without their bodies: by address, by name, by what each origin may have,
// by when they end, and as fingerprints to reconcile with neighbours.
//
// What was refused counts as held in the fingerprints until it is forgotten, so that a neighbour of
// another policy does not offer it for ever (PROTOCOL.md P4.3).
//
// Ownership: pointers into the index hold until the next insert, erase or expiry.
// Limits:    those of its caller; about 500 bytes a record.
// Errors:    none; misuse asserts.

#include <array>
#include <map>
#include <optional>
#include <set>

#include "coding/fingerprint_tree.h"
#include "wire/record.h"

namespace meshchain::records {

/// Nothing: what everybody keeps.
using Segment = std::optional<wire::SegmentId>;

/// One thing of one origin, of which the newest record counts.
struct Address {
    wire::RecordKind kind{};
    crypto::PublicKey origin;
    base::Buffer key;
    friend auto operator<=>(const Address&, const Address&) = default;
};
Address address_of(const wire::Record& record);

/// What counts together of an origin and kind: alerts by their priority, and those it took back, so
/// that none of these uses up what another may have (records/record_body.h).
enum class Share : std::uint8_t { common, low, normal, high, critical, withdrawn };

struct Held {
    wire::RecordId id;
    std::uint64_t sequence = 0;
    wire::HybridTime stamp;
    std::uint32_t expires = 0;
    std::uint16_t bytes = 0;
    bool tombstone = false;
    Segment segment;
    Share share = Share::common;
};

class RecordIndex {
public:
    /// What one origin has of one kind and share.
    struct Group {
        wire::RecordKind kind{};
        crypto::PublicKey origin;
        Share share = Share::common;
        friend auto operator<=>(const Group&, const Group&) = default;
    };
    using ByAddress = std::map<Address, Held>;

    const ByAddress& all() const { return by_address_; }
    const Held* find(const Address& address) const;
    const ByAddress::value_type* find(const wire::RecordId& id) const;
    std::size_t size() const { return by_address_.size(); }
    std::uint64_t bytes() const { return bytes_; }

    /// Replaces what is held under the address.
    void insert(const Address& address, const Held& held);
    /// Asserts that it is held. `address` may be that of the index itself.
    void erase(const Address& address);

    std::size_t count_of(const Group& group) const;
    /// The lowest sequence of the group; it must not be empty.
    const Address& oldest_of(const Group& group) const;
    /// Whose records make room for those of others first, and whose only for their like. What is
    /// our own makes room for nobody.
    enum class Standing : std::uint8_t { stranger, known, own };
    /// The fullest group of those with this standing.
    std::optional<Group> fullest(Standing standing) const;
    /// Who is known from now on, and nobody else; and who we are.
    void set_known(const std::vector<crypto::PublicKey>& origins);
    void set_own(const crypto::PublicKey& origin);
    Standing standing(const crypto::PublicKey& origin) const;

    /// The address of the first that ends at or before `now` (seconds since 1970).
    const Address* first_expired(std::uint32_t now) const;
    std::optional<std::uint32_t> next_expiry() const;

    const coding::FingerprintTree& tree(const Segment& segment) const;
    /// Counts `id` as held until `until` (seconds of its caller's clock); at most `refused_max`
    /// are.
    void refuse(const wire::RecordId& id, const Segment& segment, std::uint32_t until,
                std::size_t refused_max);
    bool is_refused(const wire::RecordId& id) const { return refused_.contains(id); }
    void forget_refused(std::uint32_t now);

    void check_invariants() const;

private:
    struct Members {
        std::map<std::uint64_t, std::set<const Address*>> by_sequence;
        std::size_t count = 0;
    };
    struct Refused {
        Segment segment;
        std::uint32_t until;
    };

    using BySize = std::set<std::pair<std::size_t, Group>>;

    void count_group(const Group& group, std::size_t before, std::size_t after);
    void move_groups(const crypto::PublicKey& origin, Standing from, Standing to);
    BySize& by_size(Standing standing) { return by_size_[static_cast<std::size_t>(standing)]; }
    void forget(const wire::RecordId& refused);

    ByAddress by_address_;
    std::map<wire::RecordId, const ByAddress::value_type*> by_id_;
    std::map<Group, Members> groups_;
    std::array<BySize, 3> by_size_;  ///< by standing
    std::set<crypto::PublicKey> known_;
    std::optional<crypto::PublicKey> own_;
    std::set<std::pair<std::uint32_t, wire::RecordId>> expiring_;
    std::map<Segment, coding::FingerprintTree> trees_;
    coding::FingerprintTree empty_;
    std::map<wire::RecordId, Refused> refused_;
    std::set<std::pair<std::uint32_t, wire::RecordId>> refused_until_;
    std::uint64_t bytes_ = 0;
};

}  // namespace meshchain::records
