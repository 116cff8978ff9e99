// The log: which lines pass, and what a flood or a hostile name leaves behind.

#include "host/log_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "host/json_document.h"

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
    const base::LogField field{"name", std::string_view("a\nb")};
    log.write(base::LogLevel::info, "mesh", "peer \x1b[2J{}\nFORGED line", {&field, 1});
    log.write(base::LogLevel::debug, "mesh", "not wanted", {});
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, MatchesRegex("....-..-..T..:..:..\\....Z INFO    mesh: peer \\?\\[2J\\{\\}"
                                   "\\?FORGED line name=a\\?b\n"));
}

TEST(StderrLog, JsonLine_IsOneObjectWhateverAPeerIsCalled) {
    StderrLog log({.format = node::LogFormat::json});
    const base::LogField fields[] = {{"peer", std::string_view("\"},{\x1b\n\xff")},
                                     {"height", std::uint64_t{7}}};
    testing::internal::CaptureStderr();
    log.write(base::LogLevel::warning, "mesh", "peer \x1b[2J{}\n\"FORGED\": {}", fields);
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    const auto line = parse_json(text, "log");
    ASSERT_TRUE(line) << text;
    EXPECT_THAT(line->at("time").get<std::string>(), MatchesRegex("20.*T.*\\....Z"));
    EXPECT_EQ(line->at("level"), "WARNING");
    EXPECT_EQ(line->at("module"), "mesh");
    EXPECT_EQ(line->at("message"), "peer \x1b[2J{}\n\"FORGED\": {}");
    EXPECT_EQ(line->at("fields").at("height"), 7);
    EXPECT_EQ(line->size(), 5U);
}

TEST(StderrLog, JsonFlood_SaysHowManyLinesWereLeftOut) {
    StderrLog log({.format = node::LogFormat::json});
    testing::internal::CaptureStderr();
    for (int i = 0; i < 100; ++i) {
        log.write(base::LogLevel::info, "mesh", "dropped " + std::to_string(i), {});
    }
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::ranges::count(text, '\n'), long(LineFilter::lines_per_window));
}

}  // namespace
}  // namespace meshchain::host
