#include "kv/batch.h"

#include "base/assert.h"

namespace meshchain::kv {
namespace {

std::optional<base::Error> over(std::string_view what, std::size_t size, std::size_t limit) {
    if (size <= limit) return std::nullopt;
    return base::Error{
        base::Errc::too_large,
        std::string(what) + " of " + std::to_string(size) + ", limit " + std::to_string(limit),
        "kv batch",
        {}};
}

std::optional<base::Error> empty_key(base::Bytes key) {
    if (!key.empty()) return std::nullopt;
    return base::Error{base::Errc::invalid_argument, "empty key", "kv batch", {}};
}

}  // namespace

void Batch::put(Table table, base::Bytes key, base::Bytes value) { add(table, true, key, value); }

void Batch::erase(Table table, base::Bytes key) { add(table, false, key, {}); }

void Batch::add(Table table, bool is_put, base::Bytes key, base::Bytes value) {
    if (!error_) error_ = empty_key(key);
    if (!error_) error_ = over("key bytes", key.size(), key_bytes_max);
    if (!error_) error_ = over("value bytes", value.size(), value_bytes_max);
    if (!error_) error_ = over("operations", operations_.size() + 1, batch_operations_max);
    const std::size_t bytes = key.size() + value.size();
    if (!error_) error_ = over("batch bytes", bytes_.size() + bytes, batch_bytes_max);
    if (error_) return;

    operations_.push_back({.offset = static_cast<std::uint32_t>(bytes_.size()),
                           .value_bytes = static_cast<std::uint32_t>(value.size()),
                           .key_bytes = static_cast<std::uint8_t>(key.size()),
                           .table = table,
                           .is_put = is_put});
    bytes_.insert(bytes_.end(), key.begin(), key.end());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    if (is_put) put_bytes_ += bytes;
}

void Batch::clear() {
    operations_.clear();
    bytes_.clear();
    put_bytes_ = 0;
    may_use_reserve_ = false;
    error_.reset();
}

Batch::Operation Batch::operation(std::size_t index) const {
    MESH_ASSERT(index < operations_.size());
    const Entry& entry = operations_[index];
    const base::Bytes bytes = base::Bytes(bytes_).subspan(entry.offset);
    return {.table = entry.table,
            .is_put = entry.is_put,
            .key = bytes.first(entry.key_bytes),
            .value = bytes.subspan(entry.key_bytes, entry.value_bytes)};
}

std::expected<void, base::Error> Batch::check() const {
    if (error_) return std::unexpected(*error_);
    return {};
}

}  // namespace meshchain::kv
