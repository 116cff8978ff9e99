// The log: which lines pass, and what a flood or a hostile name leaves behind.

#include "host/log_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meshchain::host {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

base::Instant at(base::Duration time) { return base::Instant(time); }

TEST(LineFilter, FloodOfOneKind_PassesAFewAndCountsTheRest) {
    LineFilter filter;
    int passed = 0;
    for (int i = 0; i < 1000; ++i) {
        const std::string line =
            "dropped frame " + std::to_string(i) + " from peer 00ff" + std::to_string(i);
        if (filter.admit(at({}), "mesh", line)) ++passed;
    }
    EXPECT_EQ(passed, int(LineFilter::lines_per_window));
    const auto next = filter.admit(at(LineFilter::window), "mesh", "dropped frame 7 from peer 1");
    EXPECT_EQ(next, std::optional<std::uint64_t>(1000 - LineFilter::lines_per_window));
}

TEST(LineFilter, OtherKindsAndModules_AreNotHeldBack) {
    LineFilter filter;
    for (int i = 0; i < 100; ++i) filter.admit(at({}), "mesh", "dropped 1");
    EXPECT_TRUE(filter.admit(at({}), "chain", "dropped 1"));
    EXPECT_TRUE(filter.admit(at({}), "mesh", "accepted 1"));
}

TEST(LineFilter, ManyKinds_StayWithinMemory) {
    LineFilter filter;
    for (std::size_t i = 0; i < 10'000; ++i) {
        filter.admit(at({}), "mesh", std::string(1 + i % 1000, 'z'));
    }
    EXPECT_TRUE(filter.admit(at({}), "mesh", "z"));
}

TEST(StderrLog, Levels_AreJudgedByModule) {
    const StderrLog log(
        {.level = base::LogLevel::warning, .modules = {{"mesh", base::LogLevel::debug}}});
    EXPECT_TRUE(log.wants(base::LogLevel::debug, "mesh"));
    EXPECT_FALSE(log.wants(base::LogLevel::info, "chain"));
    EXPECT_TRUE(log.wants(base::LogLevel::error, "chain"));
}

TEST(StderrLog, Line_CarriesTimeLevelAndModuleAndNoControlCharacters) {
    StderrLog log({});
    testing::internal::CaptureStderr();
    log.write(base::LogLevel::info, "mesh", "peer \x1b[2J{}\nFORGED line");
    log.write(base::LogLevel::debug, "mesh", "not wanted");
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, MatchesRegex("....-..-..T..:..:..\\....Z INFO    mesh: peer \\?\\[2J\\{\\}"
                                   "\\?FORGED line\n"));
}

}  // namespace
}  // namespace meshchain::host
