#include "kv/memory_store.h"

namespace meshchain::kv {
namespace {

std::expected<void, base::Error> check_key(std::size_t tables, Table table, base::Bytes key,
                                           const Limits& limits) {
    if (table.index >= tables) {
        return base::failure(base::Errc::invalid_argument,
                             "table " + std::to_string(table.index) + " of " +
                                 std::to_string(tables),
                             "memory store");
    }
    if (key.empty() || key.size() > limits.key_bytes) {
        return base::failure(base::Errc::too_large,
                             "a key of " + std::to_string(key.size()) + " bytes (1 to " +
                                 std::to_string(limits.key_bytes) + ")",
                             "memory store");
    }
    return {};
}

template <class Iterator>
void visit_until(Iterator entry, Iterator end, std::size_t limit, Visitor& visitor) {
    for (; entry != end && limit > 0; ++entry, --limit) {
        if (!visitor.visit(entry->first, entry->second)) return;
    }
}

void scan_map(const std::map<base::Buffer, base::Buffer>& map, const Range& range,
              Visitor& visitor) {
    const auto begin = map.lower_bound(base::to_buffer(range.from));
    auto end = range.to ? map.lower_bound(base::to_buffer(*range.to)) : map.end();
    if (range.to && base::less(*range.to, range.from)) end = begin;
    if (range.reverse) {
        visit_until(std::make_reverse_iterator(end), std::make_reverse_iterator(begin),
                    range.limit, visitor);
    } else {
        visit_until(begin, end, range.limit, visitor);
    }
}

}  // namespace

class MemoryStore::MemorySnapshot final : public Snapshot {
public:
    MemorySnapshot(Contents contents, std::shared_ptr<std::size_t> alive)
        : contents_(std::move(contents)), alive_(std::move(alive)) {
        ++*alive_;
    }
    ~MemorySnapshot() override { --*alive_; }
    MemorySnapshot(const MemorySnapshot&) = delete;
    MemorySnapshot& operator=(const MemorySnapshot&) = delete;

    std::expected<std::optional<base::Buffer>, base::Error> get(Table table,
                                                                base::Bytes key) const override {
        MESH_CHECK(check_key(contents_.size(), table, key, {}));
        const auto& map = contents_[table.index];
        const auto found = map.find(base::to_buffer(key));
        if (found == map.end()) return std::nullopt;
        return found->second;
    }
    std::expected<void, base::Error> scan(Table table, const Range& range,
                                          Visitor& visitor) const override {
        if (table.index >= contents_.size()) return check_key(contents_.size(), table, {}, {});
        scan_map(contents_[table.index], range, visitor);
        return {};
    }

private:
    Contents contents_;
    std::shared_ptr<std::size_t> alive_;
};

MemoryStore::MemoryStore(std::size_t tables, std::uint64_t quota_bytes)
    : contents_(tables), quota_bytes_(quota_bytes) {}

std::expected<std::optional<base::Buffer>, base::Error> MemoryStore::get(Table table,
                                                                         base::Bytes key) const {
    MESH_CHECK(check_key(contents_.size(), table, key, limits()));
    ++stats_.reads;
    const auto& map = contents_[table.index];
    const auto found = map.find(base::to_buffer(key));
    if (found == map.end()) return std::nullopt;
    return found->second;
}

std::expected<void, base::Error> MemoryStore::scan(Table table, const Range& range,
                                                   Visitor& visitor) const {
    if (table.index >= contents_.size()) return check_key(contents_.size(), table, {}, limits());
    ++stats_.reads;
    scan_map(contents_[table.index], range, visitor);
    return {};
}

std::expected<void, base::Error> MemoryStore::check(const Batch& batch) const {
    const Limits limit = limits();
    if (batch.operations().size() > limit.batch_operations) {
        return base::failure(base::Errc::too_large,
                             std::to_string(batch.operations().size()) + " operations in a batch",
                             "memory store");
    }
    std::uint64_t added = 0;
    for (const Batch::Operation& operation : batch.operations()) {
        MESH_CHECK(check_key(contents_.size(), operation.table, operation.key, limit));
        if (!operation.value) continue;
        added += operation.key.size() + operation.value->size();
        if (operation.value->size() > limit.value_bytes) {
            return base::failure(base::Errc::too_large,
                                 "a value of " + std::to_string(operation.value->size()) +
                                     " bytes",
                                 "memory store");
        }
    }
    if (added > 0 && used_bytes_ + added > quota_bytes_) {
        return base::failure(base::Errc::full, "the quota is used up", "memory store",
                             "raise the quota or prune old blocks");
    }
    return {};
}

void MemoryStore::apply(const Batch::Operation& operation) {
    auto& map = contents_[operation.table.index];
    const auto found = map.find(operation.key);
    if (found != map.end()) {
        used_bytes_ -= found->first.size() + found->second.size();
        map.erase(found);
    }
    if (!operation.value) return;
    used_bytes_ += operation.key.size() + operation.value->size();
    stats_.bytes_written += operation.key.size() + operation.value->size();
    map.emplace(operation.key, *operation.value);
}

std::expected<void, base::Error> MemoryStore::commit(const Batch& batch) {
    if (auto checked = check(batch); !checked) {
        ++stats_.failed_commits;
        return checked;
    }
    for (const Batch::Operation& operation : batch.operations()) apply(operation);
    ++stats_.commits;
    stats_.operations += batch.operations().size();
    return {};
}

std::expected<std::unique_ptr<Snapshot>, base::Error> MemoryStore::snapshot() {
    if (*snapshots_alive_ >= limits().snapshots) {
        return base::failure(base::Errc::full, "too many snapshots are alive", "memory store",
                             "release one first");
    }
    return std::make_unique<MemorySnapshot>(contents_, snapshots_alive_);
}

Stats MemoryStore::stats() const {
    Stats stats = stats_;
    stats.snapshots = *snapshots_alive_;
    return stats;
}

MemoryStore MemoryStore::survivor() const {
    MemoryStore copy(contents_.size(), quota_bytes_);
    copy.contents_ = contents_;
    copy.used_bytes_ = used_bytes_;
    return copy;
}

}  // namespace meshchain::kv
