#pragma once
// The tables of a store inside an SQLite database: schema, rows and the statements on them. Shared
// by the store, which also writes, and the readers.
//
// Format: docs/formats/kv-sqlite.md

#include <array>
#include <string>
#include <vector>

#include "host/sqlite_connection.h"
#include "kv/store.h"

namespace meshchain::host {

/// Names by table number, empty where none is declared.
using TableNames = std::array<std::string, kv::tables_max>;

TableNames names_of(std::span<const kv::TableInfo> tables);

class SqliteTables {
public:
    static constexpr std::int64_t application_id = 0x4d43'6b76;  ///< "MCkv"
    static constexpr std::int64_t format_version = 2;

    /// Makes the schema in an empty database. Atomic.
    static std::expected<void, base::Error> create(SqliteConnection& connection);
    /// Errors: corrupt (no store, or damaged), wrong_version (of a newer program), conflict (tables
    /// renumbered). An older format can be read as it is.
    static std::expected<void, base::Error> check(SqliteConnection& connection,
                                                  std::span<const kv::TableInfo> declared);
    /// Brings an older format to this program's, one version at a time, each step atomic.
    static std::expected<void, base::Error> migrate(SqliteConnection& connection);
    /// Adds the declared tables that are missing. Atomic.
    static std::expected<void, base::Error> add_missing(SqliteConnection& connection,
                                                        std::span<const kv::TableInfo> declared);

    /// `connection` and `stats` outlive it.
    SqliteTables(SqliteConnection& connection, TableNames names, kv::Stats& stats)
        : connection_(&connection), names_(std::move(names)), stats_(&stats) {}

    std::expected<bool, base::Error> get_into(kv::Table table, base::Bytes key,
                                              base::Buffer& value);
    std::expected<std::size_t, base::Error> scan(const kv::Range& range, kv::Visitor visit);
    std::expected<std::uint64_t, base::Error> count(kv::Table table);
    std::expected<void, base::Error> apply(const kv::Batch::Operation& operation);
    /// Of the newest commit; 0 in a format that does not count them.
    std::expected<std::uint64_t, base::Error> sequence();
    /// In the transaction of that commit.
    std::expected<void, base::Error> set_sequence(std::uint64_t sequence);
    /// Structure of the file, then every row.
    std::expected<void, base::Error> verify();

    const TableNames& names() const { return names_; }

private:
    enum Query : std::uint8_t {
        get_query,
        count_query,
        put_query,
        erase_query,
        scan_query,  ///< then, by adding: 1 reversed, 2 bounded above
        query_count = scan_query + 4,
    };

    static std::string sql(Query query, const std::string& table);
    /// The statement, prepared on first use. Asserts that the table is declared.
    std::expected<SqliteStatement*, base::Error> prepared(kv::Table table, Query query);
    std::expected<void, base::Error> check_row(kv::Table table, base::Bytes key, base::Bytes value,
                                               std::int64_t checksum);
    /// Counts damage that SQLite itself came upon.
    base::Error noted(base::Error error);

    SqliteConnection* connection_;
    TableNames names_;
    kv::Stats* stats_;
    std::array<std::array<SqliteStatement, query_count>, kv::tables_max> statements_;
    SqliteStatement set_sequence_;
};

}  // namespace meshchain::host
