// The SQLite engine beside SQLite used bare, and the caches beside the rate they promise.

#include <filesystem>
#include <memory>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/random.h"
#include "bench/random_bytes.h"
#include "bench/report.h"
#include "bench/workloads.h"
#include "host/sqlite_store.h"
#include "host/temporary_folder.h"
#include "kv/block_cache.h"
#include "kv/coin_cache.h"

namespace meshchain::bench {
namespace {

constexpr kv::Table blocks{0};
constexpr kv::Table coins{1};
constexpr kv::Table transactions{2};
constexpr kv::Table state{3};
constexpr kv::TableInfo tables[] = {
    {blocks, "blocks"}, {coins, "coins"}, {transactions, "transactions"}, {state, "state"}};

constexpr std::size_t transactions_a_block = 8;

/// The rows of one block: its bytes, a coin and an index entry for each transaction, the tip.
void fill_block(kv::Batch& batch, std::uint64_t height, base::Random& random) {
    base::Buffer number;
    base::Writer(number).u64(height);
    batch.clear();
    batch.put(blocks, number, random_bytes(random, 1024));
    for (std::size_t i = 0; i < transactions_a_block; ++i) {
        const base::Buffer id = random_bytes(random, 32);
        batch.put(transactions, id, number);
        base::Buffer outpoint = id;
        base::Writer(outpoint).u32(static_cast<std::uint32_t>(i));
        batch.put(coins, outpoint, random_bytes(random, 48));
    }
    batch.put(state, base::as_bytes("tip"), number);
}

std::vector<kv::Batch> make_blocks(std::size_t count) {
    base::Random random(7);
    std::vector<kv::Batch> batches(count);
    for (std::size_t height = 0; height < count; ++height) {
        fill_block(batches[height], height, random);
    }
    return batches;
}

/// What a program without kv would write: the same rows through prepared statements.
class BareSqlite {
public:
    BareSqlite(const std::filesystem::path& path, const char* synchronous) {
        MESH_ASSERT(sqlite3_open(path.c_str(), &database_) == SQLITE_OK);
        run("PRAGMA journal_mode = WAL");
        run("PRAGMA wal_autocheckpoint = 1000");
        run("PRAGMA journal_size_limit = 16777216");
        run(std::string("PRAGMA synchronous = ") + synchronous);
        for (const kv::TableInfo& info : tables) {
            const std::string name(info.name);
            run("CREATE TABLE " + name +
                " (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
            inserts_.push_back(prepare("REPLACE INTO " + name + " VALUES (?1, ?2)"));
        }
        begin_ = prepare("BEGIN IMMEDIATE");
        commit_ = prepare("COMMIT");
    }
    ~BareSqlite() {
        for (sqlite3_stmt* statement : inserts_) sqlite3_finalize(statement);
        sqlite3_finalize(begin_);
        sqlite3_finalize(commit_);
        sqlite3_close(database_);
    }
    BareSqlite(const BareSqlite&) = delete;
    BareSqlite& operator=(const BareSqlite&) = delete;

    void commit(const kv::Batch& batch) {
        step(begin_);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const auto row = batch.operation(i);
            sqlite3_stmt* insert = inserts_[kv::index_of(row.table)];
            sqlite3_bind_blob64(insert, 1, row.key.data(), row.key.size(), SQLITE_STATIC);
            sqlite3_bind_blob64(insert, 2, row.value.data(), row.value.size(), SQLITE_STATIC);
            step(insert);
        }
        step(commit_);
    }

private:
    void run(const std::string& sql) {
        MESH_ASSERT(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    }
    sqlite3_stmt* prepare(const std::string& sql) {
        sqlite3_stmt* statement = nullptr;
        MESH_ASSERT(sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) ==
                    SQLITE_OK);
        return statement;
    }
    static void step(sqlite3_stmt* statement) {
        MESH_ASSERT(sqlite3_step(statement) == SQLITE_DONE);
        sqlite3_reset(statement);
    }

    sqlite3* database_ = nullptr;
    std::vector<sqlite3_stmt*> inserts_;
    sqlite3_stmt* begin_ = nullptr;
    sqlite3_stmt* commit_ = nullptr;
};

/// Commits of blocks a second, each run on a new database in the same file system.
void compare_commits(Report& report, const Workload& workload, std::size_t count,
                     host::SqliteOptions::Durability durability, const char* synchronous) {
    if (!report.wants(workload.name)) return;
    const std::vector<kv::Batch> batches = make_blocks(count);
    const auto rate = [&](auto& store) {
        return static_cast<double>(count) / seconds([&] {
                   for (const kv::Batch& batch : batches) store(batch);
               });
    };
    report.compare(
        workload,
        [&] {
            const host::TemporaryFolder folder;
            auto store = host::SqliteStore::open(folder.path() / "store.db", {.tables = tables},
                                                 {.durability = durability});
            MESH_ASSERT(store.has_value());
            const auto commit = [&](const kv::Batch& batch) {
                MESH_ASSERT((*store)->commit(batch).has_value());
            };
            return rate(commit);
        },
        [&] {
            const host::TemporaryFolder folder;
            BareSqlite store(folder.path() / "store.db", synchronous);
            const auto commit = [&](const kv::Batch& batch) { store.commit(batch); };
            return rate(commit);
        });
}

using Outpoint = std::array<std::byte, 36>;
using Coin = std::array<std::byte, 48>;

void coin_lookup(Report& report) {
    constexpr std::size_t held = 1000;
    constexpr std::size_t lookups = 1'000'000;
    base::Random random(11);
    kv::CoinCache<Outpoint, Coin> cache(held);
    std::vector<Outpoint> outpoints(held);
    for (Outpoint& outpoint : outpoints) {
        const base::Buffer bytes = random_bytes(random, outpoint.size());
        std::ranges::copy(bytes, outpoint.begin());
        cache.put(outpoint, Coin{});
    }
    std::vector<std::uint16_t> order(lookups);
    for (auto& index : order) index = static_cast<std::uint16_t>(random.below(held));
    const auto load = [](const Outpoint&) -> std::expected<std::optional<Coin>, base::Error> {
        std::abort();
    };
    report.against_target({.name = "coin_lookup_cached", .unit = "M/s", .peer = "target"}, 5.0,
                          [&] {
                              return million_per_second(lookups, [&] {
                                  for (const auto index : order) {
                                      keep(cache.get(outpoints[index], load));
                                  }
                              });
                          });
}

void tip_lookup(Report& report) {
    constexpr std::size_t lookups = 10'000'000;
    base::Random random(13);
    kv::BlockCache<base::Buffer> cache;
    constexpr std::uint64_t tip = 1000;
    for (std::uint64_t height = 1; height <= tip; ++height) {
        cache.put(height, random_bytes(random, 1024));
    }
    report.against_target({.name = "tip_lookup_cached", .unit = "M/s", .peer = "target"}, 5.0, [&] {
        std::uint64_t height = tip;
        return million_per_second(lookups, [&] {
            for (std::size_t i = 0; i < lookups; ++i) {
                keep(height);
                const base::Buffer* block = cache.get(height);
                MESH_ASSERT(block != nullptr);
                keep(block->front());
            }
        });
    });
}

}  // namespace

void kv_workloads(Report& report) {
    using Durability = host::SqliteOptions::Durability;
    compare_commits(report,
                    {.name = "kv_sqlite_commit", .unit = "blocks/s", .peer = "bare_sqlite_full"},
                    300, Durability::full, "FULL");
    compare_commits(
        report, {.name = "kv_sqlite_commit_nosync", .unit = "blocks/s", .peer = "bare_sqlite_off"},
        3000, Durability::off, "OFF");
    coin_lookup(report);
    tip_lookup(report);
}

}  // namespace meshchain::bench
