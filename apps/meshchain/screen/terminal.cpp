#include "meshchain/screen/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

namespace meshchain::app {
namespace {

std::atomic<bool> interrupted = false;

void print(std::string_view text, std::FILE* out = stdout) {
    std::fwrite(text.data(), 1, text.size(), out);
    std::fflush(out);
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

}  // namespace

bool is_terminal(std::FILE* stream) { return ::isatty(::fileno(stream)) == 1; }

TerminalSize terminal_size() {
    winsize size{};
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
        if (::ioctl(stream, TIOCGWINSZ, &size) != 0) continue;
        if (size.ws_col != 0 && size.ws_row != 0) return {size.ws_col, size.ws_row};
    }
    return {};
}

std::string cut(std::string_view text, std::size_t columns) {
    std::string line;
    std::size_t used = 0;
    for (const char c : text) {
        if (!continues_character(c) && used++ == columns) break;
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
    return line;
}

void LiveText::show(std::string_view text) {
    if (silent_ || !is_terminal(out_)) return;
    erase();
    const std::size_t columns = terminal_size().columns;
    std::string page;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        page += cut(text.substr(begin, end - begin), columns) + "\n";
        begin = end + 1;
    }
    print(page, out_);
    lines_ = static_cast<std::size_t>(std::ranges::count(page, '\n'));
}

void LiveText::erase() {
    if (lines_ != 0) print("\x1b[" + std::to_string(lines_) + "A\x1b[J", out_);
    lines_ = 0;
}

FullScreen::FullScreen() { print("\x1b[?1049h\x1b[?25l"); }
FullScreen::~FullScreen() { print("\x1b[?25h\x1b[?1049l"); }

void FullScreen::show(const std::vector<std::string>& lines) {
    const TerminalSize size = terminal_size();
    std::string page = "\x1b[H";
    const std::size_t count = std::min(lines.size(), size.rows);
    for (std::size_t i = 0; i < count; ++i) {
        page += cut(lines[i], size.columns) + "\x1b[K";
        if (i + 1 < count) page += "\r\n";
    }
    print(page + "\x1b[J");
}

InterruptNotice::InterruptNotice() {
    interrupted = false;
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = true; };
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
    action.sa_handler = [](int) {};  // only ends the sleep
    ::sigaction(SIGWINCH, &action, nullptr);
}

bool InterruptNotice::is_interrupted() const { return interrupted; }

void InterruptNotice::sleep_for(unsigned milliseconds) const {
    if (!interrupted) ::poll(nullptr, 0, static_cast<int>(milliseconds));
}

}  // namespace meshchain::app
