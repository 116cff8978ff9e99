#include "kv/flash_log.h"

#include <algorithm>

#include "base/assert.h"
#include "kv/flash_log_engine.h"

namespace meshchain::kv {
namespace {

constexpr Table schema{flash::schema_table};

}  // namespace

/// One state of the log: its runs, which stay where they are until the view is gone.
class FlashLogView final : public View {
public:
    explicit FlashLogView(FlashLog& store)
        : store_(&store),
          levels_(store.engine_->levels()),
          counts_(store.engine_->counts()),
          pin_(store.engine_->pin()) {
        ++store_->stats_.snapshots_open;
    }
    ~FlashLogView() override {
        store_->engine_->unpin(pin_);
        --store_->stats_.snapshots_open;
    }
    FlashLogView(const FlashLogView&) = delete;
    FlashLogView& operator=(const FlashLogView&) = delete;

    std::expected<bool, base::Error> get_into(Table table, base::Bytes key,
                                              base::Buffer& value) override {
        return get_from(*store_, levels_, table, key, value);
    }
    std::expected<std::size_t, base::Error> scan(const Range& range, Visitor visit) override {
        return scan_in(*store_, levels_, range, visit);
    }
    std::expected<std::uint64_t, base::Error> count(Table table) override {
        store_->check_declared(table);
        return counts_[index_of(table)];
    }

    static std::expected<bool, base::Error> get_from(FlashLog& store, const flash::Levels& levels,
                                                     Table table, base::Bytes key,
                                                     base::Buffer& value);
    static std::expected<std::size_t, base::Error> scan_in(FlashLog& store,
                                                           const flash::Levels& levels,
                                                           const Range& range, Visitor visit);

private:
    FlashLog* store_;
    flash::Levels levels_;
    flash::TableCounts counts_;
    std::size_t pin_;
};

std::expected<bool, base::Error> FlashLogView::get_from(FlashLog& store,
                                                        const flash::Levels& levels, Table table,
                                                        base::Bytes key, base::Buffer& value) {
    store.check_declared(table);
    value.clear();
    ++store.stats_.reads;
    if (key.empty() || key.size() > key_bytes_max) return false;
    auto found =
        store.noted(store.engine_->get(levels, static_cast<std::uint8_t>(table), key, value));
    if (found && *found) ++store.stats_.reads_found;
    return found;
}

std::expected<std::size_t, base::Error> FlashLogView::scan_in(FlashLog& store,
                                                              const flash::Levels& levels,
                                                              const Range& range, Visitor visit) {
    store.check_declared(range.table);
    ++store.stats_.scans;
    const auto counted = [&](base::Bytes key, base::Bytes value) {
        ++store.stats_.entries_visited;
        return visit(key, value);
    };
    return store.noted(store.engine_->scan(levels, range, counted));
}

std::expected<void, base::Error> FlashLog::format(base::Region& region,
                                                  std::uint32_t segment_bytes) {
    if (segment_bytes == 0) segment_bytes = flash::usual_segment_bytes(region);
    return flash::Engine::format(region, segment_bytes);
}

std::expected<std::unique_ptr<FlashLog>, base::Error> FlashLog::open(
    std::unique_ptr<base::Region> region, const StoreOptions& options,
    const FlashLogOptions& flash_options) {
    MESH_CHECK(check_tables(options.tables));
    MESH_TRY(auto engine, flash::Engine::open(*region, flash_options));
    std::unique_ptr<FlashLog> store(new FlashLog(std::move(region), std::move(engine),
                                                 options.quota_bytes, flash_options.read_only));
    const auto declared = store->declare(options.tables);
    if (declared) return store;
    // Rows of names that are lost say nothing against those that are given.
    if (flash_options.ends_at_damage && declared.error().code == base::Errc::corrupt) return store;
    return std::unexpected(declared.error());
}

FlashLog::FlashLog(std::unique_ptr<base::Region> region, std::unique_ptr<flash::Engine> engine,
                   std::uint64_t quota_bytes, bool read_only)
    : region_(std::move(region)),
      engine_(std::move(engine)),
      quota_bytes_(quota_bytes),
      read_only_(read_only) {}

FlashLog::~FlashLog() { MESH_ASSERT(stats_.snapshots_open == 0); }

/// The names are entries of a table of their own: key number, value name.
std::expected<void, base::Error> FlashLog::declare(std::span<const TableInfo> tables) {
    for (const TableInfo& info : tables) declared_[index_of(info.table)] = true;
    std::array<bool, tables_max> is_stored{};
    std::expected<void, base::Error> checked;
    const auto check = [&](base::Bytes key, base::Bytes value) {
        const auto number = std::to_integer<std::size_t>(key.front());
        if (number >= tables_max) return true;
        is_stored[number] = true;
        checked = check_stored_table({static_cast<Table>(number), base::as_text(value)}, tables);
        return checked.has_value();
    };
    MESH_CHECK(engine_->scan(engine_->levels(), {.table = schema}, check));
    MESH_CHECK(checked);
    Batch batch;
    batch.allow_reserve();
    for (const TableInfo& info : tables) {
        if (is_stored[index_of(info.table)]) continue;
        const std::byte number{static_cast<std::uint8_t>(info.table)};
        batch.put(schema, {&number, 1}, base::as_bytes(info.name));
    }
    if (batch.empty() || read_only_) return {};
    return engine_->commit(batch);
}

template <class Result>
Result FlashLog::noted(Result result) {
    if (!result && result.error().code == base::Errc::corrupt) ++stats_.corruptions;
    return result;
}

std::expected<void, base::Error> FlashLog::check_open() const {
    if (region_ != nullptr) return {};
    return base::failure(base::Errc::closed, "the store is closed", "kv flash log");
}

void FlashLog::check_declared(Table table) const {
    MESH_ASSERT(index_of(table) < tables_max && declared_[index_of(table)]);
}

std::expected<bool, base::Error> FlashLog::get_into(Table table, base::Bytes key,
                                                    base::Buffer& value) {
    MESH_CHECK(check_open());
    return FlashLogView::get_from(*this, engine_->levels(), table, key, value);
}

std::expected<std::size_t, base::Error> FlashLog::scan(const Range& range, Visitor visit) {
    MESH_CHECK(check_open());
    return FlashLogView::scan_in(*this, engine_->levels(), range, visit);
}

std::expected<std::uint64_t, base::Error> FlashLog::count(Table table) {
    MESH_CHECK(check_open());
    check_declared(table);
    return engine_->counts()[index_of(table)];
}

std::expected<void, base::Error> FlashLog::check_commit(const Batch& batch) const {
    MESH_CHECK(check_open());
    if (is_read_only()) {
        return base::failure(base::Errc::unavailable, "the store is read-only", "kv flash log",
                             "a commit failed before: mend the medium and restart the node");
    }
    MESH_CHECK(batch.check());
    for (std::size_t i = 0; i < batch.size(); ++i) check_declared(batch.operation(i).table);
    return account().check(batch);
}

std::expected<void, base::Error> FlashLog::commit(const Batch& batch) {
    auto done = check_commit(batch);
    if (done && !batch.empty()) done = noted(engine_->commit(batch));
    stats_.note_commit(batch, done.has_value());
    return done;
}

bool FlashLog::is_read_only() const {
    return read_only_ || (engine_ != nullptr && engine_->is_doubtful());
}

std::expected<std::unique_ptr<View>, base::Error> FlashLog::snapshot() {
    MESH_CHECK(check_open());
    if (stats_.snapshots_open >= snapshots_max) {
        return base::failure(base::Errc::full,
                             std::to_string(snapshots_max) + " snapshots are open", "kv flash log",
                             "drop one first");
    }
    // So that a snapshot takes no memory for entries; where nothing can be written, a copy of them.
    if (!engine_->levels().memory.empty() && !is_read_only()) {
        MESH_CHECK(noted(engine_->checkpoint()));
    }
    return std::make_unique<FlashLogView>(*this);
}

Quota FlashLog::quota() const {
    Quota quota = account();
    // With much of it in pieces the medium may be full before its bytes are.
    if (engine_ != nullptr && engine_->is_full()) {
        quota.used_bytes = std::max(quota.used_bytes, quota.limit_bytes);
    }
    return quota;
}

std::uint64_t FlashLog::sequence() const { return engine_ == nullptr ? 0 : engine_->sequence(); }

Quota FlashLog::account() const {
    Quota quota{.limit_bytes = quota_bytes_};
    if (engine_ == nullptr) return quota;
    const std::uint64_t capacity = std::max<std::uint64_t>(engine_->capacity_bytes(), 1);
    quota.limit_bytes = quota_bytes_ == 0 ? capacity : std::min(quota_bytes_, capacity);
    quota.used_bytes = engine_->live_bytes();
    return quota;
}

std::expected<void, base::Error> FlashLog::verify() {
    MESH_CHECK(check_open());
    return noted(engine_->verify());
}

std::expected<void, base::Error> FlashLog::close() {
    if (stats_.snapshots_open > 0) {
        return base::failure(base::Errc::locked,
                             std::to_string(stats_.snapshots_open) + " snapshots are open",
                             "kv flash log", "drop them first");
    }
    if (region_ == nullptr) return {};
    // A medium without room or with a fault keeps the log as it is, which is all there.
    if (!is_read_only() && !engine_->levels().memory.empty()) (void)engine_->checkpoint();
    engine_.reset();
    region_.reset();
    return {};
}

std::expected<bool, base::Error> FlashLog::collect(std::uint32_t bytes) {
    MESH_CHECK(check_open());
    if (is_read_only()) return false;
    return noted(engine_->collect(bytes));
}

std::expected<void, base::Error> FlashLog::checkpoint() {
    MESH_CHECK(check_open());
    if (is_read_only()) return {};
    return noted(engine_->checkpoint());
}

FlashLogFigures FlashLog::figures() const {
    return engine_ == nullptr ? FlashLogFigures{} : engine_->figures();
}

}  // namespace meshchain::kv
