#include "host/sqlite_tables.h"

#include <algorithm>

#include "base/assert.h"
#include "base/resource_guard.h"
#include "kv/checksum.h"

namespace meshchain::host {
namespace {

/// What makes format n + 1 of format n, from 1 on. The program that wrote a step is not the last
/// one that runs it: none is ever changed.
constexpr std::string_view steps[] = {
    // 2 counts commits, so that an older copy in place of the newest can be told.
    "CREATE TABLE kv_commits (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL);"
    "INSERT INTO kv_commits (id, sequence) VALUES (1, 0);",
};
static_assert(std::size(steps) + 1 == SqliteTables::format_version);

std::string quoted(const std::string& table) { return "\"t_" + table + "\""; }

std::expected<std::vector<std::pair<kv::Table, std::string>>, base::Error> stored_tables(
    SqliteConnection& connection) {
    std::vector<std::pair<kv::Table, std::string>> stored;
    MESH_TRY(SqliteStatement list, connection.prepare("SELECT id, name FROM kv_tables"));
    for (;;) {
        MESH_TRY(const bool row, list.step());
        if (!row) return stored;
        stored.emplace_back(static_cast<kv::Table>(list.integer(0)),
                            std::string(base::as_text(list.bytes(1))));
    }
}

std::string add_sql(const kv::TableInfo& info) {
    const std::string name(info.name);
    return "INSERT INTO kv_tables (id, name) VALUES (" + std::to_string(kv::index_of(info.table)) +
           ", '" + name + "'); CREATE TABLE " + quoted(name) +
           " (key BLOB NOT NULL PRIMARY KEY, crc INTEGER NOT NULL, value BLOB NOT NULL)"
           " WITHOUT ROWID;";
}

}  // namespace

TableNames names_of(std::span<const kv::TableInfo> tables) {
    TableNames names;
    for (const kv::TableInfo& info : tables) names[kv::index_of(info.table)] = info.name;
    return names;
}

std::expected<void, base::Error> SqliteTables::create(SqliteConnection& connection) {
    std::string sql =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE kv_tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "PRAGMA application_id = " +
        std::to_string(application_id) + ";";
    for (const std::string_view step : steps) sql += step;
    return connection.run(sql + "PRAGMA user_version = " + std::to_string(format_version) +
                          "; COMMIT;");
}

std::expected<void, base::Error> SqliteTables::migrate(SqliteConnection& connection) {
    MESH_TRY(std::int64_t version, connection.integer("PRAGMA user_version"));
    for (; version < format_version; ++version) {
        MESH_CHECK(connection.run(
            "BEGIN IMMEDIATE;" + std::string(steps[static_cast<std::size_t>(version - 1)]) +
            "PRAGMA user_version = " + std::to_string(version + 1) + "; COMMIT;"));
    }
    return {};
}

std::expected<void, base::Error> SqliteTables::check(SqliteConnection& connection,
                                                     std::span<const kv::TableInfo> declared) {
    MESH_TRY(const std::int64_t id, connection.integer("PRAGMA application_id"));
    if (id != application_id) {
        return base::failure(base::Errc::corrupt, "an SQLite database, but not a MeshChain store",
                             connection.path().string(), "check the path");
    }
    MESH_TRY(const std::int64_t version, connection.integer("PRAGMA user_version"));
    if (version < 1 || version > format_version) {
        return base::failure(base::Errc::wrong_version,
                             "store format " + std::to_string(version) +
                                 ", this program knows 1 to " + std::to_string(format_version),
                             connection.path().string(),
                             "use the version of the program that wrote it, or a later one");
    }
    MESH_TRY(const auto stored, stored_tables(connection));
    for (const auto& [table, name] : stored) {
        MESH_CHECK(kv::check_stored_table({table, name}, declared));
    }
    return {};
}

std::expected<void, base::Error> SqliteTables::add_missing(
    SqliteConnection& connection, std::span<const kv::TableInfo> declared) {
    MESH_TRY(const auto stored, stored_tables(connection));
    std::string missing;
    for (const kv::TableInfo& info : declared) {
        const bool there = std::ranges::any_of(
            stored, [&](const auto& table) { return table.first == info.table; });
        if (!there) missing += add_sql(info);
    }
    if (missing.empty()) return {};
    return connection.run("BEGIN IMMEDIATE;" + missing + "COMMIT;");
}

std::string SqliteTables::sql(Query query, const std::string& table) {
    const std::string name = quoted(table);
    switch (query) {
        case get_query: return "SELECT crc, value FROM " + name + " WHERE key = ?1";
        case count_query: return "SELECT count(*) FROM " + name;
        case put_query: return "REPLACE INTO " + name + " (key, crc, value) VALUES (?1, ?2, ?3)";
        case erase_query: return "DELETE FROM " + name + " WHERE key = ?1";
        default: break;
    }
    const int variant = query - scan_query;
    return "SELECT crc, value, key FROM " + name + " WHERE key >= ?1" +
           ((variant & 2) != 0 ? " AND key < ?2" : "") + " ORDER BY key" +
           ((variant & 1) != 0 ? " DESC" : "");
}

std::expected<SqliteStatement*, base::Error> SqliteTables::prepared(kv::Table table, Query query) {
    MESH_ASSERT(kv::index_of(table) < kv::tables_max && !names_[kv::index_of(table)].empty());
    SqliteStatement& statement = statements_[kv::index_of(table)][query];
    if (!statement) {
        auto made = connection_->prepare(sql(query, names_[kv::index_of(table)]));
        if (!made) return std::unexpected(noted(std::move(made).error()));
        statement = *std::move(made);
    }
    return &statement;
}

base::Error SqliteTables::noted(base::Error error) {
    if (error.code == base::Errc::corrupt) ++stats_->corruptions;
    return error;
}

std::expected<void, base::Error> SqliteTables::check_row(kv::Table table, base::Bytes key,
                                                         base::Bytes value, std::int64_t checksum) {
    if (kv::entry_checksum(table, key, value) == checksum) return {};
    return std::unexpected(
        noted({base::Errc::corrupt,
               "checksum of key " + base::to_hex(key) + " in table " + names_[kv::index_of(table)] +
                   " does not match",
               connection_->path().string(),
               "the disk changed stored data; check it, and restore the store or fetch it anew"}));
}

std::expected<bool, base::Error> SqliteTables::get_into(kv::Table table, base::Bytes key,
                                                        base::Buffer& value) {
    value.clear();
    ++stats_->reads;
    MESH_TRY(SqliteStatement* const statement, prepared(table, get_query));
    const base::ResourceGuard reset([&] { statement->reset(); });
    statement->bind(1, key);
    auto row = statement->step();
    if (!row) return std::unexpected(noted(std::move(row).error()));
    if (!*row) return false;
    const base::Bytes stored = statement->bytes(1);
    MESH_CHECK(check_row(table, key, stored, statement->integer(0)));
    value.assign(stored.begin(), stored.end());
    ++stats_->reads_found;
    return true;
}

std::expected<std::size_t, base::Error> SqliteTables::scan(const kv::Range& range,
                                                           kv::Visitor visit) {
    ++stats_->scans;
    const int variant = (range.reverse ? 1 : 0) + (range.to.empty() ? 0 : 2);
    MESH_TRY(SqliteStatement* const statement,
             prepared(range.table, static_cast<Query>(scan_query + variant)));
    const base::ResourceGuard reset([&] { statement->reset(); });
    statement->bind(1, range.from);
    if (!range.to.empty()) statement->bind(2, range.to);
    std::size_t visited = 0;
    while (visited < range.limit) {
        auto row = statement->step();
        if (!row) return std::unexpected(noted(std::move(row).error()));
        if (!*row) break;
        const base::Bytes value = statement->bytes(1);
        const base::Bytes key = statement->bytes(2);
        MESH_CHECK(check_row(range.table, key, value, statement->integer(0)));
        ++visited;
        ++stats_->entries_visited;
        if (!visit(key, value)) break;
    }
    return visited;
}

std::expected<std::uint64_t, base::Error> SqliteTables::count(kv::Table table) {
    MESH_TRY(SqliteStatement* const statement, prepared(table, count_query));
    const base::ResourceGuard reset([&] { statement->reset(); });
    auto row = statement->step();
    if (!row) return std::unexpected(noted(std::move(row).error()));
    return static_cast<std::uint64_t>(statement->integer(0));
}

std::expected<void, base::Error> SqliteTables::apply(const kv::Batch::Operation& operation) {
    MESH_TRY(SqliteStatement* const statement,
             prepared(operation.table, operation.is_put ? put_query : erase_query));
    statement->bind(1, operation.key);
    if (operation.is_put) {
        statement->bind(2, static_cast<std::int64_t>(kv::entry_checksum(
                               operation.table, operation.key, operation.value)));
        statement->bind(3, operation.value);
    }
    auto done = statement->run();
    if (!done) return std::unexpected(noted(std::move(done).error()));
    return {};
}

std::expected<std::uint64_t, base::Error> SqliteTables::sequence() {
    MESH_TRY(const std::int64_t version, connection_->integer("PRAGMA user_version"));
    if (version < 2) return 0;
    auto sequence = connection_->integer("SELECT sequence FROM kv_commits");
    if (!sequence) return std::unexpected(noted(std::move(sequence).error()));
    return static_cast<std::uint64_t>(*sequence);
}

std::expected<void, base::Error> SqliteTables::set_sequence(std::uint64_t sequence) {
    if (!set_sequence_) {
        MESH_TRY(set_sequence_, connection_->prepare("REPLACE INTO kv_commits VALUES (1, ?1)"));
    }
    set_sequence_.bind(1, static_cast<std::int64_t>(sequence));
    auto done = set_sequence_.run();
    if (!done) return std::unexpected(noted(std::move(done).error()));
    return {};
}

std::expected<void, base::Error> SqliteTables::verify() {
    auto report = connection_->text("PRAGMA integrity_check(1)");
    if (!report) return std::unexpected(noted(std::move(report).error()));
    if (*report != "ok") {
        return std::unexpected(
            noted({base::Errc::corrupt, "SQLite: " + *report, connection_->path().string(),
                   "restore the store or fetch it anew"}));
    }
    for (std::size_t i = 0; i < kv::tables_max; ++i) {
        if (names_[i].empty()) continue;
        MESH_CHECK(scan({.table = static_cast<kv::Table>(i)},
                        [](base::Bytes, base::Bytes) { return true; }));
    }
    return {};
}

}  // namespace meshchain::host
