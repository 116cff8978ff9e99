#include "host/passphrase.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/resource_guard.h"
#include "host/file.h"
#include "host/file_descriptor.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

using base::Errc;

std::unexpected<base::Error> refused(Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "passphrase", std::move(advice));
}

/// Memory of fixed size, so that no growing buffer leaves copies behind.
struct Line {
    std::array<std::byte, passphrase_bytes_max + 2> bytes{};
    std::size_t size = 0;
    ~Line() { crypto::wipe(bytes); }
};

/// Well-formed by the table of the Unicode standard: no overlong forms, no surrogates.
bool is_utf8(base::Bytes text) {
    const auto at = [&](std::size_t i) {
        return i < text.size() ? std::to_integer<unsigned>(text[i]) : 0;
    };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = at(i);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        if (lead >= 0x80 && (lead < 0xc2 || lead > 0xf4)) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if ((at(i + k) & 0xc0) != 0x80) return false;
        }
        const unsigned second = at(i + 1);
        if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
            (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
            return false;
        }
        i += length;
    }
    return true;
}

std::expected<Secret, base::Error> without_line_break(base::Bytes text) {
    if (!text.empty() && text.back() == std::byte{'\n'}) text = text.first(text.size() - 1);
    if (text.empty()) return refused(Errc::invalid_argument, "is empty", "give at least one byte");
    if (text.size() > passphrase_bytes_max) {
        return refused(Errc::too_large,
                       "is over " + std::to_string(passphrase_bytes_max) + " bytes",
                       "choose a shorter one");
    }
    if (!is_utf8(text)) {
        return refused(Errc::invalid_argument, "is no text in UTF-8",
                       "use letters, or random bytes as hexadecimal digits");
    }
    return Secret::copy_of(text);
}

/// Until end of file, `stop_at_line_break`, or one byte over the limit.
std::expected<void, base::Error> read_into(Line& line, int descriptor, bool stop_at_line_break) {
    while (line.size < line.bytes.size()) {
        const ssize_t count =
            ::read(descriptor, line.bytes.data() + line.size, line.bytes.size() - line.size);
        if (count < 0 && errno == EINTR && !stop_at_line_break) continue;
        if (count < 0 && errno == EINTR) return refused(Errc::unavailable, "cancelled", "");
        if (count < 0) return std::unexpected(os_error(errno, "read a passphrase", "descriptor"));
        line.size += static_cast<std::size_t>(count);
        const base::Bytes filled(line.bytes.data(), line.size);
        if (count == 0) return {};
        if (stop_at_line_break && filled.back() == std::byte{'\n'}) return {};
    }
    return {};
}

void say(int terminal, std::string_view text) {
    // Nobody can be told when the terminal itself is gone.
    [[maybe_unused]] const ssize_t ignored = ::write(terminal, text.data(), text.size());
}

std::expected<Secret, base::Error> ask(int terminal, std::string_view prompt) {
    say(terminal, prompt);
    Line line;
    const auto result = read_into(line, terminal, true);
    say(terminal, "\n");
    MESH_CHECK(result);
    return without_line_break(base::Bytes(line.bytes.data(), line.size));
}

/// Makes a signal end the read instead of the program, so that echo can be restored.
class Interruptible {
public:
    Interruptible() {
        struct sigaction quiet{};
        quiet.sa_handler = [](int) {};
        for (std::size_t i = 0; i < signals.size(); ++i) {
            ::sigaction(signals[i], &quiet, &before_[i]);
        }
    }
    ~Interruptible() {
        for (std::size_t i = 0; i < signals.size(); ++i) {
            ::sigaction(signals[i], &before_[i], nullptr);
        }
    }
    Interruptible(const Interruptible&) = delete;
    Interruptible& operator=(const Interruptible&) = delete;

private:
    static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, signals.size()> before_{};
};

}  // namespace

std::expected<Secret, base::Error> read_passphrase_from_terminal(int terminal, Asking asking,
                                                                 std::string_view prompt) {
    termios before{};
    if (::tcgetattr(terminal, &before) != 0) {
        return refused(Errc::unavailable, "there is no terminal to ask on",
                       "use --passphrase-file or --passphrase-fd");
    }
    const Interruptible interruptible;
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(terminal, TCSAFLUSH, &silent);
    const base::ResourceGuard restore([&] { ::tcsetattr(terminal, TCSAFLUSH, &before); });

    MESH_TRY(Secret first, ask(terminal, std::string(prompt) + ": "));
    if (asking == Asking::once) return first;
    MESH_TRY(const Secret second, ask(terminal, "The same again: "));
    if (base::equal(first.bytes(), second.bytes())) return first;
    return refused(Errc::invalid_argument, "the two typed differ", "try again");
}

std::expected<Secret, base::Error> read_passphrase_from_descriptor(int descriptor) {
    Line line;
    MESH_CHECK(read_into(line, descriptor, false));
    return without_line_break(base::Bytes(line.bytes.data(), line.size));
}

std::expected<Secret, base::Error> read_passphrase_from_file(const std::filesystem::path& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info{};
    if (!file.valid() || ::fstat(file.number(), &info) != 0) {
        return std::unexpected(os_error(errno, "read", path));
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return base::failure(Errc::unauthorized, "others may read this passphrase file",
                             path.string(), "chmod 600 it, and think of the passphrase as known");
    }
    return read_passphrase_from_descriptor(file.number());
}

std::expected<Secret, base::Error> read_passphrase(const PassphraseSource& source, Asking asking) {
    if (source.descriptor) return read_passphrase_from_descriptor(*source.descriptor);
    if (source.file) return read_passphrase_from_file(*source.file);
    const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    return read_passphrase_from_terminal(terminal.number(), asking, source.prompt);
}

}  // namespace meshchain::host
