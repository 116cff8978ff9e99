#pragma once
// Durable atomic batches and ordered look-ups in named tables (rows B4-B6, B9-B12; PROTOCOL.md P3a).
// One interface, several engines, one conformance suite. It knows bytes, not money.
//
// Durability: commit() returns when the batch survives a power cut, whole. A failed commit changed
//             nothing; where that cannot be known, the store turns read-only and says so.
// Order:      keys ascend in unsigned byte order, a prefix before what it begins.
// Ownership:  spans are read before the call returns; what a visitor is shown is valid for the call.
// Limits:     named below; an engine for small devices may have tighter ones: limits().
// Threads:    one owner reads and writes. Other threads read through host's wrapper.
// Errors:     io, corrupt (a checksum failed: the data is never returned), full (quota or medium),
//             too_large, closed, unavailable (read-only after a failure).

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace meshchain::kv {

/// A table, by its position in the list of names the store was opened with.
struct Table {
    std::uint8_t index = 0;
    friend constexpr auto operator<=>(Table, Table) = default;
};

struct Limits {
    std::size_t tables = 32;
    std::size_t key_bytes = 128;           ///< a key has at least one byte
    std::size_t value_bytes = 128 * 1024;  ///< may be empty
    std::size_t batch_operations = 16 * 1024;
    std::size_t snapshots = 4;
};

/// Changes that are committed together. Of two to one key the later wins.
class Batch {
public:
    struct Operation {
        Table table;
        base::Buffer key;
        std::optional<base::Buffer> value;  ///< empty: erase, whether or not the key is there
    };

    Batch& put(Table table, base::Bytes key, base::Bytes value) {
        operations_.push_back({table, base::to_buffer(key), base::to_buffer(value)});
        return *this;
    }
    Batch& erase(Table table, base::Bytes key) {
        operations_.push_back({table, base::to_buffer(key), std::nullopt});
        return *this;
    }
    const std::vector<Operation>& operations() const { return operations_; }
    bool empty() const { return operations_.empty(); }
    void clear() { operations_.clear(); }

private:
    std::vector<Operation> operations_;
};

/// Keys of a table from `from` on, up to but without `to`.
struct Range {
    base::Bytes from{};               ///< empty: from the first key
    std::optional<base::Bytes> to{};  ///< empty: to the last key
    bool reverse = false;             ///< the greatest key first
    std::size_t limit = SIZE_MAX;     ///< at most so many entries
};

/// Is shown one entry after the other.
class Visitor {
public:
    virtual ~Visitor() = default;
    /// False ends the scan. The store must not be changed from within.
    virtual bool visit(base::Bytes key, base::Bytes value) = 0;
};

/// What both a store and a snapshot of it answer.
class Reader {
public:
    virtual ~Reader() = default;
    virtual std::expected<std::optional<base::Buffer>, base::Error> get(Table table,
                                                                        base::Bytes key) const = 0;
    virtual std::expected<void, base::Error> scan(Table table, const Range& range,
                                                  Visitor& visitor) const = 0;
};

/// The state of one moment, whatever is committed later. Pins garbage while it lives, and must
/// not outlive its store.
class Snapshot : public Reader {};

struct Stats {
    std::uint64_t commits = 0;
    std::uint64_t failed_commits = 0;
    std::uint64_t operations = 0;      ///< puts and erases in them
    std::uint64_t bytes_written = 0;   ///< keys and values handed to the engine
    std::uint64_t reads = 0;
    std::uint64_t checksum_failures = 0;
    std::size_t snapshots = 0;         ///< alive now
};

enum class QuotaLevel : std::uint8_t { ok, warning_80, warning_95, full };

/// How much of the medium the store may take (row B12). At `full` commits that add bytes fail
/// with Errc::full and change nothing; reads and erasing batches go on.
struct Quota {
    std::uint64_t used_bytes = 0;
    std::uint64_t limit_bytes = UINT64_MAX;

    constexpr QuotaLevel level() const {
        if (used_bytes >= limit_bytes) return QuotaLevel::full;
        if (used_bytes / 95 >= limit_bytes / 100) return QuotaLevel::warning_95;
        return used_bytes / 80 >= limit_bytes / 100 ? QuotaLevel::warning_80 : QuotaLevel::ok;
    }
};

class Store : public Reader {
public:
    virtual Limits limits() const = 0;
    /// Errors, with nothing changed: too_large or invalid_argument (a limit or an unknown table),
    /// full, io; unavailable when the store is read-only.
    virtual std::expected<void, base::Error> commit(const Batch& batch) = 0;
    /// Errors: full (Limits::snapshots are alive), io.
    virtual std::expected<std::unique_ptr<Snapshot>, base::Error> snapshot() = 0;
    /// After a commit whose outcome is unknown, or opened so.
    virtual bool is_read_only() const = 0;
    virtual Stats stats() const = 0;
    virtual Quota quota() const = 0;
};

}  // namespace meshchain::kv
