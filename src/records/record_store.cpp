#include "records/record_store.h"

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"
#include "records/record_body.h"

namespace meshchain::records {
namespace {

using base::Errc;
using namespace std::chrono_literals;

/// The row of our own last sequence; records have rows of 32 bytes.
base::Bytes sequence_row() { return base::as_bytes("sequence"); }

constexpr auto grace_ms =
    static_cast<std::uint64_t>(std::chrono::milliseconds(RecordStore::clock_grace).count());

std::uint64_t unix_ms(base::Now now) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(base::unix_ms(now.wall), 0));
}
std::uint32_t unix_seconds(base::Now now) {
    return static_cast<std::uint32_t>(unix_ms(now) / 1'000);
}

/// For what must not wait longer because somebody sets the clock.
std::uint32_t steady_seconds(base::Now now) {
    return static_cast<std::uint32_t>(now.instant.time_since_epoch() / 1s);
}

/// Whether `record` counts and not what is held under its address.
bool wins(std::uint64_t sequence, const wire::RecordId& id, const Held& held) {
    return sequence != held.sequence ? sequence > held.sequence : id < held.id;
}

Held held_of(const wire::Record& record, const wire::RecordId& id, std::size_t bytes) {
    return {.id = id,
            .sequence = record.sequence,
            .stamp = record.stamp,
            .expires = record.expires,
            .bytes = static_cast<std::uint16_t>(bytes),
            .tombstone = record.tombstone,
            .segment = record.segment,
            .share = share_of(record)};
}

RecordIndex::Group group_of(const wire::Record& record) {
    return {record.kind, record.origin, share_of(record)};
}

}  // namespace

std::string_view name(Refusal refusal) {
    switch (refusal) {
        case Refusal::none: return "none";
        case Refusal::unknown_kind: return "unknown_kind";
        case Refusal::too_large: return "too_large";
        case Refusal::expired: return "expired";
        case Refusal::long_lived: return "long_lived";
        case Refusal::future: return "future";
        case Refusal::bad_signature: return "bad_signature";
        case Refusal::quota: return "quota";
        case Refusal::crowded: return "crowded";
        case Refusal::foreign: return "foreign";
        case Refusal::too_often: return "too_often";
        case Refusal::malformed: return "malformed";
    }
    return "unknown";
}

RecordStore::RecordStore(kv::Store& store, Options options, crypto::SigningKey self)
    : store_(store), options_(std::move(options)), self_(std::move(self)) {
    index_.set_own(self_.public_key());
}

std::expected<std::unique_ptr<RecordStore>, base::Error> RecordStore::open(kv::Store& store,
                                                                           Options options,
                                                                           crypto::SigningKey self,
                                                                           base::Now now) {
    std::unique_ptr<RecordStore> opened(
        new RecordStore(store, std::move(options), std::move(self)));
    MESH_CHECK(opened->load(now));
    return opened;
}

std::expected<void, base::Error> RecordStore::load(base::Now now) {
    std::vector<base::Buffer> unsound;
    const auto visit = [&](base::Bytes key, base::Bytes value) {
        if (base::equal(key, sequence_row())) {
            base::Reader in(value);
            sequence_ = std::max(sequence_, in.u64());
            return true;
        }
        const auto record = wire::parse_record(value);
        const auto id = record ? wire::record_id(options_.chain, *record) : wire::RecordId{};
        const Held* other = record ? index_.find(address_of(*record)) : nullptr;
        // Of a program that is not running now, and will read it again.
        if (record && base::equal(id.bytes, key) && is_of_application(record->kind) &&
            options_.kinds.find(record->kind) == nullptr) {
            if (record->origin == self()) sequence_ = std::max(sequence_, record->sequence);
            return true;
        }
        // Of another chain, left by a store that lost a part of a batch, or by a program that did
        // not look into bodies.
        if (!record || !base::equal(id.bytes, key) ||
            options_.kinds.find(record->kind) == nullptr || !is_well_formed(*record) ||
            (other != nullptr && !wins(record->sequence, id, *other))) {
            unsound.push_back(base::to_buffer(key));
            return true;
        }
        if (other != nullptr) unsound.push_back(base::to_buffer(other->id.bytes));
        index_.insert(address_of(*record), held_of(*record, id, value.size()));
        note_stamp(now, record->stamp);
        if (record->origin == self()) sequence_ = std::max(sequence_, record->sequence);
        return true;
    };
    MESH_CHECK(store_.scan({.table = options_.table}, visit));
    for (const base::Buffer& key : unsound) batch_.erase(options_.table, key);
    stats_.evicted += unsound.size();
    MESH_CHECK(handle_timeout(now));
    return flush();
}

bool RecordStore::is_member(const Segment& segment) const {
    return !segment || std::ranges::find(options_.segments, *segment) != options_.segments.end();
}

/// Everything that costs no signature check.
Refusal RecordStore::judge(base::Now now, const wire::Record& record) const {
    const KindRule* rule = options_.kinds.find(record.kind);
    if (rule == nullptr) return Refusal::unknown_kind;
    if (!is_member(record.segment)) return Refusal::foreign;
    if (record.body.size() > rule->body_bytes_max) return Refusal::too_large;
    if (record.expires <= unix_seconds(now)) return Refusal::expired;
    if (record.stamp.ms > unix_ms(now) + grace_ms) return Refusal::future;
    const auto lives = static_cast<std::int64_t>(record.expires) -
                       static_cast<std::int64_t>(record.stamp.ms / 1'000);
    if (lives > rule->lifetime_max.count()) return Refusal::long_lived;
    return is_well_formed(record) ? Refusal::none : Refusal::malformed;
}

std::expected<Offer, base::Error> RecordStore::offer(base::Now now, const wire::Record& record) {
    using Outcome = Offer::Outcome;
    if (batch_.size() >= options_.limits.unflushed_max) MESH_CHECK(flush());
    const base::Buffer preimage = wire::record_preimage(options_.chain, record);
    const wire::RecordId id = crypto::hash(preimage);
    const auto refuse = [&](Refusal why) {
        ++stats_.refused[static_cast<std::size_t>(why)];
        return Offer{Outcome::refused, why};
    };
    if (index_.find(id) != nullptr) {
        ++stats_.known;
        return Offer{Outcome::known, Refusal::none};
    }
    if (const Refusal why = judge(now, record); why != Refusal::none) {
        // What anybody can make up is not remembered: it would push out what is real.
        if (why != Refusal::foreign && crypto::verify(record.origin, preimage, record.signature)) {
            remember_refused(now, record, id);
        }
        return refuse(why);
    }
    const Address address = address_of(record);
    const Held* held = index_.find(address);
    if (held != nullptr && !wins(record.sequence, id, *held) && record.sequence < held->sequence) {
        ++stats_.superseded;
        return Offer{Outcome::superseded, Refusal::none};
    }
    if (!crypto::verify(record.origin, preimage, record.signature)) {
        return refuse(Refusal::bad_signature);
    }
    if (record.origin == self()) sequence_ = std::max(sequence_, record.sequence);
    const RecordIndex::Group group = group_of(record);
    // Old ones that were missed come many at once; the number of them is limited.
    const bool is_rated = is_fresh(now, record) || held != nullptr;
    if (is_rated && rate_of(now, group).available(now.instant) == 0) {
        return refuse(Refusal::too_often);
    }
    if (held != nullptr && record.sequence == held->sequence) {
        ++stats_.conflicts;
        if (!wins(record.sequence, id, *held)) {
            ++stats_.superseded;
            return Offer{Outcome::superseded, Refusal::none};
        }
    }
    const auto given = make_room(group, record.sequence, held);
    if (!given) {
        const std::uint32_t quota = options_.kinds.find(record.kind)->per_origin_max;
        const bool is_quota = index_.count_of(group) >= quota;
        // Who holds this would never agree with whoever holds what it replaces.
        if (held != nullptr) evict(address);
        remember_refused(now, record, id);
        return refuse(is_quota ? Refusal::quota : Refusal::crowded);
    }
    if (is_rated) rate_of(now, group).take(now.instant);
    write(record, id, *given);
    note_evicted(*given);
    flush_at_ = std::min(flush_at_, now.instant + 20ms);
    note_stamp(now, record.stamp);
    ++stats_.taken;
    return Offer{Outcome::taken, Refusal::none};
}

void RecordStore::remember_refused(base::Now now, const wire::Record& record,
                                   const wire::RecordId& id) {
    std::uint64_t for_s = static_cast<std::uint64_t>(refused_for.count());
    // The time of what is dated ahead comes, and then it is to be offered again.
    if (record.stamp.ms > unix_ms(now) + grace_ms) {
        for_s = std::min(for_s, (record.stamp.ms - unix_ms(now) - grace_ms) / 1'000 + 1);
    }
    index_.refuse(id, record.segment, steady_seconds(now) + static_cast<std::uint32_t>(for_s),
                  options_.limits.refused_max);
}

base::TokenBucket& RecordStore::rate_of(base::Now now, const RecordIndex::Group& group) {
    if (base::TokenBucket* bucket = rates_.get(group)) return *bucket;
    const std::uint32_t rate = options_.kinds.find(group.kind)->per_minute_max;
    rates_.put(group, base::TokenBucket(now.instant, {rate, std::max(rate / 2, 1U)}));
    return *rates_.get(group);
}

bool RecordStore::is_full() const {
    return index_.size() >= options_.limits.records_max ||
           index_.bytes() + wire::record_bytes_max > options_.limits.bytes_max;
}

/// Room for one more of the group; nothing when it has what is its due. `replaced`: what is held
/// under its address.
std::optional<RecordStore::Given> RecordStore::make_room(const RecordIndex::Group& group,
                                                         std::uint64_t sequence,
                                                         const Held* replaced) {
    Given given;
    if (replaced != nullptr && replaced->share == group.share) return given;
    if (index_.count_of(group) >= options_.kinds.find(group.kind)->per_origin_max) {
        const Address& oldest = index_.oldest_of(group);
        if (index_.find(oldest)->sequence > sequence) return std::nullopt;
        take_out(oldest, given);
        return given;
    }
    while (replaced == nullptr && is_full()) {
        const auto giver = giver_to(group);
        if (!giver) {
            take_back(given);
            return std::nullopt;
        }
        // Above a limit that was lowered what has most goes, whatever becomes of the newcomer.
        const bool is_above = index_.size() > options_.limits.records_max ||
                              index_.bytes() > options_.limits.bytes_max;
        if (is_above) {
            evict(index_.oldest_of(*giver));
        } else {
            take_out(index_.oldest_of(*giver), given);
        }
    }
    return given;
}

/// `address` may be that of the index.
void RecordStore::take_out(const Address& address, Given& given) {
    given.emplace_back(address, *index_.find(address));
    index_.erase(given.back().first);
}

void RecordStore::take_back(const Given& given) {
    for (const auto& [address, held] : given) index_.insert(address, held);
}

void RecordStore::note_evicted(const Given& given) {
    for (const auto& [address, held] : given) forgotten_.push_back(address);
    stats_.evicted += given.size();
}

/// Strangers give way to those who are known, and among their like those who have more than the
/// newcomer will have. What is our own gives way to nobody, and all to it.
std::optional<RecordIndex::Group> RecordStore::giver_to(const RecordIndex::Group& group) const {
    using Standing = RecordIndex::Standing;
    const Standing own = index_.standing(group.origin);
    for (const Standing standing : {Standing::stranger, Standing::known}) {
        const auto fullest = index_.fullest(standing);
        if (!fullest || standing > own) continue;
        if (standing < own || index_.count_of(*fullest) > index_.count_of(group) + 1) {
            return fullest;
        }
    }
    return std::nullopt;
}

void RecordStore::evict(const Address& address) {
    forget(address);
    ++stats_.evicted;
}

/// `address` may be that of the index.
void RecordStore::forget(const Address& address) {
    batch_.erase(options_.table, index_.find(address)->id.bytes);
    forgotten_.push_back(address);
    index_.erase(address);
}

/// Into the batch, and out of it what it replaces and what gave way to it.
void RecordStore::write(const wire::Record& record, const wire::RecordId& id, const Given& given) {
    const Address address = address_of(record);
    const base::Buffer bytes = wire::encode(record);
    if (const Held* old = index_.find(address)) batch_.erase(options_.table, old->id.bytes);
    for (const auto& [gone, held] : given) batch_.erase(options_.table, held.id.bytes);
    batch_.put(options_.table, id.bytes, bytes);
    index_.insert(address, held_of(record, id, bytes.size()));
}

std::expected<void, base::Error> RecordStore::flush() {
    if (batch_.empty()) return {};
    MESH_CHECK(store_.commit(batch_));
    batch_.clear();
    return {};
}

/// What others date ahead moves our stamps no further than our clock allows.
void RecordStore::note_stamp(base::Now now, const wire::HybridTime& stamp) {
    if (stamp.ms <= unix_ms(now) + grace_ms) stamp_ = std::max(stamp_, stamp);
}

std::expected<wire::Record, base::Error> RecordStore::publish(base::Now now, const Draft& draft) {
    const KindRule* rule = options_.kinds.find(draft.kind);
    if (rule == nullptr) {
        return base::failure(Errc::invalid_argument, "records of " + name(draft.kind), "records",
                             "give the kind a rule at start");
    }
    if (draft.lifetime <= 0s || draft.lifetime > rule->lifetime_max) {
        return base::failure(Errc::invalid_argument,
                             "a lifetime of " + std::to_string(draft.lifetime.count()) + " s",
                             "records",
                             "a record of kind " + name(draft.kind) + " lives 1 to " +
                                 std::to_string(rule->lifetime_max.count()) + " s");
    }
    if (!is_member(draft.segment)) {
        return base::failure(Errc::invalid_argument, "a segment this node is no member of",
                             "records", "add it to mesh.segments");
    }
    const std::size_t room =
        draft.key.size() > wire::Record::key_bytes_max
            ? 0
            : wire::record_body_bytes_max(draft.key.size(), draft.segment.has_value());
    if (draft.key.size() > wire::Record::key_bytes_max ||
        draft.body.size() > std::min<std::size_t>(room, rule->body_bytes_max)) {
        return base::failure(Errc::too_large,
                             "a key of " + std::to_string(draft.key.size()) + " and a body of " +
                                 std::to_string(draft.body.size()) + " bytes",
                             "records",
                             "a key has at most " + std::to_string(wire::Record::key_bytes_max) +
                                 " bytes, and a body with this key at most " +
                                 std::to_string(std::min<std::size_t>(room, rule->body_bytes_max)));
    }
    wire::Record record;
    record.kind = draft.kind;
    record.segment = draft.segment;
    record.key = draft.key;
    record.body = draft.body;
    if (!is_well_formed(record)) {
        return base::failure(Errc::invalid_argument,
                             "a key or body that no " + name(draft.kind) + " has", "records",
                             "write it as docs/formats/record.md says, or under a kind of yours");
    }
    record.expires = unix_seconds(now) + static_cast<std::uint32_t>(draft.lifetime.count());
    return sign_and_store(now, std::move(record));
}

std::expected<wire::Record, base::Error> RecordStore::remove(base::Now now, wire::RecordKind kind,
                                                             base::Bytes key) {
    const Address address{kind, self(), base::to_buffer(key)};
    const Held* held = index_.find(address);
    if (held == nullptr || held->tombstone) {
        return base::failure(Errc::not_found, "no " + name(kind) + " of this node under that key",
                             "records", "a node removes what it has written itself");
    }
    wire::Record record;
    record.kind = kind;
    record.expires = held->expires;
    record.tombstone = true;
    record.segment = held->segment;
    record.key = address.key;
    return sign_and_store(now, std::move(record));
}

std::expected<wire::Record, base::Error> RecordStore::sign_and_store(base::Now now,
                                                                     wire::Record record) {
    MESH_CHECK(flush());
    record.origin = self();
    const Address address = address_of(record);
    const RecordIndex::Group group = group_of(record);
    const KindRule& rule = *options_.kinds.find(record.kind);
    if (rate_of(now, group).available(now.instant) == 0) {
        return base::failure(
            Errc::full,
            "more records of kind " + name(record.kind) + " than others take of one node",
            "records",
            "at most " + std::to_string(rule.per_minute_max) +
                " a minute; wait a moment, and say several things in one");
    }
    std::optional<Held> old;
    if (const Held* held = index_.find(address)) {
        old = *held;
        record.expires = std::max(record.expires, held->expires);
    }
    const auto given = make_room(group, sequence_ + 1, old ? &*old : nullptr);
    if (!given) {
        return base::failure(Errc::full, "no room for another record", "records",
                             "raise records.capacity, or remove some");
    }
    const std::uint64_t latest_ms = unix_ms(now) + grace_ms;
    // The clock in front lets a node that lost its store go on above what it once said.
    sequence_ = std::max(sequence_ + 1, unix_ms(now));
    const std::uint64_t ms = std::min(unix_ms(now), wire::HybridTime::ms_max);
    // A clock that was ahead and was set right: others would refuse what goes on from there.
    if (stamp_.ms > latest_ms) stamp_ = {};
    if (ms > stamp_.ms) {
        stamp_ = {ms, 0};
    } else if (stamp_.counter == 0xffff) {
        stamp_ = {stamp_.ms + 1, 0};
    } else {
        ++stamp_.counter;
    }
    record.sequence = sequence_;
    record.stamp = stamp_;
    // Others would not take what lives longer, though our clock was ahead when it was first said.
    record.expires =
        std::min(record.expires, static_cast<std::uint32_t>(stamp_.ms / 1'000) +
                                     static_cast<std::uint32_t>(rule.lifetime_max.count()));
    const base::Buffer preimage = wire::record_preimage(options_.chain, record);
    record.signature = self_.sign(preimage);
    base::Buffer row;
    base::Writer(row).u64(sequence_);
    batch_.put(options_.table, sequence_row(), row);
    write(record, crypto::hash(preimage), *given);
    if (auto stored = flush(); !stored) {
        batch_.clear();
        index_.erase(address);
        if (old) index_.insert(address, *old);
        take_back(*given);
        return std::unexpected(std::move(stored).error());
    }
    rate_of(now, group).take(now.instant);
    note_evicted(*given);
    return record;
}

std::expected<std::optional<wire::Record>, base::Error> RecordStore::get(const wire::RecordId& id) {
    if (index_.find(id) == nullptr) return std::nullopt;
    // What cannot be written now is not found yet; all else is.
    static_cast<void>(flush());
    MESH_TRY(const auto bytes, store_.get(options_.table, id.bytes));
    if (!bytes) return std::nullopt;
    MESH_TRY(wire::Record record, wire::parse_record(*bytes));
    return std::optional(std::move(record));
}

std::expected<std::optional<wire::Record>, base::Error> RecordStore::get(const Address& address) {
    const Held* held = index_.find(address);
    if (held == nullptr) return std::nullopt;
    return get(wire::RecordId(held->id));
}

/// Since the last call. What was refused under another time may be right under this one.
bool RecordStore::was_clock_set(base::Now now) {
    const base::Duration ahead = now.wall.time_since_epoch() - now.instant.time_since_epoch();
    const base::Duration before = std::exchange(clock_ahead_, ahead).value_or(ahead);
    return std::chrono::abs(ahead - before) > clock_grace;
}

std::expected<void, base::Error> RecordStore::handle_timeout(base::Now now) {
    const std::uint32_t seconds = unix_seconds(now);
    index_.forget_refused(was_clock_set(now) ? ~0U : steady_seconds(now));
    // A wall clock may be set, so this waits for no long time; and after an error it waits, too.
    look_at_ = now.instant + 1s;
    flush_at_ = now.instant + 1s;
    while (const Address* address = index_.first_expired(seconds)) {
        if (batch_.size() >= options_.limits.unflushed_max) MESH_CHECK(flush());
        forget(*address);
        ++stats_.expired;
    }
    MESH_CHECK(flush());
    const std::int64_t left =
        static_cast<std::int64_t>(index_.next_expiry().value_or(~0U)) - seconds;
    look_at_ = now.instant + std::chrono::seconds(std::clamp<std::int64_t>(left, 1, 60));
    flush_at_ = base::never;
    return {};
}

}  // namespace meshchain::records
