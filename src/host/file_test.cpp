// Whole files and the lock of a data folder, on a real file system.

#include "host/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>

#include "base/resource_guard.h"
#include "host/file_descriptor.h"
#include "host/file_lock.h"
#include "host/os_error.h"
#include "host/temporary_folder.h"
#include "host/test_small_disk.h"

namespace meshchain::host {
namespace {

using base::as_bytes;
using base::Errc;
using std::filesystem::path;
using testing::HasSubstr;

std::string content_of(const path& file) {
    const auto bytes = read_file(file, 1 << 20);
    return bytes ? std::string(base::as_text(*bytes)) : base::sentence(bytes.error());
}

std::size_t entries_in(const path& folder) {
    const std::filesystem::directory_iterator entries(folder);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

template <class Result>
void expect_error(const Result& result, Errc code, const path& where) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << base::sentence(result.error());
    EXPECT_EQ(result.error().where, where.string());
    EXPECT_FALSE(result.error().advice.empty());
}

/// Runs `body` as a user whom permissions bind, for root may write anywhere.
template <class Body>
void without_privileges(Body body) {
    const uid_t user = ::geteuid();
    if (user == 0) {
        ASSERT_EQ(::seteuid(65534), 0);
    }
    body();
    ASSERT_EQ(::seteuid(user), 0);
}

TEST(ReadFile, Missing_IsNotFoundAndNamesThePath) {
    const TemporaryFolder folder;
    expect_error(read_file(folder.path() / "none", 10), Errc::not_found, folder.path() / "none");
}

TEST(ReadFile, Folder_IsRefusedAsSuch) {
    const TemporaryFolder folder;
    expect_error(read_file(folder.path(), 10), Errc::invalid_argument, folder.path());
}

TEST(ReadFile, WithoutPermission_SaysSo) {
    const TemporaryFolder folder;
    const path file = folder.path() / "secret";
    ASSERT_TRUE(write_file(file, as_bytes("x")));
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    ASSERT_EQ(::chmod(file.c_str(), 0), 0);
    without_privileges([&] { expect_error(read_file(file, 10), Errc::unauthorized, file); });
}

TEST(ReadFile, OneByteOverTheLimit_IsTooLarge) {
    const TemporaryFolder folder;
    const path file = folder.path() / "file";
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16 * 1024},
                                   std::size_t{16 * 1024 + 1}, std::size_t{100'000}}) {
        const std::string content(size, 'x');
        ASSERT_TRUE(write_file(file, as_bytes(content)));
        const auto read = read_file(file, size);
        ASSERT_TRUE(read);
        EXPECT_EQ(base::as_text(*read), content);
        if (size > 0) expect_error(read_file(file, size - 1), Errc::too_large, file);
    }
    expect_error(read_file("/dev/zero", 1000), Errc::too_large, "/dev/zero");
}

TEST(WriteFile, MissingFolder_IsNotFound) {
    const TemporaryFolder folder;
    const path file = folder.path() / "no" / "file";
    expect_error(write_file(file, as_bytes("x")), Errc::not_found, file);
}

TEST(WriteFile, OntoAFolder_LeavesNoTemporaryFile) {
    const TemporaryFolder folder;
    const path target = folder.path() / "folder";
    std::filesystem::create_directory(target);
    expect_error(write_file(target, as_bytes("x")), Errc::invalid_argument, target);
    EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(WriteFile, IntoAFolderWithoutPermission_SaysSo) {
    const TemporaryFolder folder;
    ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
    const path file = folder.path() / "file";
    without_privileges(
        [&] { expect_error(write_file(file, as_bytes("x")), Errc::unauthorized, file); });
}

TEST(WriteFile, WhenTheDiskTakesNoMore_KeepsTheOldContentAndNoTemporaryFile) {
    const TemporaryFolder folder;
    const path file = folder.path() / "file";
    ASSERT_TRUE(write_file(file, as_bytes("old")));
    rlimit old_limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, old_limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    const auto result = write_file(file, as_bytes(std::string(8192, 'x')));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
    std::signal(SIGXFSZ, old_handler);
    expect_error(result, Errc::full, file);
    EXPECT_EQ(content_of(file), "old");
    EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(WriteFile, RefusingToReplace_KeepsTheOldContent) {
    const TemporaryFolder folder;
    const path file = folder.path() / "key";
    ASSERT_TRUE(write_file(file, as_bytes("first"), IfExists::refuse));
    expect_error(write_file(file, as_bytes("second"), IfExists::refuse), Errc::exists, file);
    EXPECT_EQ(content_of(file), "first");
    EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(WriteFile, Replacing_ShowsTheNewContentReadableByItsOwnerAlone) {
    const TemporaryFolder folder;
    const path file = folder.path() / "key";
    std::ofstream(file) << "open to all";
    ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
    ASSERT_TRUE(write_file(file, as_bytes("new")));
    EXPECT_EQ(content_of(file), "new");
    struct stat status{};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    EXPECT_EQ(entries_in(folder.path()), 1U);
}

TEST(Leftovers, OfKilledWriters_AreRemovedAndNothingElse) {
    const TemporaryFolder folder;
    const auto at = [&](const char* name) { return folder.path() / name; };
    for (const char* name :
         {".meshchain-node.keys.part-a8Gh2k", ".meshchain-store.import.part-XyZ123"}) {
        std::ofstream(at(name)) << "half";
    }
    for (const char* name : {"node.keys", "photo.part-000001", ".meshchain-.part-a8Gh2k",
                             ".meshchain-a.part-a8Gh2k9"}) {
        std::ofstream(at(name)) << "whole";
    }
    const path in_use = at(".meshchain-config.json.part-b7Gh2k");
    std::ofstream(in_use) << "under way";
    const FileDescriptor writer(::open(in_use.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::flock(writer.number(), LOCK_EX), 0);
    remove_leftovers(folder.path());
    EXPECT_EQ(entries_in(folder.path()), 5U);
    EXPECT_TRUE(std::filesystem::exists(in_use));
    remove_leftovers(folder.path() / "none");
}

TEST(OsError, FullDiskAndQuota_AreFull) {
    for (const int number : {ENOSPC, EDQUOT}) {
        const base::Error error = os_error(number, "write", "/data/key");
        EXPECT_EQ(error.code, Errc::full);
        EXPECT_THAT(base::sentence(error), HasSubstr("/data/key: cannot write: "));
        EXPECT_THAT(error.advice, HasSubstr("free some space"));
    }
}

TEST(FileLock, Second_IsToldWhoHoldsIt) {
    const TemporaryFolder folder;
    const auto first = FileLock::acquire(folder.path());
    ASSERT_TRUE(first);
    const auto second = FileLock::acquire(folder.path());
    expect_error(second, Errc::locked, folder.path());
    EXPECT_THAT(second.error().what,
                HasSubstr("process " + std::to_string(::getpid()) + " (host_test"));
}

TEST(FileLock, HolderWithoutAReadableId_IsStillReported) {
    const TemporaryFolder folder;
    const auto first = FileLock::acquire(folder.path());
    ASSERT_TRUE(first);
    std::ofstream(folder.path() / "lock") << "../../etc";
    const auto second = FileLock::acquire(folder.path());
    expect_error(second, Errc::locked, folder.path());
    EXPECT_THAT(second.error().what, HasSubstr("another process"));
}

TEST(FileLock, MissingFolder_IsNotFound) {
    expect_error(FileLock::acquire("/nonexistent/folder"), Errc::not_found, "/nonexistent/folder");
}

TEST(FileLock, Released_CanBeTakenAgain) {
    const TemporaryFolder folder;
    {
        ASSERT_TRUE(FileLock::acquire(folder.path()));
    }
    auto held = FileLock::acquire(folder.path());
    ASSERT_TRUE(held);
    const FileLock moved = std::move(*held);
    EXPECT_FALSE(FileLock::acquire(folder.path())) << "moving must not release";
}

TEST(FileLock, HolderKilled_LeavesNoObstacle) {
    const TemporaryFolder folder;
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto lock = FileLock::acquire(folder.path());
        const char answer = lock ? 'y' : 'n';
        if (::write(ready[1], &answer, 1) == 1) ::pause();
        ::_exit(1);
    }
    char answer = 0;
    ASSERT_EQ(::read(ready[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    expect_error(FileLock::acquire(folder.path()), Errc::locked, folder.path());
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_TRUE(FileLock::acquire(folder.path()));
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST(TransientFile, OnAFullDisk_TakesTheRoomOfTheLastOne) {  // B12
    const SmallDisk disk(256);
    if (!disk.is_mounted()) GTEST_SKIP() << "mounting is not permitted here";
    const auto path = disk.path() / "api.token";
    const auto write = [&](std::string_view text) {
        return write_transient_file(path, base::as_bytes(text));
    };
    ASSERT_TRUE(write("the first, which is longer\n").has_value());
    disk.fill_up();
    for (const char* const text : {"second\n", "third\n"}) {
        set_aside(path);
        EXPECT_FALSE(std::filesystem::exists(path));
        ASSERT_TRUE(write(text).has_value());
        const auto found = read_file(path, 100);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(base::as_text(*found), text);
    }
    std::filesystem::remove(path);
    disk.fill_up();
    EXPECT_EQ(write("no room was kept").error().code, base::Errc::full);
}

}  // namespace
}  // namespace meshchain::host
