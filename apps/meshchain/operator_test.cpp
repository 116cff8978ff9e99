// What the program shows those who run a node: a live page, lists, exports, help for shells and
// readers, errors that teach, and never a secret.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>

#include "host/node_keys.h"
#include "meshchain/screen/status_page.h"
#include "meshchain/test_running_node.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

// --- status --watch ----------------------------------------------------------------------------

/// The program in a terminal of its own.
class InTerminal {
public:
    InTerminal(std::vector<std::string> words, unsigned short columns, unsigned short rows) {
        winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        words.insert(words.begin(), MESHCHAIN_PROGRAM);
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        pid_ = ::forkpty(&master_, nullptr, nullptr, &size);
        if (pid_ == 0) {
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
    }
    ~InTerminal() {
        if (pid_ > 0) ::kill(pid_, SIGKILL);
        end();
        ::close(master_);
    }
    InTerminal(const InTerminal&) = delete;
    InTerminal& operator=(const InTerminal&) = delete;

    /// What was printed, as soon as `text` is part of it.
    std::string wait_for(const std::string& text) {
        while (seen_.find(text, mark_) == std::string::npos && read_more()) {
        }
        return seen_.substr(mark_);
    }
    void forget() { mark_ = seen_.size(); }
    void type(const std::string& keys) {
        EXPECT_EQ(::write(master_, keys.data(), keys.size()), ssize_t(keys.size()));
    }
    void resize(unsigned short columns, unsigned short rows) {
        const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        EXPECT_EQ(::ioctl(master_, TIOCSWINSZ, &size), 0);
    }
    int end() {
        if (pid_ <= 0) return code_;
        while (read_more()) {
        }
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return code_;
    }
    const std::string& all() const { return seen_; }

private:
    bool read_more() {
        pollfd wanted{.fd = master_, .events = POLLIN, .revents = 0};
        if (::poll(&wanted, 1, 20'000) <= 0) return false;
        char buffer[4096];
        const ssize_t count = ::read(master_, buffer, sizeof buffer);
        if (count <= 0) return false;
        seen_.append(buffer, static_cast<std::size_t>(count));
        return true;
    }

    int master_ = -1;
    pid_t pid_ = 0;
    int code_ = -1;
    std::string seen_;
    std::size_t mark_ = 0;
};

constexpr auto enter_screen = "\x1b[?1049h";
constexpr auto leave_screen = "\x1b[?25h\x1b[?1049l";

/// The longest line that a page drew, in characters.
std::size_t widest_line(std::string_view page) {
    std::size_t widest = 0;
    std::size_t width = 0;
    for (std::size_t i = 0; i < page.size(); ++i) {
        if (page[i] == '\x1b') {
            while (i < page.size() && !std::isalpha(static_cast<unsigned char>(page[i]))) ++i;
        } else if (page[i] == '\r' || page[i] == '\n') {
            width = 0;
        } else if ((static_cast<unsigned char>(page[i]) & 0xc0U) != 0x80U) {
            widest = std::max(widest, ++width);
        }
    }
    return widest;
}

TEST_F(RunningNode, Watch_DrawsInPlaceFitsTheWindowAndGivesItBack) {
    start();
    InTerminal terminal({"status", "--watch", "--data", alice()}, 80, 30);
    const std::string page = terminal.wait_for("Nothing is wrong.");
    EXPECT_THAT(page, HasSubstr(enter_screen));
    for (const char* part : {"VALIDATING", "Slot ", "Votes ", "Sync ", "Mempool ", "FINAL"}) {
        EXPECT_THAT(page, HasSubstr(part));
    }
    EXPECT_LE(widest_line(page), 80U);

    terminal.forget();
    terminal.resize(28, 8);
    // The page that is drawn for the small window ends where it does.
    EXPECT_LE(widest_line(terminal.wait_for("\x1b[J")), 28U);
    terminal.type("\x03");  // Ctrl-C
    EXPECT_EQ(terminal.end(), 0);
    EXPECT_TRUE(terminal.all().ends_with(leave_screen)) << "the screen must be given back";
}

TEST_F(RunningNode, Watch_OutlivesTheNodeAndIsEndedBySignals) {
    start();
    InTerminal terminal({"status", "--watch", "--data", alice()}, 100, 30);
    terminal.wait_for("Nothing is wrong.");
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
    EXPECT_THAT(terminal.wait_for("Still trying"), HasSubstr("no node runs in this folder"));
    start();
    terminal.forget();
    EXPECT_THAT(terminal.wait_for("Nothing is wrong."), HasSubstr("VALIDATING"));
}

TEST_F(RunningNode, WatchInAPipe_IsALineEachTime) {
    start();
    const Ended ended = run({"status", "--watch", "--count", "2", "--data", alice()});
    EXPECT_EQ(ended.exit_code, 0) << ended.errors;
    EXPECT_EQ(std::ranges::count(ended.output, '\n'), 2);
    EXPECT_EQ(ended.output.find('\x1b'), std::string::npos);
    EXPECT_THAT(ended.output, HasSubstr("VALIDATING slot "));
    EXPECT_EQ(run({"status", "--watch", "--interval", "0", "--data", alice()}).exit_code, 2);
}

TEST(SyncSpeed, TellsHowLongIsLeftFromWhatWasSeen) {
    SyncSpeed speed;
    const base::Instant start{std::chrono::hours(1)};
    speed.note(start, 100, true);
    EXPECT_EQ(speed.remaining(1000), std::nullopt) << "nothing was seen to grow yet";
    speed.note(start + 10s, 200, true);
    EXPECT_EQ(speed.remaining(400), base::Duration(20s));
    speed.note(start + 20s, 400, false);
    EXPECT_EQ(speed.remaining(400), std::nullopt) << "it has caught up";
    EXPECT_EQ(bar(1, 2, 12), "[#####-----]");
    EXPECT_EQ(bar(9, 2, 12), "[##########]");
}

// --- mempool, export ---------------------------------------------------------------------------

TEST_F(RunningNode, Export_GoesOnWhereAFileEndsWhileTheNodeRunsAndWhenItDoesNot) {
    start();
    ASSERT_EQ(send("10").exit_code, 0);
    EXPECT_EQ(ask({"mempool"}).json().at("transactions"), 0);
    const std::string file = path("blocks.jsonl");
    const std::vector<std::string> resume{"export", "--out", file, "--resume"};
    const Ended first = ask(resume);
    ASSERT_EQ(first.exit_code, 0) << first.errors;
    const std::uint64_t height = first.json().at("to");
    EXPECT_GE(height, 1U);

    // A line that was cut off by a crash is written anew.
    std::ofstream(file, std::ios::app) << "{\"height\":9";
    ASSERT_EQ(send("10").exit_code, 0);
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
    const Ended second = ask(resume);
    ASSERT_EQ(second.exit_code, 0) << second.errors;
    EXPECT_EQ(second.json().at("from"), height + 1);
    std::ifstream lines(file);
    std::uint64_t expected = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto block = host::parse_json(line, "line");
        ASSERT_TRUE(block) << line;
        EXPECT_EQ(block->at("height"), ++expected);
        EXPECT_EQ(block->at("final"), true);
    }
    EXPECT_EQ(expected, second.json().at("to").get<std::uint64_t>());

    const Ended csv = run({"export", "--what", "transactions", "--format", "csv", "--from", "1",
                           "--to", std::to_string(height), "--data", alice()});
    EXPECT_THAT(csv.output, HasSubstr("height,time,txid,outputs,amount,fee,final\n1,"));
    EXPECT_EQ(ask({"export", "--from", "9", "--to", "1"}).exit_code, 2);
    EXPECT_EQ(ask({"export", "--what", "dreams"}).exit_code, 2);
    EXPECT_EQ(ask({"export", "--what", "history"}).exit_code, 3);
}

// --- help for shells and readers ---------------------------------------------------------------

/// Every command as `--help` of its parent lists it, and so without the help of what is tested.
std::vector<std::string> listed_commands(const std::string& help) {
    std::vector<std::string> names;
    std::istringstream lines(help.substr(std::min(help.find("Subcommands:\n"), help.size())));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line) && line.starts_with("  ")) {
        names.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    return names;
}

TEST_F(Program, CompletionsAndManPage_KnowEveryCommand) {
    const std::string man = run({"man"}).output;
    std::map<std::string, std::string> scripts;
    for (const char* shell : {"bash", "zsh", "fish"}) {
        scripts[shell] = run({"completions", shell}).output;
        EXPECT_GT(scripts[shell].size(), 1000U);
    }
    std::size_t commands = 0;
    for (const std::string& name : listed_commands(run({"--help"}).output)) {
        std::vector<std::string> paths{name};
        for (const std::string& below : listed_commands(run({name, "--help"}).output)) {
            paths.push_back(name + " " + below);
        }
        for (const std::string& path : paths) {
            ++commands;
            for (const auto& [shell, script] : scripts) {
                EXPECT_THAT(script, HasSubstr("'" + path + "'")) << shell;
            }
        }
        EXPECT_THAT(man, HasSubstr("meshchain " + name)) << "in the manual page";
    }
    EXPECT_GT(commands, 20U);
    EXPECT_EQ(run({"completions", "tcsh"}).exit_code, 1);
}

TEST_F(Program, BashCompletion_CompletesWhatIsTyped) {
    ASSERT_TRUE(
        host::write_file(root_ / "c.bash", base::as_bytes(run({"completions", "bash"}).output)));
    const auto complete = [&](const std::string& words, int at) {
        const std::string script = "source '" + path("c.bash") + "'; COMP_WORDS=(" + words +
                                   "); COMP_CWORD=" + std::to_string(at) +
                                   "; _meshchain; echo \"${COMPREPLY[*]}\"";
        auto child = host::ChildProcess::start({.program = "/bin/bash",
                                                .arguments = {"-uec", script},
                                                .output = root_ / ("o" + words),
                                                .errors = root_ / "bash.err"});
        EXPECT_TRUE(child);
        EXPECT_EQ(child->wait(20s), 0) << content(root_ / "bash.err");
        return content(root_ / ("o" + words));
    };
    EXPECT_EQ(complete("meshchain gen", 1), "genesis\n");
    EXPECT_EQ(complete("meshchain node in", 2), "init\n");
    EXPECT_EQ(complete("meshchain node init --gen", 3), "--genesis\n");
    EXPECT_EQ(complete("meshchain --json config ch", 3), "check\n") << "an option before it";
}

TEST_F(Program, ManPage_IsTroffWithoutComplaint) {
    ASSERT_TRUE(host::write_file(root_ / "m.1", base::as_bytes(run({"man"}).output)));
    const std::string page = content(root_ / "m.1");
    EXPECT_TRUE(page.starts_with(".TH MESHCHAIN 1"));
    for (const char* part : {".SH NAME", ".SH SYNOPSIS", ".SH COMMANDS", ".SH FILES"}) {
        EXPECT_THAT(page, HasSubstr(part));
    }
    if (!fs::exists("/usr/bin/groff")) GTEST_SKIP() << "groff is not there to check it";
    auto child = host::ChildProcess::start({.program = "/usr/bin/groff",
                                            .arguments = {"-man", "-ww", "-z", path("m.1")},
                                            .errors = root_ / "groff.err"});
    ASSERT_TRUE(child);
    EXPECT_EQ(child->wait(30s), 0);
    EXPECT_EQ(content(root_ / "groff.err"), "");
}

// --- errors ------------------------------------------------------------------------------------

/// Every error says what, where and what to do, and ends with a code that fits.
TEST_F(Program, EveryCommandAskedWrongly_SaysWhatWhereAndWhatToDo) {
    std::vector<std::vector<std::string>> commands;
    for (const std::string& name : listed_commands(run({"--help"}).output)) {
        const auto below = listed_commands(run({name, "--help"}).output);
        if (below.empty() || name == "tx") commands.push_back({name});
        for (const std::string& part : below) commands.push_back({name, part});
    }
    ASSERT_GT(commands.size(), 20U);
    for (std::vector<std::string> command : commands) {
        std::string shown;
        for (const std::string& word : command) shown += word + " ";
        SCOPED_TRACE(shown);
        std::vector<std::string> misspelt = command;
        misspelt.insert(misspelt.end(), {"--no-such-option", "--json"});
        const Ended wrong = run(misspelt);
        EXPECT_EQ(wrong.exit_code, 2);
        EXPECT_EQ(wrong.error_code(), "invalid_argument");

        constexpr std::array needs_no_folder = {"demo", "completions", "man", "sim", "radio"};
        if (std::ranges::find(needs_no_folder, command[0]) != needs_no_folder.end()) continue;
        // A folder where nothing is: asks no passphrase, finds no node.
        command.insert(command.end(), {"--data", "/dev/null/nowhere", "--json"});
        const Ended ended = run(command);
        if (command[0] == "doctor") {
            EXPECT_EQ(ended.exit_code, 2);
            continue;
        }
        EXPECT_THAT(ended.exit_code, testing::AnyOf(1, 2, 3)) << ended.output;
        const auto value = host::parse_json(ended.errors, "errors");
        ASSERT_TRUE(value) << ended.errors;
        const Json& error = value->at("error");
        EXPECT_FALSE(error.at("what").get<std::string>().empty());
        EXPECT_FALSE(error.at("where").get<std::string>().empty());
        EXPECT_FALSE(error.at("advice").get<std::string>().empty()) << ended.errors;
    }
}

// --- simulation --------------------------------------------------------------------------------

TEST_F(Program, Sim_OfOneSeed_TellsOneStoryAndKeepsEveryRule) {
    const Ended first = run({"sim", "--seed", "3", "--json"});
    ASSERT_EQ(first.exit_code, 0) << first.errors;
    const auto story = host::parse_json(first.output, "output");
    ASSERT_TRUE(story) << first.output;
    EXPECT_TRUE(story->at("all_right").get<bool>());
    EXPECT_GT(story->at("final_height").get<std::uint64_t>(), 0U);
    EXPECT_EQ(run({"sim", "--seed", "3", "--json"}).output, first.output);
}

TEST_F(Program, Sim_OfManySeedsAtOnce_CountsThem) {
    const Ended ended =
        run({"sim", "--small", "--runs", "3", "--jobs", "2", "--sample", "3", "--json"});
    ASSERT_EQ(ended.exit_code, 0) << ended.errors << ended.output;
    const auto counts = host::parse_json(ended.output, "output");
    ASSERT_TRUE(counts) << ended.output;
    EXPECT_EQ(counts->at("runs").get<int>(), 3);
    EXPECT_EQ(counts->at("twice").get<int>(), 1);
    EXPECT_EQ(counts->at("failed").get<int>(), 0);
}

TEST_F(Program, Sim_OfAnUnknownScenario_NamesThoseThereAre) {
    const Ended ended = run({"sim", "--scenario", "nowhere", "--json"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.error_code(), "not_found");
    EXPECT_THAT(ended.errors, HasSubstr("half-and-half"));
}

TEST_F(Program, Sim_PageOfSeveralRuns_IsRefusedBeforeTheyArePlayed) {
    const Ended ended = run({"sim", "--runs", "100000", "--page", "page.html", "--json"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.error_code(), "invalid_argument");
    EXPECT_THAT(ended.errors, HasSubstr("one run"));
}

TEST_F(Program, Sim_PageInAFolderThatIsNotThere_IsRefusedBeforeItIsPlayed) {
    const Ended ended = run({"sim", "--hours", "8000", "--page", "/nowhere/page.html", "--json"});
    EXPECT_EQ(ended.exit_code, 1);
    EXPECT_EQ(ended.error_code(), "not_found");
}

TEST_F(Program, Sim_WhatIsForSeveralRuns_IsRefusedOfOne) {
    const std::vector<std::vector<std::string>> refused{
        {"--jobs", "2"}, {"--sample", "1"}, {"--stop"}};
    for (const std::vector<std::string>& what : refused) {
        std::vector<std::string> command{"sim", "--hours", "8000", "--json"};
        command.insert(command.end(), what.begin(), what.end());
        const Ended ended = run(command);
        EXPECT_EQ(ended.error_code(), "invalid_argument");
        EXPECT_THAT(ended.errors, HasSubstr("--runs"));
    }
}

// --- secrets -----------------------------------------------------------------------------------

TEST_F(RunningNode, Secrets_AppearInNoLogAndNoOutput) {
    configure([](node::NodeConfig& c) {
        c.log.level = base::LogLevel::debug;
        c.log.format = node::LogFormat::json;
    });
    const auto keys = host::load_node_keys(root_ / "alice" / "node.keys");
    ASSERT_TRUE(keys);
    const auto key_file = host::read_file(root_ / "alice" / "node.keys", 4096);
    ASSERT_TRUE(key_file);
    start();
    std::vector<std::string> secrets{"correct horse"};
    std::string token = content(root_ / "alice" / "api.token");
    secrets.push_back(token.substr(0, 64));
    // Both seeds lie in the file: every 16 bytes of it that are no part of a public key.
    const std::string hex = base::to_hex(*key_file);
    for (std::size_t i = 0; i + 32 <= hex.size(); i += 32) {
        const std::string part = hex.substr(i, 32);
        const std::string open = crypto::to_hex(keys->identity.public_key()) +
                                 crypto::to_hex(keys->validating->public_key());
        if (i >= 32 && open.find(part) == std::string::npos) secrets.push_back(part);
    }
    std::string everything;
    const auto note = [&](const Ended& ended) { everything += ended.output + ended.errors; };
    note(send("10"));
    ASSERT_TRUE(host::write_file(root_ / "passphrase", base::as_bytes("wrong horse\n")));
    note(send("10"));
    for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                    {"peers"},
                                                    {"blocks"},
                                                    {"mempool"},
                                                    {"wallet", "show"},
                                                    {"wallet", "history"},
                                                    {"config", "show"},
                                                    {"doctor"},
                                                    {"export"}}) {
        note(ask(command));
        std::vector<std::string> text = command;
        text.insert(text.end(), {"--data", alice()});
        note(run(text));
    }
    EXPECT_EQ(ask({"node", "stop"}).exit_code, 0);
    const std::string log = content(root_ / "node.log");
    EXPECT_GT(std::ranges::count(log, '\n'), 3);
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        EXPECT_TRUE(host::parse_json(line, "log")) << line;
    }
    everything += log;
    for (const std::string& secret : secrets) {
        EXPECT_THAT(everything, Not(HasSubstr(secret)));
    }
    EXPECT_THAT(everything, Not(HasSubstr("wrong horse")));
}

}  // namespace
}  // namespace meshchain::app
