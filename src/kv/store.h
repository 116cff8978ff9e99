#pragma once
// The one interface to durable state: atomic batches and ordered look-ups in named tables.
// Engines: memory (kv/memory_store.h), flash (kv/flash_log.h), SQLite (host/sqlite_store.h). All
// pass one suite (kv/conformance_suite.h).
//
// Ownership: spans are read before a call returns and never kept; results are the caller's.
// Limits:    kv/limits.h; a key over its limit reads as absent.
// Threads:   one owner thread, which is the one writer; for others see host/sqlite_reader.h.
// Errors:    corrupt (a checksum failed; damaged bytes are never handed out), io, closed.
//            A table that was not declared at open is our bug and asserts.

#include <expected>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "kv/batch.h"
#include "kv/quota.h"
#include "kv/range.h"
#include "kv/schema.h"

namespace meshchain::kv {

/// Read access to one consistent state: of the store itself the newest, of a snapshot its own.
class View {
public:
    virtual ~View() = default;

    /// Replaces the content of `value` and returns true, or returns false when `key` is absent
    /// (`value` is then empty). Reuses the capacity of `value`, so a warm caller allocates nothing.
    virtual std::expected<bool, base::Error> get_into(Table table, base::Bytes key,
                                                      base::Buffer& value) = 0;

    /// Calls `visit` for the entries of `range` in order until it returns false; returns how many
    /// were visited. The visitor must not call the view or its store. After an Error the entries
    /// visited before it were sound.
    virtual std::expected<std::size_t, base::Error> scan(const Range& range, Visitor visit) = 0;

    /// Number of entries. May walk the whole table.
    virtual std::expected<std::uint64_t, base::Error> count(Table table) = 0;

    std::expected<std::optional<base::Buffer>, base::Error> get(Table table, base::Bytes key) {
        base::Buffer value;
        MESH_TRY(const bool found, get_into(table, key, value));
        if (!found) return std::nullopt;
        return std::optional(std::move(value));
    }
};

/// Counters since the store was opened.
struct Stats {
    std::uint64_t commits = 0;
    std::uint64_t commits_failed = 0;
    std::uint64_t operations = 0;     ///< puts and erases committed
    std::uint64_t bytes_written = 0;  ///< keys and values committed
    std::uint64_t reads = 0;          ///< get and get_into
    std::uint64_t reads_found = 0;
    std::uint64_t scans = 0;
    std::uint64_t entries_visited = 0;
    std::uint64_t corruptions = 0;  ///< damage met
    std::uint64_t snapshots_open = 0;

    /// Of a commit that has ended.
    void note_commit(const Batch& batch, bool is_done) {
        if (!is_done) {
            ++commits_failed;
            return;
        }
        ++commits;
        operations += batch.size();
        bytes_written += batch.bytes();
    }
};

class Store : public View {
public:
    /// Applies the batch; on success it is durable before this returns, whole. After an Error
    /// nothing has changed, except when is_read_only() has become true: then the medium failed in
    /// a way that leaves the outcome unknown until the store is opened again, which shows the old
    /// state or the new one. Reads meanwhile show the old. An empty batch is committed for free.
    /// Errors: those of Batch::check; full (quota or medium; works again once there is room);
    /// unavailable (read-only); io; closed.
    virtual std::expected<void, base::Error> commit(const Batch& batch) = 0;

    /// No commit is taken any more: opened so, or a commit of unknown outcome.
    virtual bool is_read_only() const = 0;

    /// The present state, unmoved by later commits. Pins what it sees until destroyed, which must
    /// be before the store is. Errors: full (snapshots_max are open), io, closed.
    virtual std::expected<std::unique_ptr<View>, base::Error> snapshot() = 0;

    virtual Quota quota() const = 0;
    virtual Stats stats() const = 0;

    /// Of the newest durable commit. Every commit that changes something raises it, and so may what
    /// the engine does for itself; whatever crash follows, no later opening shows less than it was
    /// after a commit that returned. Who keeps it elsewhere notices an older copy of the store.
    /// A store opened to be read only says what it was at its opening; a closed one says 0.
    virtual std::uint64_t sequence() const = 0;

    /// Reads everything and verifies it, structure and checksums (a health check). Slow.
    /// Errors: corrupt (the first damage found), io, closed.
    virtual std::expected<void, base::Error> verify() = 0;

    /// Ends use; every later call but this and the const ones gives closed. The destructor does
    /// the same where nobody wants to know the outcome. Nothing committed depends on it.
    /// Errors: locked (a snapshot is open), io.
    virtual std::expected<void, base::Error> close() = 0;
};

/// What every engine is opened with.
struct StoreOptions {
    std::span<const TableInfo> tables;  ///< read during open only
    std::uint64_t quota_bytes = 0;      ///< 0: none
};

}  // namespace meshchain::kv
