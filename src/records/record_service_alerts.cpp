// Alarms: raised here, carried to whoever lacks them, and seen by people.

#include <algorithm>

#include "base/utf8.h"
#include "records/record_service.h"

namespace meshchain::records {

using base::Errc;
using wire::MessageType;
using wire::RecordKind;
using wire::Verdict;

/// Takes up where the last life of this node was with its own.
std::expected<void, base::Error> RecordService::load_alarms(base::Now now) {
    std::vector<wire::RecordId> ids;
    const auto& all = store_->index().all();
    const Address first{.kind = RecordKind::alert, .origin = store_->self(), .key = {}};
    for (auto next = all.lower_bound(first); next != all.end(); ++next) {
        if (next->first.kind != first.kind || next->first.origin != first.origin) break;
        ids.push_back(next->second.id);
    }
    for (const wire::RecordId& id : ids) {
        MESH_TRY(const auto record, store_->get(id));
        if (record) follow_alarm(now, id, *record);
    }
    return receipts_.load(now);
}

/// Of an alarm of ours, whose receipts are kept: carries it to everybody, if it is important.
void RecordService::follow_alarm(base::Now now, const wire::RecordId& id,
                                 const wire::Record& record) {
    if (record.kind != RecordKind::alert || record.origin != store_->self()) return;
    forget_alarm(now, record.key);
    const auto alert = parse_alert(record.body);
    if (record.tombstone || !alert) return;
    base::Buffer bytes = wire::encode(record);
    // Who is a member of a segment is not known, and others would not take it.
    const bool is_carried = alert->priority >= AlertPriority::high && !record.segment &&
                            bytes.size() <= wire::routed_payload_bytes_max;
    receipts_.begin(id, record, alert->priority, is_carried);
    const base::Duration left = std::min<base::Duration>(
        record.stamp.wall() + AlertDelivery::deadline - now.wall, AlertDelivery::deadline);
    if (!is_carried || left <= base::Duration{}) return;
    delivery_.follow(now, id, {alert->priority, record.stamp}, std::move(bytes),
                     now.instant + left);
}

void RecordService::forget_alarm(base::Now now, const base::Buffer& key) {
    if (const auto id = receipts_.forget(now, key)) delivery_.forget(*id);
}

std::expected<wire::RecordId, base::Error> RecordService::send_alert(base::Now now,
                                                                     const Alert& alert,
                                                                     std::chrono::seconds lifetime,
                                                                     const Segment& segment) {
    if (alert.text.empty() || !base::is_displayable(alert.text) ||
        !base::is_utf8(base::as_bytes(alert.payload))) {
        return base::failure(Errc::invalid_argument, "an alert without a text that can be shown",
                             "text", "write some words, in UTF-8 and without control characters");
    }
    if (alert.text.size() > Alert::text_bytes_max) {
        return base::failure(Errc::too_large,
                             "a text of " + std::to_string(alert.text.size()) + " bytes", "text",
                             "an alert has at most " + std::to_string(Alert::text_bytes_max));
    }
    base::Buffer key;
    base::Writer(key).u64(random_.next());
    MESH_TRY(const wire::Record record, store_->publish(now, {.kind = RecordKind::alert,
                                                              .key = std::move(key),
                                                              .body = encode(alert),
                                                              .lifetime = lifetime,
                                                              .segment = segment}));
    return announce(now, record);
}

std::expected<wire::RecordId, base::Error> RecordService::acknowledge(base::Now now,
                                                                      const wire::RecordId& alert,
                                                                      const Acknowledgement& by) {
    const auto* held = store_->index().find(alert);
    if (held == nullptr || held->first.kind != RecordKind::alert) {
        return base::failure(Errc::not_found, "no alert " + crypto::to_hex(alert), "alert",
                             "meshchain alert list shows those that are known here");
    }
    if (by.by.find_first_not_of(' ') == std::string::npos) {
        return base::failure(Errc::invalid_argument, "an acknowledgement without a name", "by",
                             "say who has seen the alarm, for example Ana");
    }
    if (by.by.size() > Acknowledgement::by_bytes_max ||
        by.note.size() > Acknowledgement::note_bytes_max || !base::is_displayable(by.by) ||
        !base::is_displayable(by.note)) {
        return base::failure(
            Errc::invalid_argument, "a name or note that is too long or cannot be shown",
            "acknowledgement",
            "a name has at most " + std::to_string(Acknowledgement::by_bytes_max) +
                " bytes and a note " + std::to_string(Acknowledgement::note_bytes_max));
    }
    const std::int64_t left =
        static_cast<std::int64_t>(held->second.expires) - base::unix_ms(now.wall) / 1'000;
    const Segment segment = held->second.segment;
    MESH_TRY(base::Buffer key, acknowledgement_place(alert, by.by));
    return publish(now, {.kind = RecordKind::acknowledgement,
                         .key = std::move(key),
                         .body = encode(by),
                         .lifetime = std::chrono::seconds(std::max<std::int64_t>(left, 1)),
                         .segment = segment});
}

/// Under which key this person says it at this node.
std::expected<base::Buffer, base::Error> RecordService::acknowledgement_place(
    const wire::RecordId& alert, std::string_view by) {
    const base::Buffer first = acknowledgement_key(alert);
    std::vector<std::pair<base::Buffer, wire::RecordId>> held;
    const auto& all = store_->index().all();
    auto next = all.lower_bound(
        Address{.kind = RecordKind::acknowledgement, .origin = store_->self(), .key = first});
    for (; next != all.end(); ++next) {
        const auto& [address, what] = *next;
        if (address.kind != RecordKind::acknowledgement || address.origin != store_->self() ||
            acknowledged_alert(address.key) != alert) {
            break;
        }
        if (!what.tombstone) held.emplace_back(address.key, what.id);
    }
    for (const auto& [key, id] : held) {
        MESH_TRY(const auto record, store_->get(id));
        const auto said = record ? parse_acknowledgement(record->body)
                                 : base::failure(Errc::not_found, "an acknowledgement", "records");
        if (said && said->by == by) return key;
    }
    if (held.size() >= Acknowledgement::people_max) {
        return base::failure(
            Errc::full, std::to_string(held.size()) + " people at this node have seen it",
            "acknowledgement", "no more are kept of one alarm; write further names into a note");
    }
    const bool is_first = held.empty() || held.front().first != first;
    return is_first ? first : acknowledgement_key(alert, by);
}

/// By the name of the alert.
RecordService::Acknowledgements RecordService::acknowledgements() const {
    Acknowledgements found;
    const Address first{.kind = RecordKind::acknowledgement, .origin = {}, .key = {}};
    std::optional<crypto::PublicKey> origin;
    std::optional<wire::RecordId> last;
    std::size_t people = 0;
    const auto& all = store_->index().all();
    for (auto next = all.lower_bound(first);
         next != all.end() && next->first.kind == RecordKind::acknowledgement; ++next) {
        const auto& [address, held] = *next;
        const auto alert = acknowledged_alert(address.key);
        if (!alert || held.tombstone) continue;
        // Of one node those of one alarm lie side by side.
        if (origin != address.origin || last != alert) people = 0;
        origin = address.origin;
        last = alert;
        if (++people <= Acknowledgement::people_max) found.emplace(*alert, held.id);
    }
    return found;
}

std::expected<AlertView, base::Error> RecordService::view_of(
    const wire::RecordId& id, const wire::Record& record,
    const Acknowledgements& acknowledgements) {
    MESH_TRY(Alert alert, parse_alert(record.body));
    AlertView view{.id = id,
                   .origin = record.origin,
                   .stamp = record.stamp,
                   .expires = record.expires,
                   .alert = std::move(alert)};
    if (record.origin == store_->self()) {
        view.holders = receipts_.holders(id);
        view.targets = receipts_.targets(id);
    }
    const auto [first, last] = acknowledgements.equal_range(id);
    std::vector<wire::RecordId> seen;
    for (auto next = first; next != last; ++next) seen.push_back(next->second);
    for (const wire::RecordId& one : seen) {
        MESH_TRY(const auto found, store_->get(one));
        if (!found) continue;
        auto acknowledgement = parse_acknowledgement(found->body);
        if (acknowledgement) {
            view.seen.push_back({found->origin, found->stamp, *std::move(acknowledgement)});
        }
    }
    return view;
}

std::expected<AlertView, base::Error> RecordService::alert(const wire::RecordId& id) {
    const auto* held = store_->index().find(id);
    if (held == nullptr || held->first.kind != RecordKind::alert || held->second.tombstone) {
        return base::failure(Errc::not_found, "no alert " + crypto::to_hex(id), "alert",
                             "meshchain alert list shows those that are known here");
    }
    MESH_TRY(const auto record, store_->get(id));
    if (!record) return base::failure(Errc::corrupt, "an alert without its row", "records");
    return view_of(id, *record, acknowledgements());
}

std::expected<std::vector<AlertView>, base::Error> RecordService::alerts(std::size_t count) {
    std::vector<std::pair<wire::HybridTime, wire::RecordId>> order;
    for (const auto& [address, held] : store_->index().all()) {
        if (address.kind == RecordKind::alert && !held.tombstone) {
            order.emplace_back(held.stamp, held.id);
        }
    }
    std::ranges::sort(order, std::greater<>{});
    order.resize(std::min(order.size(), count));
    const Acknowledgements seen = acknowledgements();
    std::vector<AlertView> views;
    for (const auto& [stamp, id] : order) {
        MESH_TRY(const auto record, store_->get(id));
        if (!record) continue;
        // What its origin wrote in a form of its own is not shown.
        if (auto view = view_of(id, *record, seen)) views.push_back(*std::move(view));
    }
    return views;
}

/// An alert that its origin brings by itself, because nobody else seems to have.
Verdict RecordService::handle_direct(base::Now now, const wire::Ingress& from,
                                     base::Bytes payload) {
    const auto record = wire::parse_record(payload);
    if (!record || !from.routed || record->origin != from.routed->origin ||
        record->kind != RecordKind::alert) {
        return Verdict::punish;
    }
    const auto offer = store_->offer(now, *record);
    if (!offer || offer->outcome == Offer::Outcome::refused || !store_->flush()) {
        return Verdict::ignore;
    }
    if (offer->outcome == Offer::Outcome::taken) {
        replicator_.spread(now, *record, std::nullopt);
        say_on_air(*record, false);
        tell(now, *record);
    }
    if (outgoing_.size() >= outgoing_max) return Verdict::ignore;
    outgoing_.push_back(wire::reply_to(
        from, MessageType::alert_receipt,
        encode(std::vector{replicator_.receipt_of(wire::record_id(store_->chain(), *record))})));
    return Verdict::keep;
}

}  // namespace meshchain::records
