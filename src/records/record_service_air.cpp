// Urgent records where all hear what one says: said once, named in digests, and said again to who
// lacks them.

#include <algorithm>

#include "records/record_service.h"

namespace meshchain::records {

using wire::MessageType;
using wire::RecordKind;
using wire::Verdict;

/// What came by another link is said by one of those who have an air, if nobody else has.
void RecordService::say_on_air(const wire::Record& record, bool is_own) {
    if (!has_air()) return;
    if (!store_->kinds().find(record.kind)->urgent) return;
    base::Buffer bytes = wire::encode(record);
    if (bytes.size() > air_bytes_max || outgoing_.size() >= outgoing_max) return;
    outgoing_.push_back({.type = MessageType::alert_on_air,
                         .payload = std::move(bytes),
                         .repeated = !is_own,
                         .only_on_air = true});
}

/// Radios have passed it on among themselves; sessions get it as any record.
Verdict RecordService::handle_on_air(base::Now now, base::Bytes payload) {
    const auto record = wire::parse_record(payload);
    const KindRule* rule = record ? store_->kinds().find(record->kind) : nullptr;
    if (rule == nullptr || !rule->urgent) return Verdict::punish;
    const auto offer = store_->offer(now, *record);
    if (!offer) return Verdict::ignore;
    if (offer->refusal == Refusal::bad_signature) return Verdict::punish;
    digest_.note_said(now.instant, wire::record_id(store_->chain(), *record));
    if (offer->outcome != Offer::Outcome::taken) return Verdict::ignore;
    replicator_.spread(now, *record, std::nullopt);
    tell(now, *record);
    return Verdict::keep;
}

void RecordService::handle_repeat(base::Now now, MessageType type, base::Bytes payload) {
    if (type != MessageType::alert_on_air) return;
    if (const auto record = wire::parse_record(payload)) {
        digest_.note_said(now.instant, wire::record_id(store_->chain(), *record));
    }
}

/// Whether radios make sure that all there have it.
bool RecordService::is_for_air(const wire::Record& record) const {
    return store_->kinds().find(record.kind)->urgent && !record.segment &&
           wire::encode(record).size() <= air_bytes_max;
}

/// What has not ended: alarms before what was said of them, the newest first.
std::vector<wire::RecordId> RecordService::held_for_air(base::Now now) const {
    std::vector<std::tuple<RecordKind, wire::HybridTime, wire::RecordId>> found;
    const auto& all = store_->index().all();
    for (const RecordKind kind : {RecordKind::alert, RecordKind::acknowledgement}) {
        auto next = all.lower_bound(Address{.kind = kind, .origin = {}, .key = {}});
        for (; next != all.end() && next->first.kind == kind; ++next) {
            const Held& held = next->second;
            const bool is_over = std::int64_t{held.expires} * 1'000 <= base::unix_ms(now.wall);
            if (is_over || held.segment || held.bytes > air_bytes_max) continue;
            found.emplace_back(kind, held.stamp, held.id);
        }
    }
    std::ranges::sort(found, [](const auto& a, const auto& b) {
        if (std::get<0>(a) != std::get<0>(b)) return std::get<0>(a) < std::get<0>(b);
        return std::tie(std::get<1>(b), std::get<2>(b)) < std::tie(std::get<1>(a), std::get<2>(a));
    });
    std::vector<wire::RecordId> ids;
    for (const auto& [kind, stamp, id] : found) ids.push_back(id);
    return ids;
}

/// What others on the air hold. Nobody signed it, so nobody is blamed for what it says.
Verdict RecordService::handle_digest(base::Now now, base::Bytes payload) {
    const auto heard = parse_digest(payload);
    if (!heard) return Verdict::punish;
    digest_.set_packet_time(around_ == nullptr ? base::Duration{} : around_->air_packet_time());
    for (const wire::RecordId& id : digest_.handle(now.instant, *heard, held_for_air(now))) {
        const auto record = store_->get(id);
        if (!record || !*record || outgoing_.size() >= outgoing_max) continue;
        ++repeated_on_air_;
        outgoing_.push_back({.type = MessageType::alert_on_air,
                             .payload = wire::encode(**record),
                             .repeated = true,
                             .only_on_air = true,
                             .hurried = true});
    }
    return Verdict::keep;
}

void RecordService::say_digest(base::Now now) {
    if (digest_.poll_timeout() > now.instant) return;
    const auto held = held_for_air(now);
    digest_.set_packet_time(around_->air_packet_time());
    if (digest_.handle_timeout(now.instant, !held.empty())) {
        ++digests_said_;
        outgoing_.push_back({.type = MessageType::alert_digest,
                             .payload = encode(digest_of(held)),
                             .only_on_air = true});
    }
}

}  // namespace meshchain::records
