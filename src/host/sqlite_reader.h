#pragma once
// Reads of a live SQLite store from another thread than its owner's: one consistent state at a
// time, tip included, while the owner goes on committing.
//
// Threads:   one thread a reader; any number of readers, each with its own connection.
// Ownership: independent of the store it reads, which may close first.

#include "host/sqlite_tables.h"

namespace meshchain::host {

class SqliteReader final : public kv::View {
public:
    /// Opens a store that exists. Errors: those of SqliteConnection and SqliteTables::check.
    static std::expected<std::unique_ptr<SqliteReader>, base::Error> open(
        const std::filesystem::path& path, TableNames names);

    /// Lets go of the state seen so far; the next read pins the newest. Call it often: a pinned
    /// state keeps the write-ahead log from being recycled.
    void refresh();
    /// Pins the newest state now rather than at the next read.
    std::expected<void, base::Error> pin();

    std::expected<bool, base::Error> get_into(kv::Table table, base::Bytes key,
                                              base::Buffer& value) override;
    std::expected<std::size_t, base::Error> scan(const kv::Range& range,
                                                 kv::Visitor visit) override;
    std::expected<std::uint64_t, base::Error> count(kv::Table table) override;
    const kv::Stats& stats() const { return stats_; }

private:
    SqliteReader(std::unique_ptr<SqliteConnection> connection, TableNames names)
        : connection_(std::move(connection)), tables_(*connection_, std::move(names), stats_) {}

    kv::Stats stats_;
    std::unique_ptr<SqliteConnection> connection_;
    SqliteTables tables_;
};

}  // namespace meshchain::host
