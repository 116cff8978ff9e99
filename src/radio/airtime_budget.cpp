#include "radio/airtime_budget.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::radio {
namespace {

constexpr base::Duration hour = std::chrono::hours(1);
constexpr std::int64_t million = 1'000'000;
constexpr std::int64_t ppm_of_percent = million / 100;
/// So long a mean of the channel's use remembers.
constexpr base::Duration mean_over = std::chrono::minutes(10);
constexpr std::int64_t readings_max = 100;

struct Region {
    std::string_view name;
    std::uint32_t number;  ///< as radios have it
    unsigned duty_permille;
};
/// Those whose limits the firmware enforces, and one without.
constexpr std::array regions{Region{"US", 1, 1000},      Region{"EU_433", 2, 100},
                             Region{"EU_868", 3, 100},   Region{"UA_433", 14, 100},
                             Region{"UA_868", 15, 10},   Region{"EU_866", 29, 25},
                             Region{"EU_N_868", 32, 100}};

/// Kept for what is more urgent.
constexpr std::array<unsigned, priorities> kept_at_rest{0, 100, 250, 500, 600};
constexpr std::array<unsigned, priorities> kept_without_votes{0, 0, 0, 350, 600};

constexpr bool can_wait(Priority priority) { return priority >= Priority::sync; }

/// Where the channel is busy half of all is for what is urgent alone.
unsigned kept_for(Priority priority, unsigned channel_use_percent, bool keeps_for_votes) {
    const auto& at_rest = keeps_for_votes ? kept_at_rest : kept_without_votes;
    const unsigned kept = at_rest[static_cast<std::size_t>(priority)];
    const unsigned busy_from = can_wait(priority) ? AirtimeBudget::bulk_halved_from_percent
                                                  : AirtimeBudget::halved_from_percent;
    const bool is_busy = channel_use_percent >= busy_from;
    return is_busy && priority != Priority::urgent ? (1000 + kept) / 2 : kept;
}

base::Duration permille(base::Duration of, unsigned count) {
    return of / 1000 * static_cast<std::int64_t>(count);
}

base::Duration hourly(const AirtimeOptions& options) {
    MESH_ASSERT(options.share_permille > 0 && options.share_permille <= 1000);
    MESH_ASSERT(options.duty_permille > 0 && options.duty_permille <= 1000);
    MESH_ASSERT(options.percent > 0 && options.percent <= 100);
    const base::Duration lawful = permille(hour, options.duty_permille);
    const base::Duration all = std::min(permille(hour, options.share_permille),
                                        options.duty_permille == 1000 ? lawful : lawful / 2);
    return all / 100 * static_cast<std::int64_t>(options.percent);
}

}  // namespace

std::string_view name(Priority priority) {
    switch (priority) {
        case Priority::urgent: return "urgent";
        case Priority::block: return "block";
        case Priority::transaction: return "transaction";
        case Priority::sync: return "sync";
        case Priority::record: return "record";
    }
    return "unknown";
}

std::string_view name(AirtimeBudget::Reason reason) {
    switch (reason) {
        case AirtimeBudget::Reason::pace: return "pace";
        case AirtimeBudget::Reason::hour: return "hour";
        case AirtimeBudget::Reason::channel: return "channel";
        case AirtimeBudget::Reason::paused: return "paused";
        case AirtimeBudget::Reason::too_long: return "too_long";
    }
    return "unknown";
}

std::optional<unsigned> duty_permille_of(std::string_view region) {
    const auto found = std::ranges::find(regions, region, &Region::name);
    if (found == regions.end()) return std::nullopt;
    return found->duty_permille;
}

unsigned duty_permille_of(std::uint32_t region) {
    const auto found = std::ranges::find(regions, region, &Region::number);
    return found == regions.end() ? 1000 : found->duty_permille;
}

AirtimeBudget::AirtimeBudget(base::Instant now, const AirtimeOptions& options)
    : options_(options), use_read_(now), filled_(now), newest_part_(part_of(now)) {
    size();
    tokens_ = capacity_;
}

void AirtimeBudget::size() {
    AirtimeOptions options = options_;
    if (setting_) options.duty_permille = std::min(options.duty_permille, setting_->duty_permille);
    per_hour_ = hourly(options);
    per_million_ = per_hour_ / (hour / million);
    // A quarter of an hour's share, or the longest packet where that is longer.
    capacity_ = std::max(per_hour_ / 4,
                         std::min(per_hour_ / 2, time_on_air(modulation(), packet_bytes_max)));
}

void AirtimeBudget::follow(base::Instant now, const RadioSetting& setting) {
    if (setting_ == setting) return;
    tokens_ = tokens(now);
    filled_ = now;
    setting_ = setting;
    size();
    tokens_ = std::min(tokens_, capacity_);
}

void AirtimeBudget::note_channel_use(base::Instant now, unsigned percent) {
    tokens_ = tokens(now);
    filled_ = now;
    const std::int64_t said = std::int64_t{percent} * ppm_of_percent;
    // The product below does not hold a silence of three hours; one that lets all readings lapse is
    // as good.
    const base::Duration since = std::min<base::Duration>(now - use_read_, reading_lasts);
    if (since == reading_lasts) readings_ = 0;
    readings_ = std::min(readings_ + 1, readings_max);
    // Near enough to an exponential mean where readings come each minute; the first ones weigh
    // alike.
    const auto weight = std::max(million * since / (since + mean_over), million / readings_);
    use_ppm_ += (said - use_ppm_) * weight / million;
    use_read_ = now;
}

unsigned AirtimeBudget::channel_use_percent(base::Instant now) const {
    if (now - use_read_ >= reading_lasts) return 0;
    return static_cast<unsigned>((use_ppm_ + ppm_of_percent / 2) / ppm_of_percent);
}

std::optional<AirtimeBudget::Deferral> AirtimeBudget::deferral(base::Instant now, Priority priority,
                                                               base::Duration airtime) const {
    if (is_paused_) return Deferral{base::never, Reason::paused};
    const unsigned use = channel_use_percent(now);
    if ((use >= bulk_stops_at_percent && can_wait(priority)) ||
        (use >= urgent_only_from_percent && priority > Priority::block)) {
        return Deferral{use_read_ + reading_lasts, Reason::channel};
    }
    if (!allows(priority, airtime)) return Deferral{base::never, Reason::too_long};
    const unsigned kept_permille = kept_for(priority, use, options_.keeps_for_votes);
    const base::Instant hour_ends = hour_until(now, airtime, permille(per_hour_, kept_permille));
    const base::Instant until =
        pace_until(now, hour_ends, airtime, permille(capacity_, kept_permille));
    if (until > hour_ends) return Deferral{until, Reason::pace};
    if (until > now) return Deferral{until, Reason::hour};
    return std::nullopt;
}

bool AirtimeBudget::allows(Priority priority, base::Duration airtime) const {
    return airtime <= capacity_ &&
           airtime <=
               per_hour_ - permille(per_hour_, kept_for(priority, 0, options_.keeps_for_votes));
}

void AirtimeBudget::spend(base::Instant now, base::Duration airtime, Priority priority) {
    MESH_ASSERT(!deferral(now, Priority::urgent, airtime));
    tokens_ = tokens(now) - airtime;
    filled_ = now;
    const std::int64_t current = part_of(now);
    // What lies between was not spent in; more than all parts back is the same as all of them.
    newest_part_ = std::max(newest_part_, current - parts);
    while (newest_part_ < current) {
        spent_[place_of(++newest_part_)] = {};
        urgent_spent_[place_of(newest_part_)] = {};
    }
    spent_[place_of(current)] += airtime;
    if (priority == Priority::urgent) urgent_spent_[place_of(current)] += airtime;
    total_ += airtime;
}

base::Duration AirtimeBudget::spent(base::Instant now) const {
    const std::int64_t current = part_of(now);
    base::Duration sum{};
    for (std::int64_t number = current - parts + 1; number <= current; ++number) {
        sum += spent_in(number);
    }
    return sum;
}

base::Duration AirtimeBudget::urgent_spent(base::Instant now, std::int64_t minutes) const {
    const std::int64_t current = part_of(now);
    base::Duration sum{};
    for (std::int64_t number = current - minutes + 1; number <= current; ++number) {
        sum += urgent_spent_in(number);
    }
    return sum;
}

AirtimeBudget::Minutes AirtimeBudget::spent_by_minute(base::Instant now) const {
    Minutes minutes;
    const std::int64_t current = part_of(now);
    for (std::int64_t i = 0; i < parts; ++i) {
        minutes[static_cast<std::size_t>(i)] = spent_in(current - i);
    }
    return minutes;
}

void AirtimeBudget::restore(base::Instant now, const Minutes& spent) {
    MESH_ASSERT(total_ == base::Duration{});
    newest_part_ = part_of(now);
    base::Duration sum{};
    for (std::int64_t i = 0; i < parts; ++i) {
        spent_[place_of(newest_part_ - i)] = spent[static_cast<std::size_t>(i)];
        sum += spent[static_cast<std::size_t>(i)];
    }
    // How full the bucket was nobody wrote down; it is no fuller than this. Nor what was urgent:
    // none of it counts as such.
    tokens_ = std::max(base::Duration{}, capacity_ - sum);
    filled_ = now;
}

base::Duration AirtimeBudget::left(base::Instant now) const {
    const bool is_busy = channel_use_percent(now) >= halved_from_percent;
    const base::Duration kept = is_busy ? per_hour_ / 2 : base::Duration{};
    const base::Duration still_kept = std::max(kept - urgent_spent(now), base::Duration{});
    return std::max(per_hour_ - spent(now) - still_kept, base::Duration{});
}

std::int64_t AirtimeBudget::part_of(base::Instant now) {
    MESH_ASSERT(now.time_since_epoch().count() >= 0);
    return now.time_since_epoch() / part + parts;
}

base::Duration AirtimeBudget::spent_in(std::int64_t number) const {
    return is_in_hour(number) ? spent_[place_of(number)] : base::Duration{};
}

base::Duration AirtimeBudget::urgent_spent_in(std::int64_t number) const {
    return is_in_hour(number) ? urgent_spent_[place_of(number)] : base::Duration{};
}

base::Duration AirtimeBudget::tokens(base::Instant now) const {
    // Two hours fill any bucket; more would only overflow.
    const base::Duration elapsed = std::min<base::Duration>(now - filled_, 2 * hour);
    const base::Duration gained = elapsed * per_million_ / million;
    return std::min(capacity_, tokens_ + gained);
}

base::Instant AirtimeBudget::filled_at(base::Instant now, base::Duration needed) const {
    const base::Duration missing = needed - tokens(now);
    if (missing <= base::Duration{}) return now;
    // What is gained in two steps may round down twice.
    const base::Duration takes =
        (missing * million + base::Duration(per_million_ - 1)) / per_million_;
    return now + takes + base::Duration(2);
}

/// `kept` for what is more urgent, of which that has used up what it spent while the bucket fills.
base::Instant AirtimeBudget::pace_until(base::Instant now, base::Instant from,
                                        base::Duration airtime, base::Duration kept) const {
    const auto needed = [&](base::Instant at) {
        const base::Duration still_kept = kept - urgent_spent(at, minutes_to_fill());
        // From a full bucket everybody may take.
        return std::min(capacity_, airtime + std::max(still_kept, base::Duration{}));
    };
    // What was spent is kept again once it is long ago.
    base::Instant until = from;
    while (true) {
        const base::Instant filled = filled_at(now, needed(until));
        if (filled <= until) return until;
        until = filled;
    }
}

/// `kept` for what is more urgent, of which that has used up what it spent.
base::Instant AirtimeBudget::hour_until(base::Instant now, base::Duration airtime,
                                        base::Duration kept) const {
    // Too much for half an hour's share; the channel may be quieter then.
    if (airtime > per_hour_ - kept) return use_read_ + reading_lasts;
    const std::int64_t current = part_of(now);
    base::Duration sum = spent(now);
    base::Duration urgent = urgent_spent(now);
    const auto fits = [&] {
        return sum + airtime + std::max(kept - urgent, base::Duration{}) <= per_hour_;
    };
    if (fits()) return now;
    std::int64_t number = current - parts;
    while (!fits()) {
        sum -= spent_in(++number);
        urgent -= urgent_spent_in(number);
    }
    // It leaves the hour when the one that is so many later begins.
    return base::Instant(part * number);
}

}  // namespace meshchain::radio
