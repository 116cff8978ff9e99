// Child processes: failures to start are told, and none outlives its object.

#include "host/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "host/file.h"
#include "host/temporary_folder.h"

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;

TEST(ChildProcess, MissingProgram_IsAnErrorOfStart) {
    const auto child = ChildProcess::start({.program = "/nonexistent/program", .arguments = {}});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().code, base::Errc::not_found);
    EXPECT_EQ(child.error().where, "/nonexistent/program");
}

TEST(ChildProcess, UnwritableOutput_IsAnErrorOfStart) {
    const auto child = ChildProcess::start(
        {.program = "/bin/true", .arguments = {}, .output = "/nonexistent/file"});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().where, "/nonexistent/file");
}

TEST(ChildProcess, DestroyedObject_LeavesNoProcess) {
    pid_t pid = 0;
    {
        auto child = ChildProcess::start({.program = "/bin/sleep", .arguments = {"600"}});
        ASSERT_TRUE(child);
        pid = child->pid();
        EXPECT_TRUE(child->running());
        EXPECT_EQ(child->wait(0ms), std::nullopt);
    }
    EXPECT_EQ(::kill(pid, 0), -1);
    EXPECT_EQ(errno, ESRCH);
}

TEST(ChildProcess, ExitAndSignal_AreToldApart) {
    auto exits = ChildProcess::start({.program = "/bin/sh", .arguments = {"-c", "exit 7"}});
    EXPECT_EQ(exits->wait(10s), 7);
    EXPECT_EQ(exits->wait(10s), 7) << "again is fine";
    auto killed = ChildProcess::start({.program = "/bin/sleep", .arguments = {"600"}});
    killed->send_signal(SIGKILL);
    EXPECT_EQ(killed->wait(10s), 128 + SIGKILL);
    killed->send_signal(SIGTERM);
}

TEST(ChildProcess, OutputAndErrors_GoToTheirFiles) {
    const TemporaryFolder folder;
    auto child = ChildProcess::start({.program = "/bin/sh",
                                      .arguments = {"-c", "echo one; echo two >&2"},
                                      .output = folder.path() / "out",
                                      .errors = folder.path() / "err"});
    ASSERT_TRUE(child);
    EXPECT_EQ(child->wait(10s), 0);
    EXPECT_EQ(base::as_text(*read_file(folder.path() / "out", 100)), "one\n");
    EXPECT_EQ(base::as_text(*read_file(folder.path() / "err", 100)), "two\n");
}

TEST(ChildProcess, CtrlC_ReachesTheParentAlone) {
    const auto child = ChildProcess::start({.program = "/bin/sleep", .arguments = {"60"}});
    ASSERT_TRUE(child);
    EXPECT_EQ(::getpgid(child->pid()), child->pid());
    EXPECT_NE(::getpgid(child->pid()), ::getpgrp());
}

}  // namespace
}  // namespace meshchain::host
