#include "host/time_text.h"

#include <charconv>
#include <cstdio>
#include <optional>

namespace meshchain::host {
namespace {

namespace chrono = std::chrono;

/// Takes `digits` decimal digits off the front of `text`, then `separator` (none if 0).
std::optional<int> take(std::string_view& text, std::size_t digits, char separator) {
    int value = 0;
    if (text.size() < digits || text[0] == '-') return {};
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
    if (error != std::errc{} || end != text.data() + digits) return {};
    text.remove_prefix(digits);
    if (separator == 0) return value;
    if (text.empty() || text[0] != separator) return {};
    text.remove_prefix(1);
    return value;
}

std::optional<base::WallTime> parse(std::string_view text) {
    const auto year = take(text, 4, '-');
    const auto month = take(text, 2, '-');
    const auto day = take(text, 2, 'T');
    const auto hour = take(text, 2, ':');
    const auto minute = take(text, 2, ':');
    const auto second = take(text, 2, 0);
    std::optional<int> millisecond = 0;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        millisecond = take(text, 3, 0);
    }
    if (!year || !month || !day || !hour || !minute || !second || !millisecond || text != "Z") {
        return {};
    }
    const chrono::year_month_day date{chrono::year(*year), chrono::month(unsigned(*month)),
                                      chrono::day(unsigned(*day))};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return {};
    const auto time = chrono::sys_days(date).time_since_epoch() + chrono::hours(*hour) +
                      chrono::minutes(*minute) + chrono::seconds(*second) +
                      chrono::milliseconds(*millisecond);
    return base::WallTime(chrono::duration_cast<base::Milliseconds>(time));
}

}  // namespace

std::string to_iso(base::WallTime time) {
    const chrono::sys_time<base::Milliseconds> point(time.time_since_epoch());
    const auto day = chrono::floor<chrono::days>(point);
    const chrono::year_month_day date(day);
    const chrono::hh_mm_ss clock(point - day);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int(date.year()),
                  unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                  int(clock.minutes().count()), int(clock.seconds().count()),
                  int(clock.subseconds().count()));
    return text;
}

std::expected<base::WallTime, base::Error> parse_iso(std::string_view text) {
    if (const auto time = parse(text)) return *time;
    return base::failure(base::Errc::malformed,
                         "'" + std::string(text.substr(0, 60)) + "' is no time", "time",
                         "write it in UTC like 2026-11-21T02:00:00Z");
}

std::string span_text(base::Duration span) {
    struct Unit {
        const char* name;
        base::Duration length;
    };
    constexpr Unit units[] = {{" d", chrono::hours(24)},
                              {" h", chrono::hours(1)},
                              {" min", chrono::minutes(1)},
                              {" s", chrono::seconds(1)}};
    std::string text;
    for (const Unit& unit : units) {
        const auto count = span / unit.length;
        if (count == 0 && text.empty()) continue;
        const bool second = !text.empty();
        if (count != 0) text += (second ? " " : "") + std::to_string(count) + unit.name;
        if (second) return text;
        span -= count * unit.length;
    }
    if (!text.empty()) return text;
    return std::to_string(chrono::duration_cast<chrono::milliseconds>(span).count()) + " ms";
}

}  // namespace meshchain::host
