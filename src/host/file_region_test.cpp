#include "host/file_region.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "host/node_store.h"
#include "host/temporary_folder.h"
#include "kv/flash_log.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using base::Errc;
using Mode = FileRegion::Mode;

constexpr std::uint64_t size = 16 << 20;
constexpr kv::Table coins{0};
constexpr kv::TableInfo tables[] = {{coins, "coins"}};

Errc refusal(const auto& opened) {
    EXPECT_FALSE(opened.has_value());
    if (opened) return Errc::timeout;
    EXPECT_FALSE(opened.error().advice.empty()) << sentence(opened.error());
    return opened.error().code;
}

std::expected<std::unique_ptr<kv::FlashLog>, base::Error> open_log(
    const std::filesystem::path& path, Mode mode = Mode::create_if_absent) {
    MESH_TRY(auto region, FileRegion::open(path, {.mode = mode, .size_bytes = size}));
    if (region->is_blank()) MESH_CHECK(kv::FlashLog::format(*region));
    return kv::FlashLog::open(std::move(region), {.tables = tables},
                              {.read_only = mode == Mode::read_only});
}

kv::Batch number(std::uint64_t value) {
    kv::Batch batch;
    const std::string text = std::to_string(value);
    batch.put(coins, base::as_bytes("number"), base::as_bytes(text));
    batch.put(coins, base::as_bytes("n" + text), base::Buffer(700));
    return batch;
}

std::uint64_t stored_number(kv::Store& store) {
    const auto got = store.get(coins, base::as_bytes("number"));
    EXPECT_TRUE(got.has_value());
    return got && *got ? std::stoull(std::string(base::as_text(**got))) : 0;
}

TEST(FileRegion, MissingEmptyOrForeignFiles_AreReported) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "store";
    EXPECT_EQ(refusal(FileRegion::open(path, {.mode = Mode::must_exist})), Errc::not_found);
    EXPECT_EQ(refusal(FileRegion::open(path, {.mode = Mode::read_only})), Errc::not_found);
    EXPECT_FALSE(std::filesystem::exists(path));
    std::ofstream(path).close();
    EXPECT_EQ(refusal(FileRegion::open(path, {.mode = Mode::must_exist})), Errc::corrupt);
    EXPECT_FALSE(FileRegion::open(folder.path(), {}).has_value());
    EXPECT_EQ(refusal(FileRegion::open(folder.path() / "no" / "store", {})), Errc::not_found);
}

TEST(FileRegion, FileWhoseBeginningIsLost_IsNotBlank) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "store.db";
    std::ofstream(path, std::ios::binary) << std::string(20'000, '\0') << "content";
    const auto region = FileRegion::open(path, {.size_bytes = 1 << 20});
    ASSERT_TRUE(region.has_value()) << sentence(region.error());
    EXPECT_FALSE((*region)->is_blank());
    EXPECT_EQ((*region)->size_bytes(), 20'007U) << "nothing was written over it";
}

TEST(FileRegion, FileInUse_IsLockedForOthers) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "store";
    auto first = open_log(path);
    ASSERT_TRUE(first.has_value()) << sentence(first.error());
    EXPECT_EQ(refusal(open_log(path)), Errc::locked);
    EXPECT_EQ(refusal(open_log(path, Mode::read_only)), Errc::locked);
    ASSERT_TRUE((*first)->close());
    auto reader = open_log(path, Mode::read_only);
    ASSERT_TRUE(reader.has_value()) << sentence(reader.error());
    EXPECT_TRUE(open_log(path, Mode::read_only).has_value());
    EXPECT_EQ((*reader)->commit(number(1)).error().code, Errc::unavailable);
}

TEST(FileRegion, FileCutShort_IsReported) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "store";
    {
        auto store = open_log(path);
        ASSERT_TRUE((*store)->commit(number(1)));
    }
    std::filesystem::resize_file(path, size / 2);
    EXPECT_FALSE(open_log(path, Mode::must_exist).has_value());
}

TEST(FileRegion, WriteRefusedByTheKernel_ChangesNothing) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "store";
    auto store = open_log(path);
    ASSERT_TRUE((*store)->commit(number(1)));
    rlimit whole{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &whole), 0);
    const rlimit none{0, whole.rlim_max};
    const auto previous = ::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
    const auto refused = (*store)->commit(number(2));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &whole), 0);
    ::signal(SIGXFSZ, previous);
    EXPECT_FALSE(refused.has_value());
    EXPECT_EQ(stored_number(**store), 1u);
    store->reset();
    store = open_log(path, Mode::must_exist);
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    EXPECT_EQ(stored_number(**store), 1u);
    EXPECT_TRUE((*store)->commit(number(2)).has_value());
}

/// Runs `work` as somebody who owns nothing here; its answer.
template <class Work>
int as_a_stranger(Work work) {
    const pid_t stranger = ::fork();
    if (stranger == 0) {
        constexpr uid_t nobody = 65'534;
        if (::geteuid() == 0 && ::seteuid(nobody) != 0) ::_exit(100);
        ::_exit(work());
    }
    int status = 0;
    ::waitpid(stranger, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(FileRegion, PermissionDenied_IsReportedAndChangesNothing) {  // B15
    const TemporaryFolder folder;
    const auto path = folder.path() / "store";
    ASSERT_TRUE((*open_log(path))->commit(number(1)));
    using std::filesystem::perms;
    const auto code = [&](Mode mode) {
        const auto opened = open_log(path, mode);
        return opened ? -1 : static_cast<int>(opened.error().code);
    };
    const int denied = static_cast<int>(Errc::unauthorized);
    std::filesystem::permissions(path, perms::owner_read | perms::group_read | perms::others_read);
    std::filesystem::permissions(folder.path(),
                                 perms::owner_all | perms::group_exec | perms::others_exec);
    if (::geteuid() == 0) {
        EXPECT_EQ(as_a_stranger([&] { return code(Mode::must_exist); }), denied);
        EXPECT_EQ(as_a_stranger([&] { return code(Mode::create_if_absent); }), denied);
        EXPECT_EQ(as_a_stranger([&] { return code(Mode::read_only) == -1 ? 0 : 1; }), 0);
    }
    std::filesystem::permissions(folder.path(), perms::none);
    EXPECT_EQ(as_a_stranger([&] { return code(Mode::read_only); }), denied);
    std::filesystem::permissions(folder.path(), perms::owner_all);
    std::filesystem::permissions(path, perms::owner_read | perms::owner_write);
    auto store = open_log(path, Mode::must_exist);
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    EXPECT_EQ(stored_number(**store), 1u);
}

TEST(FileRegion, TooLittleRoomToBeMadeOrToGrow_LeavesWhatThereWas) {  // B12, B15
    const TemporaryFolder folder;
    const auto path = folder.path() / "store";
    ASSERT_TRUE((*open_log(path))->commit(number(1)));
    rlimit whole{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &whole), 0);
    const rlimit little{size + (2 << 20), whole.rlim_max};
    const auto previous = ::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
    const auto grown =
        FileRegion::open(path, {.mode = Mode::must_exist, .size_bytes = 2 * size, .grows = true});
    const auto made = FileRegion::open(folder.path() / "other", {.size_bytes = 2 * size});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &whole), 0);
    ::signal(SIGXFSZ, previous);
    EXPECT_NE(refusal(grown), Errc::timeout);
    EXPECT_NE(refusal(made), Errc::timeout);
    EXPECT_EQ(std::filesystem::file_size(path), size);
    auto store = open_log(path, Mode::must_exist);
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    EXPECT_EQ(stored_number(**store), 1u);
    // What was begun is blank still, and is made anew when there is room.
    EXPECT_TRUE(open_log(folder.path() / "other").has_value());
}

TEST(FileRegion, KilledAtAnyInstant_KeepsEveryAcknowledgedCommit) {  // B6, P5-1
    const TemporaryFolder folder;
    const auto path = folder.path() / "store";
    std::uint64_t acknowledged = 0;
    for (int life = 0; life < 4; ++life) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t writer = ::fork();
        if (writer == 0) {
            auto store = open_log(path);
            if (!store) ::_exit(1);
            for (std::uint64_t next = stored_number(**store) + 1;; ++next) {
                if (!(*store)->commit(number(next))) ::_exit(1);
                if (::write(ends[1], &next, sizeof next) != sizeof next) ::_exit(1);
            }
        }
        ::close(ends[1]);
        std::uint64_t seen = 0;
        for (int i = 0; i < 30 + life * 17; ++i) {
            ASSERT_EQ(::read(ends[0], &seen, sizeof seen), sizeof seen);
            acknowledged = seen;
        }
        ::kill(writer, SIGKILL);
        while (::read(ends[0], &seen, sizeof seen) == sizeof seen) acknowledged = seen;
        ::close(ends[0]);
        int status = 0;
        ::waitpid(writer, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status));
        auto store = open_log(path, Mode::must_exist);
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        EXPECT_GE(stored_number(**store), acknowledged);
        EXPECT_LE(stored_number(**store), acknowledged + 1);
        EXPECT_TRUE((*store)->verify().has_value());
    }
}

/// A commit of half a megabyte.
std::expected<void, base::Error> fill(kv::Store& store, int& stored) {
    kv::Batch batch;
    for (int i = 0; i < 8; ++i) {
        const std::string key = "key " + std::to_string(stored + i);
        batch.put(node::node_tables[0].table, base::as_bytes(key),
                  base::Buffer(60'000, static_cast<std::byte>(stored + i)));
    }
    MESH_CHECK(store.commit(batch));
    stored += 8;
    return {};
}

class GrowingStore : public testing::TestWithParam<node::StoreEncryption> {};

TEST_P(GrowingStore, RaisedSize_GivesRoomAndKeepsEverything_AfterACutToo) {  // B12
    const TemporaryFolder root;
    const DataFolder folder(root.path());
    node::NodeConfig config;
    config.store_engine = node::StoreEngine::flashlog;
    config.store_encryption = GetParam();
    config.wallet.device_secret_path = "device.secret";
    config.store_size_mb = 16;
    int stored = 0;
    {
        auto store = open_node_store(folder, config, StoreMode::create_if_absent);
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        auto filled = fill(**store, stored);
        while (filled) filled = fill(**store, stored);
        EXPECT_EQ(filled.error().code, Errc::full);
    }
    // The file as a cut leaves it while it grows.
    std::filesystem::resize_file(folder.store(config), (16 << 20) + 123'456);
    config.store_size_mb = 40;
    for (int life = 0; life < 2; ++life) {
        auto store = open_node_store(folder, config, StoreMode::must_exist);
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        EXPECT_EQ(std::filesystem::file_size(folder.store(config)), 40u << 20);
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(fill(**store, stored).has_value());
        ASSERT_TRUE((*store)->verify().has_value());
        EXPECT_EQ((*store)->count(node::node_tables[0].table).value(),
                  static_cast<std::uint64_t>(stored));
        config.store_size_mb = 16;  // What is smaller changes nothing.
    }
}

INSTANTIATE_TEST_SUITE_P(Store, GrowingStore,
                         testing::Values(node::StoreEncryption::none,
                                         node::StoreEncryption::device),
                         [](const auto& of) {
                             return of.param == node::StoreEncryption::none ? "InClear" : "Sealed";
                         });

TEST(NodeStore, EngineOtherThanTheStores_IsRefusedAndChangesNothing) {
    const TemporaryFolder root;
    const DataFolder folder(root.path());
    node::NodeConfig config;
    config.store_size_mb = 16;
    using Engine = node::StoreEngine;
    for (const Engine made : {Engine::sqlite, Engine::flashlog}) {
        config.storage_path = made == Engine::sqlite ? "a" : "b";
        config.store_engine = made;
        ASSERT_TRUE(open_node_store(folder, config, StoreMode::create_if_absent).has_value());
        config.store_engine = made == Engine::sqlite ? Engine::flashlog : Engine::sqlite;
        const auto bytes = std::filesystem::file_size(folder.store(config));
        for (const StoreMode mode : {StoreMode::create_if_absent, StoreMode::must_exist}) {
            EXPECT_EQ(refusal(open_node_store(folder, config, mode)), Errc::corrupt);
        }
        EXPECT_EQ(std::filesystem::file_size(folder.store(config)), bytes);
        config.store_engine = made;
        const auto opened = open_node_store(folder, config, StoreMode::must_exist);
        EXPECT_TRUE(opened.has_value()) << sentence(opened.error());
    }
}

}  // namespace
}  // namespace meshchain::host
