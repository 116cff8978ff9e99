#pragma once
// Alarms that got lost on the air (row G4): radios that hold some say from time to time which, in a
// few bytes, and whoever lacks one, or holds one more, finds out. There are no other receipts
// there.
//
// How often is decided as Trickle does it (RFC 6206): an interval that doubles while all say the
// same, within which nobody speaks who has heard as much; and that starts anew with what is new.
// Who has just started asks a few times, and is silent then until there is something.
//
// What others lack is said again, each alarm at intervals that grow. Digests are not signed: made
// up ones cost a few bytes now and then, and cannot take anything away.
//
// Time:   handed in, never falling.
// Limits: names_max names a digest; asked_max names that are asked for and repeated_max records
//         that were said again are remembered.
// Format: docs/formats/record.md#on-the-air

#include <expected>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/lru_cache.h"
#include "base/random.h"
#include "base/time.h"
#include "wire/record.h"

namespace meshchain::records {

/// The front of a record's name, enough to tell some dozens apart.
using AlertTag = std::uint32_t;
AlertTag tag_of(const wire::RecordId& id);

/// Some are left out if it is full.
struct DigestMessage {
    static constexpr std::size_t names_max = 48;
    static constexpr std::size_t bytes_min = 1;
    static constexpr std::size_t bytes_max = 1 + 4 * names_max;

    std::vector<AlertTag> names;  ///< strictly ascending
    bool is_full() const { return names.size() == names_max; }
    friend bool operator==(const DigestMessage&, const DigestMessage&) = default;
};
/// Of the first names_max of these.
DigestMessage digest_of(std::span<const wire::RecordId> held);
/// Asserts what parse_digest checks.
base::Buffer encode(const DigestMessage& digest);
/// Errors: malformed, wrong_version.
std::expected<DigestMessage, base::Error> parse_digest(base::Bytes body);

class AlertDigest {
public:
    static constexpr std::size_t asked_max = 256;
    static constexpr std::size_t repeated_max = 256;
    static constexpr std::size_t answers_max = 2;  ///< records that one digest brings
    static constexpr unsigned asks_max = 6;        ///< for one name, in a longest interval
    static constexpr unsigned questions_max = 3;   ///< without holding anything
    static constexpr base::Duration interval_least = std::chrono::seconds(10);
    static constexpr int packets_of_interval = 16;
    static constexpr int doublings_max = 6;
    static constexpr int repeat_doublings_max = 6;
    /// Names that nobody holds here end so many silences, and then one in eight longest intervals.
    static constexpr unsigned wakes_max = 6;

    explicit AlertDigest(base::Random random) : random_(random) {}

    /// There is an air, and nothing of it has been heard yet.
    void begin(base::Instant now);
    bool has_begun() const { return interval_ > base::Duration{}; }
    /// How long a full packet takes there.
    void set_packet_time(base::Duration time) { packet_time_ = time; }
    /// What is held has become another.
    void note_change(base::Instant now);
    /// Somebody has said this record.
    void note_said(base::Instant now, const wire::RecordId& id);
    /// `held`: what we would say, the most important first. Returns what is to be said again.
    std::vector<wire::RecordId> handle(base::Instant now, const DigestMessage& heard,
                                       std::span<const wire::RecordId> held);
    /// Call at or after poll_timeout(). Whether ours is to be said now.
    bool handle_timeout(base::Instant now, bool holds_any);
    base::Instant poll_timeout() const {
        return has_begun() ? std::min(speak_at_, end_) : base::never;
    }

private:
    struct Asked {
        unsigned times = 0;
        base::Instant last{};
    };
    struct Repeat {
        base::Instant next;
        int doublings = 0;
    };
    base::Duration least() const {
        return std::max(interval_least, packets_of_interval * packet_time_);
    }
    void begin_interval(base::Instant now, base::Duration length);
    void start_anew(base::Instant now);
    base::Duration longest() const { return least() * (1 << doublings_max); }
    static std::vector<wire::RecordId> not_named(const DigestMessage& heard,
                                                 std::span<const wire::RecordId> held);
    bool may_wake(base::Instant now);
    bool lacks(base::Instant now, const DigestMessage& heard, std::span<const wire::RecordId> held);
    bool may_repeat(base::Instant now, const wire::RecordId& id);

    base::Random random_;
    base::Duration packet_time_{};
    base::Duration interval_{};  ///< zero: not begun
    base::Instant speak_at_ = base::never;
    base::Instant end_ = base::never;
    bool heard_as_much_ = false;
    unsigned questions_ = 0;
    std::set<AlertTag> missing_;  ///< what our next digest asks for
    base::LruCache<AlertTag, Asked> asked_{asked_max};
    unsigned wakes_ = wakes_max;
    base::Instant wakes_refilled_{};
    base::LruCache<wire::RecordId, Repeat> repeated_{repeated_max};
};

}  // namespace meshchain::records
