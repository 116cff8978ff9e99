#pragma once
// The records a node holds (row G1; PROTOCOL.md P4), in a table of its store: judges what others
// offer, signs its own, forgets what has ended.
//
// Of each (origin, kind, key) the record with the highest sequence counts, of equal ones the lower
// name. What a kind allows (records/kind_rules.h) and what there is room for limits every origin;
// where it is short, strangers give way to neighbours, and of equals those who have most. Alerts of
// each priority have that number and rate for themselves (Share). What is refused changes nothing
// else.
//
// Time:      wall time decides what has ended and what is dated ahead; what is later than
//            `clock_grace` from now is refused, so nobody's clock moves ours.
// Durable:   what publish() returns; what offer() took, once flush() has returned.
// Limits:    Limits below; about 500 bytes of memory a record.
// Threads:   the owner's.
// Errors:    of the store: full, io, corrupt. What others offer is an Offer with its reason.
// Format:    docs/formats/record.md

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/lru_cache.h"
#include "base/token_bucket.h"
#include "crypto/identity.h"
#include "kv/store.h"
#include "records/kind_rules.h"
#include "records/record_index.h"

namespace meshchain::records {

/// Why a record of others was not taken.
enum class Refusal : std::uint8_t {
    none,
    unknown_kind,
    too_large,      ///< body longer than its kind allows
    expired,        ///< its time has ended
    long_lived,     ///< would live longer than its kind allows
    future,         ///< dated ahead of our clock
    bad_signature,  ///< not its origin's: whoever sent it made it up, or passed on without checking
    quota,          ///< its origin has as many with higher sequences
    crowded,        ///< no room, and its origin has as much as anybody
    foreign,        ///< of a segment this node is no member of
    too_often,      ///< its origin says more than its kind allows; may come later
    malformed,      ///< key or body not in the form of its kind
};
inline constexpr std::size_t refusals_count = 12;
std::string_view name(Refusal refusal);

struct Offer {
    enum class Outcome : std::uint8_t {
        taken,
        known,       ///< held already
        superseded,  ///< a newer one of the same address is held
        refused,
    };
    Outcome outcome = Outcome::refused;
    Refusal refusal = Refusal::none;
};

/// What a node says itself.
struct Draft {
    wire::RecordKind kind{};
    base::Buffer key = {};
    base::Buffer body = {};
    std::chrono::seconds lifetime{};
    Segment segment = {};
};

class RecordStore {
public:
    static constexpr std::chrono::seconds clock_grace = std::chrono::minutes(5);
    static constexpr std::chrono::seconds refused_for = std::chrono::minutes(10);
    /// What its origin dated no longer ago is new: it counts against its rate, and is passed on at
    /// once.
    static constexpr std::chrono::seconds fresh_for = std::chrono::minutes(2);
    static constexpr std::size_t rated_origins_max = 4'096;

    struct Limits {
        std::size_t records_max = 100'000;
        std::uint64_t bytes_max = std::uint64_t{128} << 20;
        std::size_t refused_max = 65'536;
        std::size_t unflushed_max = 256;  ///< offer() flushes by itself at so many
    };
    struct Options {
        kv::Table table;
        wire::ChainId chain;
        KindRules kinds = {};
        std::vector<wire::SegmentId> segments = {};  ///< this node is a member of
        Limits limits = {};
    };
    struct Stats {
        std::uint64_t taken = 0;
        std::uint64_t known = 0;
        std::uint64_t superseded = 0;
        std::array<std::uint64_t, refusals_count> refused{};
        std::uint64_t conflicts = 0;  ///< two contents under one sequence: its origin is at fault
        std::uint64_t expired = 0;
        std::uint64_t evicted = 0;  ///< for newer ones of their origin, or for room
    };

    /// Reads what the table holds; rows that are not sound are dropped and counted as evicted.
    static std::expected<std::unique_ptr<RecordStore>, base::Error> open(kv::Store& store,
                                                                         Options options,
                                                                         crypto::SigningKey self,
                                                                         base::Now now);

    /// Signs and stores; durable when this returns. A shorter lifetime than what it replaces has
    /// left becomes that, so that nothing older rises again elsewhere.
    /// Errors: invalid_argument (kind, lifetime, segment, form of the body), too_large, full (no
    /// room, or too many a minute), those of the store.
    std::expected<wire::Record, base::Error> publish(base::Now now, const Draft& draft);
    /// The same without a body: the key is no more. Errors: not_found; as publish.
    std::expected<wire::Record, base::Error> remove(base::Now now, wire::RecordKind kind,
                                                    base::Bytes key);

    /// Judges a record of another origin, or an own one from an earlier life.
    std::expected<Offer, base::Error> offer(base::Now now, const wire::Record& record);
    std::expected<void, base::Error> flush();

    /// Absent when it is not held. Errors: those of the store.
    std::expected<std::optional<wire::Record>, base::Error> get(const wire::RecordId& id);
    std::expected<std::optional<wire::Record>, base::Error> get(const Address& address);

    /// Forgets what has ended. Errors: those of the store; ended records stay for the next call.
    std::expected<void, base::Error> handle_timeout(base::Now now);
    base::Instant poll_timeout() const { return std::min(look_at_, flush_at_); }

    /// Whose records those of strangers do not push out: our neighbours now.
    void set_known(const std::vector<crypto::PublicKey>& origins) { index_.set_known(origins); }
    /// What was forgotten since the last call: expired, or gone for want of room.
    std::vector<Address> take_forgotten() { return std::exchange(forgotten_, {}); }
    bool is_member(const Segment& segment) const;
    static bool is_fresh(base::Now now, const wire::Record& record) {
        return now.wall - record.stamp.wall() <= fresh_for;
    }
    const RecordIndex& index() const { return index_; }
    const KindRules& kinds() const { return options_.kinds; }
    const wire::ChainId& chain() const { return options_.chain; }
    const crypto::PublicKey& self() const { return self_.public_key(); }
    const Stats& stats() const { return stats_; }
    std::span<const wire::SegmentId> segments() const { return options_.segments; }

private:
    RecordStore(kv::Store& store, Options options, crypto::SigningKey self);

    std::expected<void, base::Error> load(base::Now now);
    Refusal judge(base::Now now, const wire::Record& record) const;
    /// What gave way to another record, and is back if that is not stored.
    using Given = std::vector<std::pair<Address, Held>>;
    std::optional<Given> make_room(const RecordIndex::Group& group, std::uint64_t sequence,
                                   const Held* replaced);
    bool is_full() const;
    void take_out(const Address& address, Given& given);
    void take_back(const Given& given);
    std::optional<RecordIndex::Group> giver_to(const RecordIndex::Group& group) const;
    void evict(const Address& address);
    void forget(const Address& address);
    bool was_clock_set(base::Now now);
    base::TokenBucket& rate_of(base::Now now, const RecordIndex::Group& group);
    void remember_refused(base::Now now, const wire::Record& record, const wire::RecordId& id);
    std::expected<wire::Record, base::Error> sign_and_store(base::Now now, wire::Record record);
    void write(const wire::Record& record, const wire::RecordId& id, const Given& given);
    void note_evicted(const Given& given);
    void note_stamp(base::Now now, const wire::HybridTime& stamp);

    kv::Store& store_;
    const Options options_;
    crypto::SigningKey self_;
    RecordIndex index_;
    kv::Batch batch_;
    std::vector<Address> forgotten_;
    base::Instant look_at_{};  ///< for what has ended
    base::Instant flush_at_ = base::never;
    std::optional<base::Duration> clock_ahead_;  ///< of the instant, when it was last looked at
    base::LruCache<RecordIndex::Group, base::TokenBucket> rates_{rated_origins_max};
    Stats stats_;
    std::uint64_t sequence_ = 0;  ///< the last of our own
    wire::HybridTime stamp_;      ///< the last that was given or met
};

}  // namespace meshchain::records
