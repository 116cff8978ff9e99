// The demo as others call it: one JSON object, an exit code that can be believed, nothing left.

#include <signal.h>
#include <stdlib.h>

#include <fstream>

#include "meshchain/test_program.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MESHCHAIN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MESHCHAIN_SANITIZED 1
#endif
#endif

namespace meshchain::app {
namespace {

#ifdef MESHCHAIN_SANITIZED
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif
constexpr const char* too_slow =
    "minutes of waiting for the air; the same code runs in the tests of links and nodes";

class Demo : public Program {
protected:
    /// Node processes that run in a folder below this test's.
    int nodes_running() const {
        int count = 0;
        for (const auto& process : std::filesystem::directory_iterator("/proc")) {
            std::ifstream file(process.path() / "cmdline");
            const std::string words(std::istreambuf_iterator<char>(file), {});
            if (words.find("run") != std::string::npos &&
                words.find(root_.string()) != std::string::npos) {
                ++count;
            }
        }
        return count;
    }

    void expect_all_right(const std::vector<std::string>& options, base::Duration timeout) {
        std::vector<std::string> words{"demo", "--once", "--json"};
        words.insert(words.end(), options.begin(), options.end());
        const Ended ended = run(words, timeout);
        ASSERT_EQ(ended.exit_code, 0) << ended.output << ended.errors;
        const Json result = ended.json();
        EXPECT_GE(result.at("payments_sent"), 50);
        EXPECT_EQ(result.at("payments_final"), result.at("payments_sent"));
        EXPECT_EQ(result.at("coins_equal"), true);
        EXPECT_EQ(result.at("supply_conserved"), true);
        EXPECT_EQ(result.at("killed_node_caught_up"), true);
    }
};

TEST_F(Demo, FiveNodes_PayThroughAKillAndAccountForEverything) {
    const Ended ended = run({"demo", "--once", "--json"}, 110s);
    ASSERT_EQ(ended.exit_code, 0) << ended.output << ended.errors;
    const Json result = ended.json();
    EXPECT_EQ(result.at("nodes"), 5);
    EXPECT_GE(result.at("payments_sent"), 50);
    EXPECT_EQ(result.at("payments_final"), result.at("payments_sent"));
    EXPECT_GE(result.at("payments_while_down"), 10);
    EXPECT_GE(result.at("final_height"), 1);
    EXPECT_EQ(result.at("tips_equal"), true);
    EXPECT_EQ(result.at("supply_conserved"), true);
    EXPECT_EQ(result.at("killed_node_caught_up"), true);
    EXPECT_LE(result.at("seconds_to_final_p50"), result.at("seconds_to_final_max"));
}

TEST_F(Demo, FiveNodesOnFlashLogs_DoTheSame) {  // B4
    expect_all_right({"--store", "flashlog"}, 110s);
}

TEST_F(Demo, FiveNodesOverMqtt_DoTheSame) {  // E3
    if (is_sanitized) GTEST_SKIP() << too_slow;
    expect_all_right({"--link", "mqtt"}, 600s);
}

TEST_F(Demo, FiveNodesOverRadios_DoTheSame) {  // E5, E6
    if (is_sanitized) GTEST_SKIP() << too_slow;
    expect_all_right({"--link", "radio"}, 900s);
}

TEST_F(Demo, LinkThatThereIsNot_IsNamedWithWhatToChoose) {
    const Ended ended = run({"demo", "--once", "--json", "--link", "smoke"});
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_NE(ended.errors.find("'smoke'"), std::string::npos) << ended.errors;
    EXPECT_NE(ended.errors.find("udp, mqtt or radio"), std::string::npos) << ended.errors;
}

TEST_F(Demo, Interrupt_LeavesNoProcessAndNoFolder) {
    const auto temporary = root_ / "tmp";
    std::filesystem::create_directory(temporary);
    ASSERT_EQ(::setenv("TMPDIR", temporary.c_str(), 1), 0);
    auto demo = host::ChildProcess::start(
        {.program = MESHCHAIN_PROGRAM, .arguments = {"demo", "--once", "--json"}});
    ::unsetenv("TMPDIR");
    ASSERT_TRUE(demo);
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (nodes_running() < 5 && std::chrono::steady_clock::now() < deadline) {
        ASSERT_EQ(demo->wait(10ms), std::nullopt);
    }
    EXPECT_EQ(nodes_running(), 5);
    demo->send_signal(SIGINT);
    EXPECT_EQ(demo->wait(30s), 1);
    EXPECT_EQ(nodes_running(), 0);
    EXPECT_TRUE(std::filesystem::is_empty(temporary));
}

TEST_F(Demo, ExistingFolder_IsNotPlayedIn) {
    EXPECT_EQ(run({"demo", "--once", "--json", "--keep", root_.string()}).error_code(), "exists");
}

}  // namespace
}  // namespace meshchain::app
