#include "kv/memory_store.h"

#include <algorithm>

#include "base/assert.h"
#include "kv/checksum.h"

namespace meshchain::kv {

/// Reads one state through tables that it shares: the medium's newest, or a snapshot's.
class MemoryView final : public View {
public:
    using Entries = MemoryMedium::Entries;
    using Tables = std::array<std::shared_ptr<const Entries>, tables_max>;

    MemoryView(MemoryStore& store, Tables tables) : store_(&store), tables_(std::move(tables)) {
        ++store_->stats_.snapshots_open;
    }
    ~MemoryView() override { --store_->stats_.snapshots_open; }
    MemoryView(const MemoryView&) = delete;
    MemoryView& operator=(const MemoryView&) = delete;

    std::expected<bool, base::Error> get_into(Table table, base::Bytes key,
                                              base::Buffer& value) override {
        return get_from(store_->stats_, entries(table), table, key, value);
    }
    std::expected<std::size_t, base::Error> scan(const Range& range, Visitor visit) override {
        return scan_in(store_->stats_, entries(range.table), range, visit);
    }
    std::expected<std::uint64_t, base::Error> count(Table table) override {
        return entries(table).size();
    }

    static std::expected<bool, base::Error> get_from(Stats& stats, const Entries& entries,
                                                     Table table, base::Bytes key,
                                                     base::Buffer& value);
    static std::expected<std::size_t, base::Error> scan_in(Stats& stats, const Entries& entries,
                                                           const Range& range, Visitor visit);

private:
    static std::expected<void, base::Error> check_entry(Stats& stats, Table table, base::Bytes key,
                                                        const MemoryMedium::Entry& entry);

    const Entries& entries(Table table) const {
        store_->check_declared(table);
        return *tables_[index_of(table)];
    }

    MemoryStore* store_;
    Tables tables_;
};

std::expected<void, base::Error> MemoryView::check_entry(Stats& stats, Table table, base::Bytes key,
                                                         const MemoryMedium::Entry& entry) {
    if (entry_checksum(table, key, entry.value) == entry.checksum) return {};
    ++stats.corruptions;
    return base::failure(base::Errc::corrupt,
                         "checksum of key " + base::to_hex(key) + " in table " +
                             std::to_string(index_of(table)) + " does not match",
                         "kv memory store");
}

std::expected<bool, base::Error> MemoryView::get_from(Stats& stats, const Entries& entries,
                                                      Table table, base::Bytes key,
                                                      base::Buffer& value) {
    value.clear();
    ++stats.reads;
    const auto found = entries.find(key);
    if (found == entries.end()) return false;
    MESH_CHECK(check_entry(stats, table, key, found->second));
    value.assign(found->second.value.begin(), found->second.value.end());
    ++stats.reads_found;
    return true;
}

std::expected<std::size_t, base::Error> MemoryView::scan_in(Stats& stats, const Entries& entries,
                                                            const Range& range, Visitor visit) {
    ++stats.scans;
    if (!range.to.empty() && !base::less(range.from, range.to)) return 0;
    auto first = entries.lower_bound(range.from);
    auto last = range.to.empty() ? entries.end() : entries.lower_bound(range.to);
    std::size_t visited = 0;
    while (first != last && visited < range.limit) {
        const auto& [key, entry] = range.reverse ? *--last : *first++;
        MESH_CHECK(check_entry(stats, range.table, key, entry));
        ++visited;
        ++stats.entries_visited;
        if (!visit(key, entry.value)) break;
    }
    return visited;
}

void MemoryMedium::flip_bit(Table table, base::Bytes key, std::size_t bit) {
    Entries& entries = writable(table);
    const auto found = entries.find(key);
    MESH_ASSERT(found != entries.end() && bit / 8 < found->second.value.size());
    found->second.value[bit / 8] ^= std::byte{1} << (bit % 8);
}

MemoryMedium::Entries& MemoryMedium::writable(Table table) {
    std::shared_ptr<Entries>& entries = tables_[index_of(table)].entries;
    MESH_ASSERT(entries != nullptr);
    if (entries.use_count() > 1) entries = std::make_shared<Entries>(*entries);
    return *entries;
}

std::expected<std::unique_ptr<MemoryStore>, base::Error> MemoryStore::open(
    std::shared_ptr<MemoryMedium> medium, const StoreOptions& options) {
    MESH_CHECK(check_tables(options.tables));
    for (std::size_t i = 0; i < tables_max; ++i) {
        if (medium->tables_[i].entries == nullptr) continue;
        const TableInfo stored{static_cast<Table>(i), medium->tables_[i].name};
        MESH_CHECK(check_stored_table(stored, options.tables));
    }
    if (medium->in_use_) {
        return base::failure(base::Errc::locked, "another store is open on this medium",
                             "kv memory store", "close it first");
    }
    return std::unique_ptr<MemoryStore>(new MemoryStore(std::move(medium), options));
}

MemoryStore::MemoryStore(std::shared_ptr<MemoryMedium> medium, const StoreOptions& options)
    : medium_(std::move(medium)), quota_bytes_(options.quota_bytes) {
    medium_->in_use_ = true;
    for (const TableInfo& info : options.tables) {
        declared_[index_of(info.table)] = true;
        auto& stored = medium_->tables_[index_of(info.table)];
        if (stored.entries != nullptr) continue;
        stored.name = info.name;
        stored.entries = std::make_shared<MemoryMedium::Entries>();
    }
}

MemoryStore::~MemoryStore() {
    MESH_ASSERT(stats_.snapshots_open == 0);
    if (open_) medium_->in_use_ = false;
}

std::expected<void, base::Error> MemoryStore::check_open() const {
    if (open_) return {};
    return base::failure(base::Errc::closed, "the store is closed", "kv memory store");
}

void MemoryStore::check_declared(Table table) const {
    MESH_ASSERT(index_of(table) < tables_max && declared_[index_of(table)]);
}

std::expected<bool, base::Error> MemoryStore::get_into(Table table, base::Bytes key,
                                                       base::Buffer& value) {
    check_declared(table);
    MESH_CHECK(check_open());
    return MemoryView::get_from(stats_, *medium_->tables_[index_of(table)].entries, table, key,
                                value);
}

std::expected<std::size_t, base::Error> MemoryStore::scan(const Range& range, Visitor visit) {
    check_declared(range.table);
    MESH_CHECK(check_open());
    return MemoryView::scan_in(stats_, *medium_->tables_[index_of(range.table)].entries, range,
                               visit);
}

std::expected<std::uint64_t, base::Error> MemoryStore::count(Table table) {
    check_declared(table);
    MESH_CHECK(check_open());
    return medium_->tables_[index_of(table)].entries->size();
}

std::expected<void, base::Error> MemoryStore::check_commit(const Batch& batch) const {
    MESH_CHECK(check_open());
    MESH_CHECK(batch.check());
    return quota().check(batch);
}

std::expected<void, base::Error> MemoryStore::commit(const Batch& batch) {
    const auto allowed = check_commit(batch);
    for (std::size_t i = 0; allowed && i < batch.size(); ++i) apply(batch.operation(i));
    if (allowed && !batch.empty()) ++medium_->sequence_;
    stats_.note_commit(batch, allowed.has_value());
    return allowed;
}

void MemoryStore::apply(const Batch::Operation& operation) {
    check_declared(operation.table);
    MemoryMedium::Entries& entries = medium_->writable(operation.table);
    if (const auto old = entries.find(operation.key); old != entries.end()) {
        medium_->used_bytes_ -= old->first.size() + old->second.value.size();
        entries.erase(old);
    }
    if (!operation.is_put) return;
    const std::uint32_t checksum = entry_checksum(operation.table, operation.key, operation.value);
    entries.emplace(base::to_buffer(operation.key),
                    MemoryMedium::Entry{base::to_buffer(operation.value), checksum});
    medium_->used_bytes_ += operation.key.size() + operation.value.size();
}

std::expected<std::unique_ptr<View>, base::Error> MemoryStore::snapshot() {
    MESH_CHECK(check_open());
    if (stats_.snapshots_open >= snapshots_max) {
        return base::failure(base::Errc::full,
                             std::to_string(snapshots_max) + " snapshots are open",
                             "kv memory store", "drop one first");
    }
    MemoryView::Tables tables;
    std::ranges::transform(medium_->tables_, tables.begin(),
                           [](const auto& stored) { return stored.entries; });
    return std::make_unique<MemoryView>(*this, std::move(tables));
}

Quota MemoryStore::quota() const {
    return {.limit_bytes = quota_bytes_, .used_bytes = medium_->used_bytes_};
}

std::expected<void, base::Error> MemoryStore::verify() {
    MESH_CHECK(check_open());
    for (std::size_t i = 0; i < tables_max; ++i) {
        if (!declared_[i]) continue;
        MESH_CHECK(
            scan({.table = static_cast<Table>(i)}, [](base::Bytes, base::Bytes) { return true; }));
    }
    return {};
}

std::expected<void, base::Error> MemoryStore::close() {
    if (stats_.snapshots_open > 0) {
        return base::failure(base::Errc::locked,
                             std::to_string(stats_.snapshots_open) + " snapshots are open",
                             "kv memory store", "drop them first");
    }
    if (open_) medium_->in_use_ = false;
    open_ = false;
    return {};
}

std::unique_ptr<MemoryStore> make_memory_store(std::span<const TableInfo> tables) {
    auto store = MemoryStore::open(std::make_shared<MemoryMedium>(), {.tables = tables});
    MESH_ASSERT(store.has_value());
    return *std::move(store);
}

}  // namespace meshchain::kv
