#include "radio/airtime_log.h"

#include <algorithm>

#include "base/cursor.h"

namespace meshchain::radio {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::uint64_t minutes_max = UINT32_MAX;
/// A wall clock that gains so much on the other was set.
constexpr base::Duration clock_step = std::chrono::minutes(1);

/// Before 1970 there was no radio of ours.
std::int64_t minute_of(base::WallTime wall) {
    return std::max<std::int64_t>(
        0, std::chrono::floor<std::chrono::minutes>(wall).time_since_epoch().count());
}

base::Buffer encode(std::int64_t minute, const AirtimeBudget::Minutes& spent) {
    base::Buffer row;
    base::Writer out(row);
    out.u8(format_version).u64(static_cast<std::uint64_t>(minute));
    for (const base::Duration in_minute : spent) {
        out.u32(
            static_cast<std::uint32_t>(std::chrono::ceil<base::Milliseconds>(in_minute).count()));
    }
    return row;
}

struct Row {
    std::int64_t minute;
    AirtimeBudget::Minutes spent;
};

std::expected<Row, base::Error> parse(base::Bytes bytes) {
    base::Reader in(bytes);
    if (in.u8() != format_version) in.fail();
    const std::uint64_t minute = in.u64();
    if (minute > minutes_max) in.fail();
    Row row{.minute = static_cast<std::int64_t>(minute), .spent = {}};
    for (base::Duration& in_minute : row.spent) in_minute = base::Milliseconds(in.u32());
    MESH_CHECK(in.finish("airtime spent"));
    return row;
}

/// As far ahead as costs little: half a minute of the hour's pace.
base::Duration reserve_of(const AirtimeBudget& budget) { return budget.per_hour() / 120; }

}  // namespace

AirtimeLog::AirtimeLog(kv::Store& store, kv::Table table, base::Buffer radio)
    : store_(store), table_(table), radio_(std::move(radio)) {}

std::expected<void, base::Error> AirtimeLog::restore(base::Now now, AirtimeBudget& budget) {
    MESH_TRY(const auto bytes, store_.get(table_, radio_));
    if (!bytes) return {};
    auto row = parse(*bytes);
    if (!row) {
        row.error().code = base::Errc::corrupt;
        AirtimeBudget::Minutes all{};
        all.front() = budget.per_hour();
        budget.restore(now.instant, all);
        return std::unexpected(std::move(row).error());
    }
    const std::int64_t age = std::max<std::int64_t>(0, minute_of(now.wall) - row->minute);
    AirtimeBudget::Minutes spent{};
    for (std::size_t i = 0; i < row->spent.size(); ++i) {
        // A minute of the wall clock and one of the budget do not begin together: rather too late.
        const std::int64_t since = std::max<std::int64_t>(0, std::int64_t(i) + age - 1);
        if (since < std::int64_t(spent.size())) {
            spent[static_cast<std::size_t>(since)] += row->spent[i];
        }
    }
    budget.restore(now.instant, spent);
    return {};
}

std::expected<void, base::Error> AirtimeLog::note(base::Now now, const AirtimeBudget& budget) {
    const base::Duration total = budget.total();
    const base::Duration reserve = reserve_of(budget);
    const bool is_spent = total != noted_ && (is_old(now) || total + reserve / 2 > written_);
    return is_spent || was_set(now) ? write(now, budget, reserve)
                                    : std::expected<void, base::Error>();
}

bool AirtimeLog::is_old(base::Now now) const {
    return !noted_at_ || minute_of(now.wall) != minute_of(noted_at_->wall);
}

bool AirtimeLog::was_set(base::Now now) const {
    return noted_at_ &&
           (now.wall - noted_at_->wall) - (now.instant - noted_at_->instant) > clock_step;
}

std::expected<void, base::Error> AirtimeLog::close(base::Now now, const AirtimeBudget& budget) {
    return written_ == budget.total() ? std::expected<void, base::Error>() : write(now, budget, {});
}

std::expected<void, base::Error> AirtimeLog::write(base::Now now, const AirtimeBudget& budget,
                                                   base::Duration reserve) {
    AirtimeBudget::Minutes spent = budget.spent_by_minute(now.instant);
    spent.front() += reserve;
    kv::Batch batch;
    batch.put(table_, radio_, encode(minute_of(now.wall), spent));
    batch.allow_reserve();
    MESH_CHECK(store_.commit(batch));
    noted_at_ = now;
    noted_ = budget.total();
    written_ = noted_ + reserve;
    return {};
}

}  // namespace meshchain::radio
