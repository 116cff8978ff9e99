// What people have their nodes sign beside payments: alerts, and what they saw.

#include <algorithm>

#include "sim/play.h"

namespace meshchain::sim {
namespace {

using wire::RecordKind;

constexpr base::Duration first_record = std::chrono::seconds(8);
/// Short enough that nobody has more of them than its due.
constexpr auto alert_lifetime = std::chrono::minutes(10);
/// Longer than any run on the air, so that none ends before all have it.
constexpr auto alert_lifetime_on_air = std::chrono::hours(2);
constexpr auto entry_lifetime = std::chrono::hours(24);
/// So few that the same things are seen again, and removed.
constexpr std::size_t things_each = 12;

}  // namespace

RecordBook::Views Play::record_views(std::optional<std::size_t> without) {
    RecordBook::Views views;
    if (!scenario_.shares_records()) return views;
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (i == without || !village_.is_honest(i) || !village_.is_on(i)) continue;
        if (!village_.node(i).has_power()) continue;
        views.push_back({i, &village_.node(i).records().store()});
    }
    return views;
}

void Play::schedule_records() {
    const auto go_on = [this](const auto& self, base::Instant when, base::Duration every,
                              RecordKind kind) -> void {
        village_.world().at(when, [this, self, every, kind] {
            if (healing_since_ != base::Instant{}) return;
            publish_something(kind);
            self(self, village_.world().now() + random_.between(every / 2, every * 3 / 2), every,
                 kind);
        });
    };
    const base::Instant begin = World::start + first_record;
    if (scenario_.alerts > base::Duration{}) {
        go_on(go_on, begin, scenario_.alerts, RecordKind::alert);
    }
    if (scenario_.records > base::Duration{}) {
        go_on(go_on, begin, scenario_.records, RecordKind::registry);
    }
}

void Play::publish_something(RecordKind kind) {
    const std::size_t from = random_.below(village_.nodes());
    const std::size_t thing = random_.below(things_each);
    const bool removes = random_.chance(1, 8);
    const std::uint64_t number = ++records_said_;
    if (!village_.is_on(from) || !village_.is_honest(from)) return;
    if (!village_.node(from).has_power()) return;
    const std::string text = "seen for the " + std::to_string(number) + ". time";
    const std::string name = "thing " + std::to_string(thing);
    records::Draft draft{.kind = kind};
    if (kind == RecordKind::alert) {
        base::Writer(draft.key).u64(number);
        draft.body = records::encode({records::AlertPriority::high, text, {}});
        draft.lifetime = scenario_.air ? alert_lifetime_on_air : alert_lifetime;
    } else {
        draft.key = base::to_buffer(base::as_bytes(name));
        draft.lifetime = entry_lifetime;
        records::RegistryEntry entry;
        entry.type = text;
        if (!removes) draft.body = records::encode(entry);
        const auto& segments = village_.node(from).records().store().segments();
        if (!segments.empty()) draft.segment = segments[0];
    }
    publish(from, draft, kind == RecordKind::registry && removes);
}

void Play::publish(std::size_t from, const records::Draft& draft, bool removes) {
    World& world = village_.world();
    records::RecordService& service = village_.node(from).records();
    const base::Now now = world.time_of(from);
    book_of_records_.note_draft(service.store().self(), draft);
    const auto signed_one =
        removes ? service.remove(now, draft.kind, draft.key) : service.publish(now, draft);
    world.wake(from);
    if (!signed_one) return book_of_records_.note_refusal();
    const auto record = service.store().get(*signed_one);
    if (!record || !*record) {
        return findings_.add("record-row", "machine " + std::to_string(from) +
                                               " cannot read what it has just signed");
    }
    book_of_records_.note(from, **record, world.now(), world.wall());
}

bool Play::records_are_settled() {
    return book_of_records_.is_settled(record_views(), village_.world().wall());
}

}  // namespace meshchain::sim
