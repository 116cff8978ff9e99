// What people have their nodes sign beside payments, and ask them: alerts and that they saw them,
// what nodes say of themselves, what they saw, and searches for it.

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
constexpr auto state_lifetime = std::chrono::hours(1);
/// So few that the same things are seen again, and removed.
constexpr std::size_t things_each = 12;
constexpr std::size_t states_each = 3;
/// Of those that are known, the newest are acknowledged.
constexpr std::size_t alerts_seen = 8;
constexpr base::Duration patience = std::chrono::seconds(5);
constexpr std::size_t searches_in_the_end = 8;

/// What somebody looks like who is said so: near nobody else.
records::Embedding likeness(std::string_view saying) {
    base::Random random = base::Random(0).stream(saying);
    std::array<float, records::Embedding::dimensions> numbers{};
    for (float& number : numbers) number = static_cast<float>(random.below(2'001)) - 1'000;
    return records::quantise(numbers).value();
}

}  // namespace

/// A search in the end, and what it is to find.
struct Play::Question {
    const RecordBook::Entry& wanted;
    records::RegistryQuery query;
    std::size_t asker;
};

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

void Play::schedule_acts(base::Duration every, Act act) {
    if (every <= base::Duration{}) return;
    const auto go_on = [this, every, act](const auto& self, base::Instant when) -> void {
        village_.world().at(when, [this, self, every, act] {
            if (healing_since_ != base::Instant{}) return;
            const std::size_t from = random_.below(village_.nodes());
            if (village_.is_on(from) && village_.is_honest(from) &&
                village_.node(from).has_power()) {
                (this->*act)(from);
                village_.world().wake(from);
            }
            self(self, village_.world().now() + random_.between(every / 2, every * 3 / 2));
        });
    };
    go_on(go_on, World::start + first_record);
}

void Play::schedule_records() {
    if (!scenario_.shares_records()) return;
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        book_of_records_.note_node(village_.node(i).credentials().identity().public_key());
    }
    schedule_acts(scenario_.alerts, &Play::raise_alert);
    schedule_acts(scenario_.records, &Play::publish_entry);
    schedule_acts(scenario_.states, &Play::publish_state);
    schedule_acts(scenario_.acknowledgements, &Play::acknowledge_alert);
    schedule_acts(scenario_.searches, &Play::search_something);
}

void Play::raise_alert(std::size_t from) {
    const records::Alert alert{
        static_cast<records::AlertPriority>(random_.below(4)), next_saying(), {}};
    records::RecordService& service = village_.node(from).records();
    book_of_records_.note_draft(service.store().self(),
                                {.kind = RecordKind::alert, .body = records::encode(alert)});
    note_signed(from, service.send_alert(village_.world().time_of(from), alert,
                                         scenario_.air ? alert_lifetime_on_air : alert_lifetime));
}

void Play::publish_entry(std::size_t from) {
    records::RecordService& service = village_.node(from).records();
    const std::string name = "thing " + std::to_string(random_.below(things_each));
    const bool removes = random_.chance(1, 8);
    records::Draft draft{.kind = RecordKind::registry,
                         .key = base::to_buffer(base::as_bytes(name)),
                         .lifetime = entry_lifetime};
    records::RegistryEntry entry;
    entry.type = next_saying();
    if (scenario_.searches > base::Duration{}) entry.embedding = likeness(entry.type);
    if (!removes) draft.body = records::encode(records::fitted(name, entry));
    const auto& segments = service.store().segments();
    if (!segments.empty()) draft.segment = segments[0];
    book_of_records_.note_draft(service.store().self(), draft);
    const base::Now now = village_.world().time_of(from);
    note_signed(from,
                removes ? service.remove(now, draft.kind, draft.key) : service.publish(now, draft));
}

void Play::publish_state(std::size_t from) {
    records::RecordService& service = village_.node(from).records();
    const std::string key = "part " + std::to_string(random_.below(states_each));
    const std::string text = next_saying();
    book_of_records_.note_draft(service.store().self(),
                                {.kind = RecordKind::state,
                                 .key = base::to_buffer(base::as_bytes(key)),
                                 .body = base::to_buffer(base::as_bytes(text))});
    note_signed(from,
                service.publish_state(village_.world().time_of(from), key, text, state_lifetime));
}

void Play::acknowledge_alert(std::size_t from) {
    records::RecordService& service = village_.node(from).records();
    const auto known = service.alerts(alerts_seen);
    if (!known || known->empty()) return;
    const wire::RecordId alert = (*known)[random_.below(known->size())].id;
    const records::Acknowledgement by{"somebody", next_saying()};
    book_of_records_.note_draft(service.store().self(),
                                {.kind = RecordKind::acknowledgement, .body = records::encode(by)});
    note_signed(from, service.acknowledge(village_.world().time_of(from), alert, by));
}

/// While all goes wrong an answer may have any part of what there is, so this one is for the load.
void Play::search_something(std::size_t from) {
    const std::string saying =
        "seen for the " + std::to_string(1 + random_.below(records_said_ + 1)) + ". time";
    const auto asked = village_.node(from).records().search_mesh(
        village_.world().time_of(from), {.like = likeness(saying), .count = 3}, patience);
    if (!asked) book_of_records_.note_refusal();
}

void Play::note_signed(std::size_t from, const std::expected<wire::RecordId, base::Error>& result) {
    if (!result) return book_of_records_.note_refusal();
    World& world = village_.world();
    const auto record = village_.node(from).records().store().get(*result);
    if (!record || !*record) {
        return findings_.add("record-row", "machine " + std::to_string(from) +
                                               " cannot read what it has just signed");
    }
    book_of_records_.note(from, **record, world.now(), world.wall(), world.time_of(from).wall);
}

bool Play::has_right_clock(std::size_t index) const {
    const auto off = village_.world().time_of(index).wall - village_.world().wall();
    return std::chrono::abs(off) <= records::RecordStore::clock_grace;
}

/// Whoever's clock is wrong may hold what others say for ended.
void Play::follow_records() {
    RecordBook::Views views = record_views();
    std::erase_if(views, [this](const auto& view) { return !has_right_clock(view.machine); });
    book_of_records_.follow(views, village_.world().now());
}

/// On the air there are no receipts.
std::optional<RecordBook::Told> Play::told_of(const RecordBook::Entry& entry) {
    if (scenario_.air) return std::nullopt;
    NodeMachine& origin = village_.node(entry.machine);
    RecordBook::Told told{.holders = {}, .reachable = origin.node().neighbourhood().reachable()};
    if (const auto view = origin.records().alert(entry.id)) told.holders = view->holders;
    return told;
}

bool Play::records_are_settled() {
    return book_of_records_.is_settled(record_views(), village_.world().wall(),
                                       [this](const auto& entry) { return told_of(entry); });
}

void Play::judge_records() {
    const base::WallTime wall = village_.world().wall();
    book_of_records_.complain(
        record_views(), wall, [this](const auto& entry) { return told_of(entry); }, findings_);
    if (!scenario_.air) report_.alerts_proven = book_of_records_.with_receipts(wall);
    if (!scenario_.shares_records()) return;
    check_record_traffic(report_.traffic, report_.of_attackers,
                         {.records = book_of_records_.entries().size(),
                          .nodes = village_.nodes(),
                          .starts = starts_,
                          .time = since_start()},
                         findings_);
}

void Play::check_alerted(const Step& step) {
    const base::Instant now = village_.world().now();
    std::int64_t judged = 0;
    std::int64_t in_time = 0;
    for (const RecordBook::Entry& entry : book_of_records_.entries()) {
        if (entry.address.kind != RecordKind::alert || entry.is_excused) continue;
        if (now - entry.sent < step.time) continue;
        ++judged;
        in_time += entry.to_all && *entry.to_all <= step.time;
    }
    if (judged > 0 && 100 * in_time >= step.number * judged) return;
    findings_.add("promise", std::to_string(in_time) + " of " + std::to_string(judged) +
                                 " alerts came to all within " + duration_text(step.time));
}

void Play::check_refused(const Step& step, std::size_t index) {
    if (!village_.is_on(index)) return;
    const auto& refused = village_.node(index).records().store().stats().refused;
    const std::uint64_t ahead = refused[static_cast<std::size_t>(records::Refusal::future)];
    if (ahead >= static_cast<std::uint64_t>(step.number)) return;
    findings_.add("promise", "machine " + std::to_string(index) + " refused " +
                                 std::to_string(ahead) + " records that were dated ahead");
}

/// What all hold by now, and what was removed, asked of the whole mesh by somebody.
void Play::judge_searches() {
    if (scenario_.searches <= base::Duration{}) return;
    auto due = book_of_records_.due(village_.world().wall());
    std::erase_if(due, [](const auto* e) { return e->address.kind != RecordKind::registry; });
    for (std::size_t i = 0; i < searches_in_the_end && !due.empty(); ++i) {
        const RecordBook::Entry& wanted = *due[random_.below(due.size())];
        const std::size_t asker = random_.below(village_.nodes());
        if (!village_.is_honest(asker) || !village_.is_on(asker)) continue;
        const auto held = village_.node(wanted.machine).records().store().get(wanted.id);
        if (!held || !*held) continue;
        Question question{.wanted = wanted, .query = {.count = 3}, .asker = asker};
        const auto said = records::parse_registry_entry((*held)->body);
        if ((*held)->tombstone) {
            question.query.node = wanted.address.origin;
            question.query.hash = base::as_text(wanted.address.key);
        } else if (said) {
            question.query.like = likeness(said->type);
        }
        judge_search(question);
    }
}

void Play::judge_search(const Question& question) {
    World& world = village_.world();
    records::RecordService& service = village_.node(question.asker).records();
    const auto number =
        service.search_mesh(world.time_of(question.asker), question.query, patience);
    world.wake(question.asker);
    world.run_until(world.now() + patience + std::chrono::seconds(1));
    findings_.set_time(since_start());
    if (!number) return findings_.add("search", base::sentence(number.error()));
    const auto answer = service.search_view(world.time_of(question.asker), *number);
    if (!answer) return findings_.add("search", base::sentence(answer.error()));
    ++report_.searches;
    judge_answer(question, *answer);
}

void Play::judge_answer(const Question& question, const records::SearchView& answer) {
    const records::Address& wanted = question.wanted.address;
    const std::string what = "'" + std::string(base::as_text(wanted.key)) + "' of " +
                             crypto::to_hex(wanted.origin).substr(0, 8);
    const std::string who = "machine " + std::to_string(question.asker);
    const bool is_there = question.query.like.has_value();
    const bool is_found = !answer.hits.empty() && answer.hits[0].id == question.wanted.id;
    if (is_there && !is_found) findings_.add("search", who + " does not find " + what);
    if (!is_there && !answer.hits.empty()) {
        findings_.add("search", who + " finds " + what + ", which was removed");
    }
}

}  // namespace meshchain::sim
