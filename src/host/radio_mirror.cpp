#include "host/radio_mirror.h"

#include <algorithm>

#include "crypto/identity.h"

namespace meshchain::host {
namespace {

constexpr std::size_t short_digits = 8;

}  // namespace

radio::MirrorText alarm_text(const records::Alert& alert, const crypto::PublicKey& origin) {
    return {.before = "ALARM " + std::string(records::name(alert.priority)) + ": ",
            .middle = radio::one_line(alert.text),
            .after = " (from " + crypto::to_hex(origin).substr(0, short_digits) + ")"};
}

radio::MirrorText payment_text(const wallet::HistoryEntry& payment, std::string_view node_name) {
    const std::string txid = crypto::to_hex(payment.txid.hash).substr(0, short_digits);
    return {.before = "You were paid " + std::to_string(payment.amount.units) + " (payment " +
                      txid + ", to ",
            .middle = radio::one_line(node_name),
            .after = ")"};
}

radio::Priority priority_of(records::AlertPriority priority) {
    switch (priority) {
        case records::AlertPriority::critical: return radio::Priority::transaction;
        case records::AlertPriority::high: return radio::Priority::sync;
        case records::AlertPriority::normal:
        case records::AlertPriority::low: return radio::Priority::record;
    }
    return radio::Priority::record;
}

RadioMirror::RadioMirror(Doors doors) : doors_(std::move(doors)) {
    for (std::size_t i = 0; i < doors_.radios.size(); ++i) {
        const auto& mirror = doors_.radios.mirror(i);
        if (!mirror) continue;
        mirrors_alerts_ |= mirror->alerts.has_value();
        mirrors_payments_ |= mirror->payments;
    }
}

std::expected<void, base::Error> RadioMirror::follow_payments() {
    if (!mirrors_payments_) return {};
    MESH_CHECK(doors_.node.events().register_handler(
        runtime::EventType::transaction_confirmed,
        [this](base::Instant, const runtime::Event&) { is_final_moved_ = true; }));
    return {};
}

void RadioMirror::handle_record(base::Now now, const wire::RecordId&, const wire::Record& record) {
    if (!mirrors_alerts_ || record.kind != wire::RecordKind::alert || record.tombstone) return;
    if (record.segment || now.wall - record.stamp.wall() > news_for) return;
    if (std::int64_t{record.expires} * 1'000 <= base::unix_ms(now.wall)) return;
    const auto alert = records::parse_alert(record.body);
    if (!alert) return;
    using Knows = radio::TextMirror::Knows;
    alarms_.push_back({alert->priority, alarm_text(*alert, record.origin),
                       record.origin == doors_.self ? Knows::others_later : Knows::others_too});
}

void RadioMirror::note_step(base::Now now) {
    for (const Alarm& alarm : std::exchange(alarms_, {})) {
        for (std::size_t i = 0; i < doors_.radios.size(); ++i) {
            const auto& mirror = doors_.radios.mirror(i);
            if (!mirror || !mirror->alerts || alarm.priority < *mirror->alerts) continue;
            doors_.radios.say_text(now.instant, i, priority_of(alarm.priority), alarm.text,
                                   alarm.knows);
        }
    }
    if (mirrors_payments_) look_at_payments(now);
}

void RadioMirror::look_at_payments(base::Now now) {
    const auto scan = doors_.node.wallet_scan();
    if (!is_final_moved_ || !scan) return;
    const auto entries = doors_.node.wallet()->history(payments_seen);
    if (!entries) return;
    is_final_moved_ = scan->reading;
    // What the wallet reads of the past is no news.
    const bool is_first = scan->reading || !std::exchange(has_looked_, true);
    std::uint64_t newest = told_before_;
    std::set<wire::Txid> under_way;
    for (const wallet::HistoryEntry& entry : *entries) {
        newest = std::max(newest, entry.sequence);
        if (entry.direction != wallet::Direction::incoming) continue;
        if (entry.state == wallet::EntryState::pending || entry.state == wallet::EntryState::live) {
            under_way.insert(entry.txid);
        } else if (entry.state == wallet::EntryState::final && !is_first &&
                   (under_way_.contains(entry.txid) || entry.sequence > told_before_)) {
            say_payment(now, entry);
        }
    }
    told_before_ = newest;
    under_way_ = std::move(under_way);
}

void RadioMirror::say_payment(base::Now now, const wallet::HistoryEntry& payment) {
    for (std::size_t i = 0; i < doors_.radios.size(); ++i) {
        const auto& mirror = doors_.radios.mirror(i);
        if (!mirror || !mirror->payments) continue;
        // Of several nodes with one wallet each says it under its own name.
        doors_.radios.say_text(now.instant, i, radio::Priority::record,
                               payment_text(payment, doors_.node_name),
                               radio::TextMirror::Knows::nobody_else);
    }
}

}  // namespace meshchain::host
