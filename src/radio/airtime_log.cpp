#include "radio/airtime_log.h"

#include <algorithm>

#include "base/cursor.h"

namespace meshchain::radio {
namespace {

constexpr std::uint8_t format_version = 1;

std::int64_t minute_of(base::WallTime wall) {
    return std::chrono::floor<std::chrono::minutes>(wall).time_since_epoch().count();
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
    Row row{.minute = static_cast<std::int64_t>(in.u64() & INT64_MAX), .spent = {}};
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
    if (total == noted_) return {};
    const base::Duration reserve = reserve_of(budget);
    if (minute_of(now.wall) == minute_ && total + reserve / 2 <= written_) return {};
    return write(now, budget, reserve);
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
    minute_ = minute_of(now.wall);
    noted_ = budget.total();
    written_ = noted_ + reserve;
    return {};
}

}  // namespace meshchain::radio
