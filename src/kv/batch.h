#pragma once
// Puts and erases over several tables that become durable together or not at all.
//
// A plain value: built by the caller, without reading the store, and applied by Store::commit in
// the order given, so the last operation on a key wins. The first operation over a limit is
// remembered and makes commit refuse the whole batch; callers need not check each put.
//
// Ownership: keys and values are copied in; clear() keeps the memory for the next batch.
// Limits:    kv/limits.h.

#include <vector>

#include "base/bytes.h"
#include "kv/schema.h"

namespace meshchain::kv {

class Batch {
public:
    struct Operation {
        Table table;
        bool is_put;
        base::Bytes key;
        base::Bytes value;  ///< empty for an erase
    };

    /// Stores `value`, which may be empty, under `key`, replacing what is there.
    void put(Table table, base::Bytes key, base::Bytes value);
    /// Removes `key`; nothing happens when it is absent.
    void erase(Table table, base::Bytes key);
    /// Declares that this batch makes room (pruning), or must not wait for room (what was signed):
    /// it may use the reserve beyond the quota.
    void allow_reserve() { may_use_reserve_ = true; }
    void clear();

    bool empty() const { return operations_.empty(); }
    std::size_t size() const { return operations_.size(); }
    /// Keys and values together.
    std::size_t bytes() const { return bytes_.size(); }
    /// Keys and values of the puts alone: what the store may grow by.
    std::size_t put_bytes() const { return put_bytes_; }
    bool may_use_reserve() const { return may_use_reserve_; }
    /// Operation `index` < size(), borrowed until the next non-const call.
    Operation operation(std::size_t index) const;

    /// Errors: invalid_argument (an empty key), too_large (a key, value or the batch itself).
    std::expected<void, base::Error> check() const;

private:
    struct Entry {
        std::uint32_t offset;
        std::uint32_t value_bytes;
        std::uint8_t key_bytes;
        Table table;
        bool is_put;
    };

    void add(Table table, bool is_put, base::Bytes key, base::Bytes value);

    std::vector<Entry> operations_;
    base::Buffer bytes_;
    std::size_t put_bytes_ = 0;
    bool may_use_reserve_ = false;
    std::optional<base::Error> error_;
};

}  // namespace meshchain::kv
