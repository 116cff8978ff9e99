#pragma once
// An SQLite store in a folder of its own, for tests: open, crash, damage.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "host/sqlite_store.h"
#include "host/sqlite_tables.h"
#include "host/temporary_folder.h"

namespace meshchain::host {

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

class SqliteTestFolder {
public:
    static constexpr kv::Table blocks{0};
    static constexpr kv::Table state{1};
    static constexpr kv::TableInfo tables[] = {{blocks, "blocks"}, {state, "state"}};

    std::filesystem::path path() const { return folder_.path() / "store.db"; }
    std::filesystem::path log_path() const { return folder_.path() / "store.db-wal"; }

    std::expected<std::unique_ptr<SqliteStore>, base::Error> open(
        SqliteOptions::Mode mode = SqliteOptions::Mode::create_if_absent,
        std::uint64_t quota_bytes = 0) const {
        return SqliteStore::open(path(), {.tables = tables, .quota_bytes = quota_bytes},
                                 {.mode = mode});
    }
    /// Without waiting for the disk, where only the process dies.
    std::expected<std::unique_ptr<SqliteStore>, base::Error> open_unsynced() const {
        return SqliteStore::open(path(), {.tables = tables},
                                 {.durability = SqliteOptions::Durability::off});
    }

    /// What a killed process leaves: database and log as they are now.
    void crash(std::unique_ptr<kv::Store> store) const {
        const std::string database = read_text(path());
        const std::string log = read_text(log_path());
        store.reset();
        write_text(path(), database);
        write_text(log_path(), log);
    }

    /// Inverts a bit inside the first place where `content` lies in the database.
    void damage(std::string_view content) const {
        std::string database = read_text(path());
        const std::size_t found = database.find(content);
        ASSERT_NE(found, std::string::npos);
        database[found + content.size() / 2] ^= 4;
        write_text(path(), database);
    }

private:
    TemporaryFolder folder_;
};

/// A block and the tip that names it, as one batch.
inline kv::Batch block_batch(std::uint64_t height) {
    const std::string name = std::to_string(height);
    kv::Batch batch;
    batch.put(SqliteTestFolder::blocks, base::as_bytes(name),
              base::as_bytes("block " + name + std::string(height % 5000, '.')));
    batch.put(SqliteTestFolder::state, base::as_bytes("tip"), base::as_bytes(name));
    return batch;
}

/// A store as programs of format version 1 left it, with so many blocks.
inline void write_first_format(const std::filesystem::path& path,
                               std::span<const kv::TableInfo> tables, std::uint64_t blocks) {
    auto raw = SqliteConnection::open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    ASSERT_TRUE(raw.has_value());
    std::string sql =
        "PRAGMA journal_mode = WAL; BEGIN;"
        "CREATE TABLE kv_tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
        "PRAGMA application_id = 1296264054; PRAGMA user_version = 1;";
    for (const kv::TableInfo& info : tables) {
        const std::string name(info.name);
        sql += "INSERT INTO kv_tables (id, name) VALUES (" +
               std::to_string(kv::index_of(info.table)) + ", '" + name + "'); CREATE TABLE \"t_" +
               name +
               "\" (key BLOB NOT NULL PRIMARY KEY, crc INTEGER NOT NULL, value BLOB NOT NULL)"
               " WITHOUT ROWID;";
    }
    ASSERT_TRUE((*raw)->run(sql + "COMMIT;").has_value());
    kv::Stats stats;
    SqliteTables rows(**raw, names_of(tables), stats);
    for (std::uint64_t height = 1; height <= blocks; ++height) {
        const kv::Batch batch = block_batch(height);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            ASSERT_TRUE(rows.apply(batch.operation(i)).has_value());
        }
    }
}

/// The tip's height, after checking that every block up to it is there and none above; 0 without.
inline std::uint64_t checked_height(kv::View& view) {
    const auto tip = view.get(SqliteTestFolder::state, base::as_bytes("tip"));
    EXPECT_TRUE(tip.has_value());
    if (!tip || !*tip) return 0;
    const std::uint64_t height = std::stoull(std::string(base::as_text(**tip)));
    EXPECT_EQ(view.count(SqliteTestFolder::blocks), height);
    const auto newest = view.get(SqliteTestFolder::blocks, **tip);
    EXPECT_TRUE(newest.has_value() && newest->has_value());
    return height;
}

}  // namespace meshchain::host
