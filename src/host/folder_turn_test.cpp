#include "host/folder_turn.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "host/temporary_folder.h"

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;

TEST(FolderTurn, Taken_SaysForWhomItWaits_AndEndsWithHisName) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "copy";
    const auto holder = wait_for_turn(file, {});
    ASSERT_TRUE(holder.has_value());
    std::string told;
    const TurnOptions impatient{.patience = 100ms,
                                .on_wait = [&](const std::string& of) { told += of; }};
    const auto refused = wait_for_turn(file, impatient);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::locked);
    EXPECT_FALSE(refused.error().advice.empty());
    EXPECT_FALSE(told.empty()) << "before it waits, and once";
    EXPECT_NE(refused.error().what.find(told), std::string::npos);
    // Where the kernel tells of locks at all.
    if (told != "another process") {
        EXPECT_EQ(told.find("process " + std::to_string(::getpid()) + " ("), 0u) << told;
    }
}

TEST(FolderTurn, Freed_IsTheNextOnes) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "copy";
    auto holder = wait_for_turn(file, {});
    bool has_waited = false;
    const TurnOptions turn{.on_wait = [&](const std::string&) {
        has_waited = true;
        *holder = FileDescriptor();
    }};
    EXPECT_TRUE(wait_for_turn(file, turn).has_value());
    EXPECT_TRUE(has_waited);
    const auto missing = wait_for_turn(folder.path() / "no" / "copy", {});
    EXPECT_EQ(missing.error().code, base::Errc::not_found);
}

}  // namespace
}  // namespace meshchain::host
