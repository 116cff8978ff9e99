#pragma once
// The terminal that stdout leads to, if it does: its size, text redrawn in place, and a full screen
// that is given back however the program ends it.
//
// Threads: one. InterruptNotice installs signal handlers for the whole process.

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace meshchain::app {

struct TerminalSize {
    std::size_t columns = 80;
    std::size_t rows = 24;
};

/// Whether it understands more than lines.
bool is_terminal(std::FILE* stream = stdout);
/// Now: people resize windows.
TerminalSize terminal_size();

/// The first so many characters of a UTF-8 text without control characters.
std::string cut(std::string_view text, std::size_t columns);

/// Text at the end of what was printed, redrawn in place; the last one stays unless erased. In a
/// pipe nothing is shown.
class LiveText {
public:
    explicit LiveText(bool silent, std::FILE* out = stdout) : silent_(silent), out_(out) {}

    void show(std::string_view text);
    void erase();

private:
    bool silent_;
    std::FILE* out_;
    std::size_t lines_ = 0;
};

/// What a command that waits says meanwhile: on stderr, in a terminal only, gone when it is done.
class Progress {
public:
    explicit Progress(bool silent) : text_(silent, stderr) {}
    ~Progress() { text_.erase(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(std::string_view line) { text_.show(line); }
    void hide() { text_.erase(); }

private:
    LiveText text_;
};

/// The whole screen, without a cursor, until destroyed.
class FullScreen {
public:
    FullScreen();
    ~FullScreen();
    FullScreen(const FullScreen&) = delete;
    FullScreen& operator=(const FullScreen&) = delete;

    /// Lines that are too long or too many are cut.
    void show(const std::vector<std::string>& lines);
};

/// Notices Ctrl-C, termination and a resized window instead of dying of them.
class InterruptNotice {
public:
    InterruptNotice();

    bool is_interrupted() const;
    /// Returns early when interrupted or resized.
    void sleep_for(unsigned milliseconds) const;
};

}  // namespace meshchain::app
