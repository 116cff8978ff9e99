#include "host/sqlite_store.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "host/sqlite_test_folder.h"
#include "kv/conformance_suite.h"

namespace meshchain::kv::conformance {
namespace {

class SqliteMedium final : public Medium {
public:
    std::expected<std::unique_ptr<Store>, base::Error> open(const StoreOptions& options) override {
        MESH_TRY(auto store,
                 host::SqliteStore::open(folder_.path(), options,
                                         {.durability = host::SqliteOptions::Durability::off}));
        return std::unique_ptr<Store>(std::move(store));
    }
    void crash(std::unique_ptr<Store> store) override { folder_.crash(std::move(store)); }
    void damage_value(Table, base::Bytes, base::Bytes value) override {
        folder_.damage(base::as_text(value));
    }

private:
    host::SqliteTestFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance,
                         testing::Values(Engine{"Sqlite",
                                                [] { return std::make_unique<SqliteMedium>(); }}),
                         engine_name);

}  // namespace
}  // namespace meshchain::kv::conformance

namespace meshchain::host {
namespace {

using base::Errc;
using Mode = SqliteOptions::Mode;

Errc refusal(const std::expected<std::unique_ptr<SqliteStore>, base::Error>& opened) {
    EXPECT_FALSE(opened.has_value());
    if (opened) return Errc::timeout;
    EXPECT_FALSE(opened.error().what.empty());
    EXPECT_FALSE(opened.error().where.empty());
    EXPECT_FALSE(opened.error().advice.empty()) << sentence(opened.error());
    return opened.error().code;
}

void fill(const SqliteTestFolder& folder, std::uint64_t blocks) {
    auto store = folder.open();
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    for (std::uint64_t height = 1; height <= blocks; ++height) {
        ASSERT_TRUE((*store)->commit(block_batch(height)));
    }
}

/// Runs `child` in a process of its own; returns its id.
template <class Child>
pid_t spawn(Child child) {
    const pid_t id = ::fork();
    if (id == 0) {
        child();
        ::_exit(0);
    }
    return id;
}

TEST(SqliteStore, NewFiles_AreForTheirOwnerAlone) {
    const SqliteTestFolder folder;
    const auto store = folder.open();
    ASSERT_TRUE(store.has_value());
    using std::filesystem::perms;
    for (const char* end : {"", "-wal", "-shm", ".lock"}) {
        const auto status = std::filesystem::status(folder.path().string() + end);
        EXPECT_EQ(status.permissions(), perms::owner_read | perms::owner_write) << end;
    }
}

TEST(SqliteStore, NotADatabase_IsReportedAndLeftAlone) {  // P5-20
    const SqliteTestFolder folder;
    const std::string text(9000, 'x');
    write_text(folder.path(), text);
    EXPECT_EQ(refusal(folder.open()), Errc::corrupt);
    EXPECT_EQ(read_text(folder.path()), text);
}

TEST(SqliteStore, DatabaseOfAnotherProgram_IsReportedAndLeftAlone) {
    const SqliteTestFolder folder;
    {
        auto other =
            SqliteConnection::open(folder.path(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
        ASSERT_TRUE(other.has_value());
        ASSERT_TRUE((*other)->run("CREATE TABLE bookmarks (url TEXT)"));
    }
    const std::string before = read_text(folder.path());
    EXPECT_EQ(refusal(folder.open()), Errc::corrupt);
    EXPECT_EQ(read_text(folder.path()), before);
}

TEST(SqliteStore, NewerFormat_IsRefusedWithBothVersions) {
    const SqliteTestFolder folder;
    fill(folder, 1);
    {
        auto raw = SqliteConnection::open(folder.path(), SQLITE_OPEN_READWRITE);
        ASSERT_TRUE((*raw)->run("PRAGMA user_version = 99"));
    }
    const auto opened = folder.open();
    EXPECT_EQ(refusal(opened), Errc::wrong_version);
    EXPECT_NE(opened.error().what.find("99"), std::string::npos);
}

TEST(SqliteStore, OlderFormat_CanBeReadAsItIs_AndIsBroughtUpToDateByWhoWrites) {
    const SqliteTestFolder folder;
    write_first_format(folder.path(), folder.tables, 12);
    const std::string before = read_text(folder.path());
    {
        const auto reader = folder.open(Mode::read_only);
        ASSERT_TRUE(reader.has_value()) << sentence(reader.error());
        EXPECT_EQ(checked_height(**reader), 12U);
        EXPECT_EQ((*reader)->sequence(), 0U);
        EXPECT_TRUE((*reader)->verify().has_value());
    }
    EXPECT_EQ(read_text(folder.path()), before);
    for (std::uint64_t height = 13; height < 15; ++height) {
        const auto store = folder.open(Mode::must_exist);
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        EXPECT_EQ(checked_height(**store), height - 1);
        ASSERT_TRUE((*store)->commit(block_batch(height)).has_value());
        EXPECT_EQ((*store)->sequence(), height - 12);
        EXPECT_TRUE((*store)->verify().has_value());
    }
}

TEST(SqliteStore, TruncatedFile_IsReported) {
    const SqliteTestFolder folder;
    fill(folder, 20);
    const std::string whole = read_text(folder.path());
    for (const std::size_t size : {std::size_t{50}, std::size_t{4096}, whole.size() - 4096}) {
        write_text(folder.path(), whole.substr(0, size));
        EXPECT_EQ(refusal(folder.open(Mode::must_exist)), Errc::corrupt) << size;
    }
}

TEST(SqliteStore, EmptyOrMissingFile_IsNoNewStoreWhereOneMustExist) {
    const SqliteTestFolder folder;
    EXPECT_EQ(refusal(folder.open(Mode::must_exist)), Errc::not_found);
    EXPECT_EQ(refusal(folder.open(Mode::read_only)), Errc::not_found);
    EXPECT_FALSE(std::filesystem::exists(folder.path()));
    write_text(folder.path(), "");
    EXPECT_EQ(refusal(folder.open(Mode::must_exist)), Errc::corrupt);
    EXPECT_EQ(refusal(folder.open(Mode::read_only)), Errc::corrupt);
}

TEST(SqliteStore, PathsThatCannotBe_AreReported) {
    const SqliteTestFolder folder;
    const kv::StoreOptions options{.tables = SqliteTestFolder::tables};
    const auto parent = folder.path().parent_path();
    EXPECT_EQ(refusal(SqliteStore::open(parent / "missing" / "store.db", options)),
              Errc::not_found);
    write_text(parent / "file", "x");
    EXPECT_EQ(refusal(SqliteStore::open(parent / "file" / "store.db", options)),
              Errc::invalid_argument);
    std::filesystem::create_directory(parent / "folder");
    EXPECT_FALSE(SqliteStore::open(parent / "folder", options).has_value());
}

TEST(SqliteStore, FolderWithoutPermission_IsReported) {
    const SqliteTestFolder folder;  // Only its owner may enter.
    std::filesystem::permissions(folder.path().parent_path(), std::filesystem::perms::none);
    const pid_t stranger = spawn([&] {
        constexpr uid_t nobody = 65'534;
        if (::geteuid() == 0 && ::seteuid(nobody) != 0) ::_exit(2);
        const auto opened = folder.open();
        ::_exit(!opened && opened.error().code == Errc::unauthorized ? 0 : 1);
    });
    int status = 0;
    ::waitpid(stranger, &status, 0);
    EXPECT_EQ(status, 0);
    std::filesystem::permissions(folder.path().parent_path(), std::filesystem::perms::owner_all);
}

/// Never wrong data: every flip is found, or does not matter to what is read.
TEST(SqliteStore, EveryFlippedByte_OfAValuePage_IsNeverReturned) {  // P5-6
    const SqliteTestFolder folder;
    const std::string value(3000, 'v');
    {
        auto store = folder.open_unsynced();
        kv::Batch batch;
        batch.put(SqliteTestFolder::blocks, base::as_bytes("key"), base::as_bytes(value));
        ASSERT_TRUE((*store)->commit(batch));
    }
    const std::string whole = read_text(folder.path());
    const std::size_t start = whole.find(value.substr(0, 500));
    ASSERT_NE(start, std::string::npos);
    for (std::size_t offset = 0; offset < 500; offset += 7) {
        std::string damaged = whole;
        damaged[start + offset] ^= 1;
        write_text(folder.path(), damaged);
        auto store = folder.open_unsynced();
        ASSERT_TRUE(store.has_value());
        const auto got = (*store)->get(SqliteTestFolder::blocks, base::as_bytes("key"));
        ASSERT_FALSE(got.has_value()) << "offset " << offset;
        EXPECT_EQ(got.error().code, Errc::corrupt);
    }
}

/// What a store damaged somewhere answers about three blocks.
void check_answers(SqliteStore& store, const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string key(1, static_cast<char>('a' + i));
        const auto got = store.get(SqliteTestFolder::blocks, base::as_bytes(key));
        if (!got) continue;
        if (*got) {
            ASSERT_EQ(base::as_text(**got), values[i]);
        } else {
            // A damaged key hides its row from look-ups; then the health check must find it.
            ASSERT_FALSE(store.verify().has_value());
        }
    }
}

TEST(SqliteStore, BitFlippedAnywhere_IsNeverAWrongAnswer) {  // P5-6, P5-20, P5-25
    const SqliteTestFolder folder;
    const std::vector<std::string> values{std::string(40, 'A'), std::string(900, 'B'), "C"};
    {
        auto store = folder.open_unsynced();
        ASSERT_TRUE(store.has_value());
        kv::Batch batch;
        for (std::size_t i = 0; i < values.size(); ++i) {
            batch.put(SqliteTestFolder::blocks,
                      base::as_bytes(std::string(1, static_cast<char>('a' + i))),
                      base::as_bytes(values[i]));
        }
        ASSERT_TRUE((*store)->commit(batch));
    }
    const std::string whole = read_text(folder.path());
    int reported_at_open = 0;
    for (std::size_t offset = 0; offset < whole.size(); offset += offset < 200 ? 1 : 89) {
        SCOPED_TRACE("offset " + std::to_string(offset));
        std::string damaged = whole;
        damaged[offset] ^= static_cast<char>(1 << (offset % 8));
        write_text(folder.path(), damaged);
        auto store = folder.open_unsynced();
        if (store) {
            check_answers(**store, values);
        } else {
            ++reported_at_open;
        }
        store = std::unique_ptr<SqliteStore>();
        std::filesystem::remove(folder.log_path());
    }
    EXPECT_GT(reported_at_open, 20);
}

TEST(SqliteStore, SecondProcess_IsLockedOutWhileTheFirstLives) {
    const SqliteTestFolder folder;
    auto store = folder.open();
    ASSERT_TRUE(store.has_value());
    const auto exit_status_of_second = [&] {
        const pid_t second = spawn([&] { ::_exit(folder.open().has_value() ? 1 : 0); });
        int status = 0;
        ::waitpid(second, &status, 0);
        return status;
    };
    EXPECT_EQ(exit_status_of_second(), 0);
    EXPECT_EQ(refusal(folder.open()), Errc::locked);
    store->reset();
    EXPECT_NE(exit_status_of_second(), 0);
}

/// B6: every acknowledged commit is there, whole, and at most the one under way besides.
TEST(SqliteStore, KilledAtAnyInstant_KeepsEveryAcknowledgedCommitWhole) {  // P5-1, P5-7
    const SqliteTestFolder folder;
    std::uint64_t acknowledged = 0;
    for (int life = 0; life < 6; ++life) {
        int pipe_ends[2];
        ASSERT_EQ(::pipe(pipe_ends), 0);
        const pid_t writer = spawn([&] {
            auto store = folder.open();
            if (!store) ::_exit(1);
            for (std::uint64_t height = checked_height(**store) + 1;; ++height) {
                if (!(*store)->commit(block_batch(height))) ::_exit(1);
                if (::write(pipe_ends[1], &height, sizeof height) != sizeof height) ::_exit(1);
            }
        });
        ::close(pipe_ends[1]);
        std::uint64_t height = 0;
        // A different number of commits each life, so that the kill lands in different work.
        for (int seen = 0; seen < 20 + life * 13; ++seen) {
            ASSERT_EQ(::read(pipe_ends[0], &height, sizeof height), sizeof height);
            acknowledged = height;
        }
        ::kill(writer, SIGKILL);
        while (::read(pipe_ends[0], &height, sizeof height) == sizeof height) acknowledged = height;
        ::close(pipe_ends[0]);
        int status = 0;
        ::waitpid(writer, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));

        auto store = folder.open(life % 2 == 0 ? Mode::must_exist : Mode::read_only);
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        const std::uint64_t found = checked_height(**store);
        EXPECT_GE(found, acknowledged);
        EXPECT_LE(found, acknowledged + 1);
        EXPECT_TRUE((*store)->verify().has_value());
    }
}

/// A power cut may leave any part of what was not yet synced: the log cut at any length shows some
/// prefix of the commits, whole.
TEST(SqliteStore, LogCutAnywhere_ShowsAPrefixOfWholeCommits) {
    const SqliteTestFolder folder;
    auto store = folder.open_unsynced();
    ASSERT_TRUE(store.has_value());
    for (std::uint64_t height = 1; height <= 6; ++height) {
        ASSERT_TRUE((*store)->commit(block_batch(height)));
    }
    folder.crash(*std::move(store));
    const std::string database = read_text(folder.path());
    const std::string log = read_text(folder.log_path());
    std::uint64_t highest = 0;
    for (std::size_t size = 0; size <= log.size(); size += 1021) {
        write_text(folder.path(), database);
        write_text(folder.log_path(), log.substr(0, size));
        auto cut = folder.open_unsynced();
        ASSERT_TRUE(cut.has_value()) << sentence(cut.error());
        const std::uint64_t height = checked_height(**cut);
        EXPECT_GE(height, highest) << size;
        highest = height;
    }
    EXPECT_GE(highest, 5u);
}

TEST(SqliteStore, ReadOnly_SeesTheStoreBesideAWriterAndChangesNothing) {
    const SqliteTestFolder folder;
    auto writer = folder.open();
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->commit(block_batch(1)));
    auto reader = folder.open(Mode::read_only);
    ASSERT_TRUE(reader.has_value()) << sentence(reader.error());
    EXPECT_TRUE((*reader)->is_read_only());
    EXPECT_EQ((*reader)->commit(block_batch(2)).error().code, Errc::unavailable);
    ASSERT_TRUE((*writer)->commit(block_batch(2)));
    EXPECT_EQ(checked_height(**reader), 2u);
}

TEST(SqliteStore, ReadsBetweenCommits_KeepTheLogShort) {
    const SqliteTestFolder folder;
    constexpr std::uint32_t pages = 50;
    auto store = *SqliteStore::open(
        folder.path(), {.tables = SqliteTestFolder::tables},
        {.durability = SqliteOptions::Durability::off, .checkpoint_pages = pages});
    for (std::uint64_t height = 1; height <= 500; ++height) {
        ASSERT_TRUE(store->commit(block_batch(height)));
        ASSERT_TRUE(store->count(SqliteTestFolder::blocks));  // in a transaction that stays open
    }
    EXPECT_LE(std::filesystem::file_size(folder.log_path()), 3 * pages * 4096);
}

TEST(SqliteStore, FullMedium_ChangesNothingAndRecovers) {  // B12
    const SqliteTestFolder folder;
    auto store = folder.open(Mode::create_if_absent, 400'000);
    ASSERT_TRUE(store.has_value());
    // Values of just over a page each take two: SQLite meets the end before the quota's sum does.
    kv::Batch batch;
    std::uint64_t stored = 0;
    for (;; ++stored) {
        batch.clear();
        for (int i = 0; i < 4; ++i) {
            batch.put(SqliteTestFolder::blocks,
                      base::as_bytes(std::to_string(stored) + "-" + std::to_string(i)),
                      base::Buffer(4500));
        }
        batch.allow_reserve();
        const auto done = (*store)->commit(batch);
        if (done) continue;
        EXPECT_EQ(done.error().code, Errc::full);
        break;
    }
    EXPECT_EQ((*store)->count(SqliteTestFolder::blocks), stored * 4);
    EXPECT_FALSE((*store)->is_read_only());
    EXPECT_EQ((*store)->quota().level(), kv::QuotaLevel::full);
    batch.clear();
    for (int i = 0; i < 4; ++i) {
        for (std::uint64_t old = 0; old < stored; old += 2) {
            batch.erase(SqliteTestFolder::blocks,
                        base::as_bytes(std::to_string(old) + "-" + std::to_string(i)));
        }
    }
    ASSERT_TRUE((*store)->commit(batch));
    EXPECT_TRUE((*store)->commit(block_batch(1)).has_value());
}

/// The file size limit makes the kernel refuse a write in the midst of a commit.
TEST(SqliteStore, WriteRefusedByTheKernel_LosesNothingAcknowledged) {  // B15
    const SqliteTestFolder folder;
    fill(folder, 1);
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t writer = spawn([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{.rlim_cur = 200'000, .rlim_max = 200'000};
        auto store = folder.open();
        if (!store || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(1);
        std::uint64_t height = 1;
        while ((*store)->commit(block_batch(height + 1))) ++height;
        // Reads go on with the old state, and no commit is taken whose fate hangs on the last.
        const bool sound =
            checked_height(**store) == height && (*store)->is_read_only() &&
            (*store)->commit(block_batch(height + 1)).error().code == Errc::unavailable;
        if (!sound || ::write(pipe_ends[1], &height, sizeof height) != sizeof height) ::_exit(2);
        ::_exit(0);
    });
    int status = 0;
    ::waitpid(writer, &status, 0);
    ASSERT_EQ(status, 0);
    std::uint64_t acknowledged = 0;
    ASSERT_EQ(::read(pipe_ends[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    EXPECT_GT(acknowledged, 5u);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);

    auto store = folder.open(Mode::must_exist);
    ASSERT_TRUE(store.has_value());
    const std::uint64_t height = checked_height(**store);
    EXPECT_GE(height, acknowledged);
    EXPECT_LE(height, acknowledged + 1);
    EXPECT_TRUE((*store)->commit(block_batch(height + 1)).has_value());
}

}  // namespace
}  // namespace meshchain::host
