// Power goes in the middle of what an operator does with a store: the folder afterwards has the old
// store or the new one, whole, and the same command then works.

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test_effort.h"
#include "host/test_fault_vfs.h"
#include "host/test_stopped_node.h"

namespace meshchain::host {
namespace {

constexpr rlimit no_core{0, 0};

class StorePowerTest : public StoppedNode {};

TEST_F(StorePowerTest, CutInAnImport_LeavesTheOldStoreInUseOrTheNewOneWhole) {  // B16
    bool is_done = false;
    for (std::uint64_t cut = 0; !is_done; cut += test::effort(9U, 1U)) {
        SCOPED_TRACE(cut);
        const TemporaryFolder folder;
        const fs::path& root = folder.path();
        fs::copy(origin(), root, fs::copy_options::recursive);
        FaultVfs disk;
        disk.cut_power_after(cut);
        is_done = import_store(root, exported(), {}).has_value();
        base::Random random(cut);
        disk.power_on(random);
        const auto config = load_config(DataFolder(root).config());
        ASSERT_TRUE(config.has_value());
        EXPECT_EQ(config->storage_path, is_done ? "store-2.db" : "store.db");
        ASSERT_NO_FATAL_FAILURE(expect_whole(root));
        const auto again = import_store(root, exported(), {});
        ASSERT_TRUE(again.has_value()) << base::sentence(again.error());
        ASSERT_NO_FATAL_FAILURE(expect_whole(root));
    }
}

TEST_F(StorePowerTest, CutWhileAStoreIsCompacted_LosesNothing) {
    bool is_done = false;
    for (std::uint64_t cut = 0; !is_done; cut += test::effort(9U, 1U)) {
        SCOPED_TRACE(cut);
        const TemporaryFolder folder;
        const fs::path& root = folder.path();
        fs::copy(origin(), root, fs::copy_options::recursive);
        FaultVfs disk;
        disk.cut_power_after(cut);
        is_done = compact_store(root).has_value();
        base::Random random(cut);
        disk.power_on(random);
        ASSERT_NO_FATAL_FAILURE(expect_whole(root));
    }
}

/// The state of a copy made by `store backup`.
void expect_whole_copy(const fs::path& root, const fs::path& copy, std::uint32_t height) {
    const TemporaryFolder restored;
    fs::copy(root, restored.path(), fs::copy_options::recursive);
    const auto imported = import_store(restored.path(), copy, {});
    ASSERT_TRUE(imported.has_value()) << base::sentence(imported.error());
    EXPECT_EQ(imported->tip.height, height);
}

TEST_F(StorePowerTest, CutInABackup_LeavesTheStoreAndNoCopyOrAWholeOne) {  // B16
    bool is_done = false;
    for (std::uint64_t cut = 0; !is_done; cut += test::effort(29U, 1U)) {
        SCOPED_TRACE(cut);
        const TemporaryFolder to;
        const fs::path copy = to.path() / "copy";
        FaultVfs disk;
        disk.cut_power_after(cut);
        is_done = backup_store(origin(), copy).has_value();
        base::Random random(cut);
        disk.power_on(random);
        ASSERT_NO_FATAL_FAILURE(expect_whole(origin()));
        ASSERT_EQ(fs::exists(copy), is_done);
        if (!is_done) {
            const auto again = backup_store(origin(), copy);
            ASSERT_TRUE(again.has_value()) << base::sentence(again.error());
        }
        ASSERT_NO_FATAL_FAILURE(expect_whole_copy(origin(), copy, blocks));
    }
}

/// Runs `work` in a process that is killed when a file of its grows beyond so many bytes. Whether
/// it was.
template <class Work>
bool kill_at(std::uint64_t bytes, Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit limit{bytes, bytes};
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::setrlimit(RLIMIT_FSIZE, &limit);
        work();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ;
}

TEST_F(StorePowerTest, ExportKilledAtAnyByte_LeavesNoneOrAWholeOne) {  // B16
    // Its store's files are as large as they get: what grows is the export.
    const ImportOptions flash{.engine = node::StoreEngine::flashlog, .size_mb = 16};
    ASSERT_TRUE(import_store(origin(), exported(), flash).has_value());
    const fs::path to = elsewhere_.path() / "again";
    ASSERT_TRUE(export_store(origin(), to).has_value());
    const auto whole = read_file(to, 1 << 20);
    fs::remove(to);
    const std::size_t step = whole->size() / test::effort(7U, 200U) + 1;
    unsigned kills = 0;
    for (std::size_t bytes = 0; bytes < whole->size() + step; bytes += step) {
        SCOPED_TRACE(bytes);
        kills += kill_at(bytes, [&] { (void)export_store(origin(), to); });
        ASSERT_EQ(fs::exists(to), bytes >= whole->size());
        if (!fs::exists(to)) {
            ASSERT_TRUE(export_store(origin(), to).has_value());
        }
        EXPECT_EQ(*read_file(to, 1 << 20), *whole);
        EXPECT_FALSE(fs::exists(to.string() + ".part")) << "what a killed one left is gone";
        fs::remove(to);
    }
    EXPECT_EQ(kills, (whole->size() + step - 1) / step);
}

TEST_F(StorePowerTest, BackupKilledAtAnyByte_LeavesNoneOrAWholeOne) {  // B16
    const fs::path to = elsewhere_.path() / "copy";
    ASSERT_TRUE(backup_store(origin(), to).has_value());
    const std::size_t most = 2 * fs::file_size(to);
    fs::remove(to);
    unsigned kills = 0;
    for (std::size_t bytes = 4096; bytes < most; bytes += most / test::effort(4U, 200U)) {
        SCOPED_TRACE(bytes);
        kills += kill_at(bytes, [&] { (void)backup_store(origin(), to); });
        if (!fs::exists(to)) {
            ASSERT_TRUE(backup_store(origin(), to).has_value());
        }
        ASSERT_NO_FATAL_FAILURE(expect_whole_copy(origin(), to, blocks));
        EXPECT_FALSE(fs::exists(to.string() + ".part")) << "what a killed one left is gone";
        fs::remove(to);
    }
    EXPECT_GE(kills, test::effort(2U, 100U));
}

/// The name of a store that is lost stays its own: found again, it must not meet another.
TEST_F(StorePowerTest, ImportInPlaceOfALostStore_TakesAnotherName) {  // B16
    node::NodeConfig config = config_;
    config.storage_path = "store-2.db";
    ASSERT_TRUE(save_config(config, DataFolder(origin()).config()).has_value());
    for (const auto& entry : fs::directory_iterator(origin())) {
        if (entry.path().filename().string().starts_with("store.db")) fs::remove(entry.path());
    }
    const auto imported = import_store(origin(), exported(), {});
    ASSERT_TRUE(imported.has_value()) << base::sentence(imported.error());
    EXPECT_EQ(imported->path.filename(), "store-3.db");
    EXPECT_TRUE(imported->old_path.empty());
    ASSERT_NO_FATAL_FAILURE(expect_whole(origin()));
}

}  // namespace
}  // namespace meshchain::host
