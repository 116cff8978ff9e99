// The flash log beside what it is made of (a preallocated file), beside SQLite through the same
// door, and beside LMDB for reads.

#include <fcntl.h>
#include <lmdb.h>
#include <sys/resource.h>

#include <fstream>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/random.h"
#include "bench/random_bytes.h"
#include "bench/report.h"
#include "bench/workloads.h"
#include "host/file_descriptor.h"
#include "host/file_region.h"
#include "host/sqlite_store.h"
#include "host/temporary_folder.h"
#include "kv/flash_log.h"

namespace meshchain::bench {
namespace {

constexpr kv::Table blocks{0};
constexpr kv::Table coins{1};
constexpr kv::TableInfo tables[] = {{blocks, "blocks"}, {coins, "coins"}};

std::unique_ptr<kv::FlashLog> open_flash_log(const std::filesystem::path& path,
                                             std::uint64_t size_bytes,
                                             const kv::FlashLogOptions& options) {
    auto region = host::FileRegion::open(path, {.size_bytes = size_bytes});
    MESH_ASSERT(region.has_value());
    if ((*region)->is_blank()) MESH_ASSERT(kv::FlashLog::format(**region).has_value());
    auto store = kv::FlashLog::open(*std::move(region), {.tables = tables}, options);
    MESH_ASSERT(store.has_value());
    return *std::move(store);
}

void must_commit(kv::Store& store, const kv::Batch& batch) {
    MESH_ASSERT(store.commit(batch).has_value());
}

std::vector<kv::Batch> make_blocks(std::size_t count) {
    base::Random random(21);
    std::vector<kv::Batch> batches(count);
    for (kv::Batch& batch : batches) {
        batch.put(blocks, random_bytes(random, 32), random_bytes(random, 1024));
    }
    return batches;
}

/// The least that a durable commit can cost: the same bytes over and over a file that is there.
double overwrite_rate(const std::filesystem::path& path, std::size_t count) {
    auto region = host::FileRegion::open(path, {.size_bytes = 16 << 20});
    MESH_ASSERT(region.has_value());
    const base::Buffer block(1056);
    const double taken = seconds([&] {
        for (std::size_t i = 0; i < count; ++i) {
            MESH_ASSERT((*region)->program(i * block.size(), block).has_value());
            MESH_ASSERT((*region)->sync().has_value());
        }
    });
    return static_cast<double>(count) / taken;
}

void commit_rate(Report& report) {
    const Workload workload{
        .name = "kv_flash_commit", .unit = "blocks/s", .peer = "pwrite_fdatasync"};
    if (!report.wants(workload.name)) return;
    constexpr std::size_t count = 1000;
    const std::vector<kv::Batch> batches = make_blocks(count);
    report.compare(
        workload,
        [&] {
            const host::TemporaryFolder folder;
            auto store = open_flash_log(folder.path() / "store", 64 << 20, {});
            return static_cast<double>(count) / seconds([&] {
                       for (const kv::Batch& batch : batches) must_commit(*store, batch);
                   });
        },
        [&] {
            const host::TemporaryFolder folder;
            return overwrite_rate(folder.path() / "file", count);
        });
}

double cpu_us() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

/// Bytes that this process handed to write calls.
double written_bytes() {
    std::ifstream io("/proc/self/io");
    std::string name;
    double value = 0;
    while (io >> name >> value) {
        if (name == "wchar:") return value;
    }
    return 0;
}

/// What a commit of a 1 KB block costs by `measure`, in either engine.
template <class Measure>
void commit_cost(Report& report, const Workload& workload, Measure measure) {
    if (!report.wants(workload.name)) return;
    constexpr std::size_t count = 300;
    const std::vector<kv::Batch> batches = make_blocks(count);
    const auto cost = [&](kv::Store& store) {
        const double before = measure();
        for (const kv::Batch& batch : batches) must_commit(store, batch);
        MESH_ASSERT(store.close().has_value());
        return (measure() - before) / count;
    };
    report.compare(
        workload,
        [&] {
            const host::TemporaryFolder folder;
            auto store = open_flash_log(folder.path() / "store", 64 << 20, {});
            return cost(*store);
        },
        [&] {
            const host::TemporaryFolder folder;
            auto store = host::SqliteStore::open(folder.path() / "store.db", {.tables = tables});
            MESH_ASSERT(store.has_value());
            return cost(**store);
        });
}

constexpr std::size_t coin_count = 1'000'000;

using CoinKey = std::array<std::byte, 34>;
constexpr std::size_t coin_bytes = 37;

CoinKey coin_key(std::uint64_t number) {
    base::Random random(number + 1);
    CoinKey key;
    base::FixedWriter out(key);
    for (int i = 0; i < 4; ++i) out.u64(random.next());
    out.u16(0);
    return key;
}

class Lmdb {
public:
    explicit Lmdb(const std::filesystem::path& folder) {
        MESH_ASSERT(mdb_env_create(&environment_) == 0);
        MESH_ASSERT(mdb_env_set_mapsize(environment_, std::size_t{1} << 30) == 0);
        MESH_ASSERT(mdb_env_open(environment_, folder.c_str(), MDB_NOSYNC, 0600) == 0);
    }
    ~Lmdb() {
        mdb_txn_abort(reading_);
        mdb_env_close(environment_);
    }
    Lmdb(const Lmdb&) = delete;
    Lmdb& operator=(const Lmdb&) = delete;

    void fill() {
        MDB_txn* writing = nullptr;
        MESH_ASSERT(mdb_txn_begin(environment_, nullptr, 0, &writing) == 0);
        MESH_ASSERT(mdb_dbi_open(writing, nullptr, MDB_CREATE, &table_) == 0);
        base::Buffer coin(coin_bytes);
        for (std::size_t i = 0; i < coin_count; ++i) {
            CoinKey key = coin_key(i);
            MDB_val name{key.size(), key.data()};
            MDB_val value{coin.size(), coin.data()};
            MESH_ASSERT(mdb_put(writing, table_, &name, &value, 0) == 0);
        }
        MESH_ASSERT(mdb_txn_commit(writing) == 0);
        MESH_ASSERT(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &reading_) == 0);
    }
    bool get(const CoinKey& key, base::Buffer& coin) {
        MDB_val name{key.size(), const_cast<std::byte*>(key.data())};
        MDB_val value{};
        if (mdb_get(reading_, table_, &name, &value) != 0) return false;
        const auto* bytes = static_cast<const std::byte*>(value.mv_data);
        coin.assign(bytes, bytes + value.mv_size);
        return true;
    }

private:
    MDB_env* environment_ = nullptr;
    MDB_txn* reading_ = nullptr;
    MDB_dbi table_ = 0;
};

void fill_coins(kv::Store& store) {
    kv::Batch batch;
    const base::Buffer coin(coin_bytes);
    for (std::size_t i = 0; i < coin_count; ++i) {
        batch.put(coins, coin_key(i), coin);
        if (batch.size() < 5000) continue;
        must_commit(store, batch);
        batch.clear();
    }
    if (!batch.empty()) must_commit(store, batch);
}

void point_reads(Report& report) {
    const Workload workload{.name = "kv_flash_get", .unit = "M/s", .peer = "lmdb"};
    if (!report.wants(workload.name)) return;
    const host::TemporaryFolder folder;
    auto store = open_flash_log(folder.path() / "store", 512 << 20, kv::FlashLogOptions::server());
    fill_coins(*store);
    Lmdb lmdb(folder.path());
    lmdb.fill();
    base::Random random(3);
    std::vector<CoinKey> wanted(300'000);
    for (CoinKey& key : wanted) key = coin_key(random.below(coin_count));
    base::Buffer coin;
    report.compare(
        workload,
        [&] {
            return million_per_second(wanted.size(), [&] {
                for (const CoinKey& key : wanted) {
                    MESH_ASSERT(store->get_into(coins, key, coin).value_or(false));
                }
            });
        },
        [&] {
            return million_per_second(wanted.size(), [&] {
                for (const CoinKey& key : wanted) MESH_ASSERT(lmdb.get(key, coin));
            });
        });
}

/// CPU of the longest of many commits, in ms, over which the index of a million coins is merged
/// once.
double longest_commit_ms(kv::Store& store, base::Random& random) {
    constexpr int commits = 2000;
    const base::Buffer coin(coin_bytes);
    kv::Batch batch;
    double longest_us = 0;
    for (int i = 0; i < commits; ++i) {
        batch.clear();
        for (int k = 0; k < 128; ++k) batch.put(coins, random_bytes(random, 34), coin);
        const double before = cpu_us();
        must_commit(store, batch);
        longest_us = std::max(longest_us, cpu_us() - before);
    }
    return longest_us / 1000;
}

/// Beside the same log that merges its base in one go, and beside SQLite, which moves its log into
/// the file now and then.
void longest_commit(Report& report) {
    Workload workload{.name = "kv_flash_commit_longest",
                      .unit = "ms",
                      .peer = "merged_at_once",
                      .better = Better::lower,
                      .rounds = 1};
    if (!report.wants(workload.name)) return;
    const host::TemporaryFolder folder;
    kv::FlashLogOptions options = kv::FlashLogOptions::server();
    auto ours = open_flash_log(folder.path() / "ours", 512 << 20, options);
    fill_coins(*ours);
    base::Random random(9);
    const auto measure = [&] { return longest_commit_ms(*ours, random); };
    {
        options.merged_at_once = UINT32_MAX;
        auto at_once = open_flash_log(folder.path() / "at_once", 512 << 20, options);
        fill_coins(*at_once);
        report.compare(workload, measure, [&] { return longest_commit_ms(*at_once, random); });
    }
    auto sqlite = host::SqliteStore::open(folder.path() / "store.db", {.tables = tables});
    MESH_ASSERT(sqlite.has_value());
    fill_coins(**sqlite);
    workload.name = "kv_flash_commit_longest_sqlite";
    workload.peer = "sqlite";
    report.compare(workload, measure, [&] { return longest_commit_ms(**sqlite, random); });
}

/// Opening after a crash with a gigabyte of blocks in the log, in seconds of CPU.
void recovery(Report& report) {
    const Workload workload{.name = "kv_flash_recover_1gb",
                            .unit = "s",
                            .peer = "target",
                            .better = Better::lower,
                            .rounds = 3};
    if (!report.wants(workload.name)) return;
    const host::TemporaryFolder folder;
    constexpr std::uint64_t size = std::uint64_t{1400} << 20;
    {
        auto store = open_flash_log(folder.path() / "store", size, {});
        base::Random random(5);
        kv::Batch batch;
        const base::Buffer block = random_bytes(random, 1024);
        for (std::uint64_t bytes = 0; bytes < std::uint64_t{1} << 30; bytes += batch.bytes()) {
            batch.clear();
            for (int i = 0; i < 500; ++i) batch.put(blocks, random_bytes(random, 32), block);
            must_commit(*store, batch);
        }
    }
    report.against_target(workload, 2.0, [&] {
        const double before = cpu_us();
        keep(open_flash_log(folder.path() / "store", size, {}));
        return (cpu_us() - before) / 1e6;
    });
}

}  // namespace

void kv_flash_workloads(Report& report) {
    commit_rate(report);
    commit_cost(
        report,
        {.name = "kv_flash_commit_cpu", .unit = "us", .peer = "sqlite", .better = Better::lower},
        cpu_us);
    commit_cost(report,
                {.name = "kv_flash_commit_bytes",
                 .unit = "B",
                 .peer = "sqlite",
                 .better = Better::lower,
                 .rounds = 1},
                written_bytes);
    point_reads(report);
    longest_commit(report);
    recovery(report);
}

}  // namespace meshchain::bench
