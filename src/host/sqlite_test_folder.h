#pragma once
// An SQLite store in a folder of its own, for tests: open, crash, damage.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "host/sqlite_store.h"
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
