#include "meshchain/phrase_dialog.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "host/file_descriptor.h"

namespace meshchain::app {
namespace {

constexpr std::size_t columns = 4;
constexpr std::size_t cell_bytes = 14;  // "23 " and a word of eight letters
constexpr std::size_t words_asked = 3;
constexpr unsigned attempts = 3;
/// Clears the screen and what it remembers, which is where the phrase stood.
constexpr std::string_view clear_screen = "\x1b[H\x1b[2J\x1b[3J";

/// The terminal itself, whatever stdin and stdout are.
class Terminal {
public:
    Terminal() : file_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}
    bool valid() const { return file_.valid(); }
    void say(std::string_view text) const {
        // Nobody can be told when the terminal itself is gone.
        [[maybe_unused]] const ssize_t ignored = ::write(file_.number(), text.data(), text.size());
    }
    /// One line without its end; nothing when the terminal is gone.
    std::optional<std::string> ask(std::string_view prompt) const {
        say(prompt);
        std::array<char, 128> line{};
        const ssize_t size = ::read(file_.number(), line.data(), line.size());
        if (size <= 0) return std::nullopt;
        std::string text(line.data(), static_cast<std::size_t>(size));
        crypto::wipe(std::as_writable_bytes(std::span(line)));
        while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
        return text;
    }

private:
    host::FileDescriptor file_;
};

std::set<std::size_t> places(std::size_t words, base::Entropy& entropy) {
    std::set<std::size_t> chosen;
    while (chosen.size() < words_asked) {
        std::array<std::byte, 1> random;
        entropy.fill(random);
        // 256 is no multiple of 12 or 24; what little that favours does not matter here.
        chosen.insert(std::to_integer<std::size_t>(random[0]) % words);
    }
    return chosen;
}

std::unexpected<base::Error> no_terminal() {
    return base::failure(base::Errc::unavailable, "there is no terminal to show the phrase on",
                         "seed phrase",
                         "use --no-confirm, and write it down later: `meshchain wallet phrase`");
}

}  // namespace

host::Secret numbered_words(const wallet::Phrase& phrase) {
    base::Buffer text;
    text.reserve(phrase.word_count() * (cell_bytes + 2));  // growing would leave copies behind
    const auto add = [&](std::string_view part) {
        const base::Bytes bytes = base::as_bytes(part);
        text.insert(text.end(), bytes.begin(), bytes.end());
    };
    const std::size_t rows = (phrase.word_count() + columns - 1) / columns;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = row; i < phrase.word_count(); i += rows) {
            const std::string number = std::to_string(i + 1);
            add(number.size() == 1 ? "  " : " ");
            add(number);
            add(" ");
            add(phrase.word(i));
            if (i + rows < phrase.word_count()) {
                add(std::string_view("         ").substr(phrase.word(i).size()));
            }
        }
        add("\n");
    }
    return host::Secret(std::move(text));
}

std::expected<void, base::Error> confirm_phrase(const wallet::Phrase& phrase,
                                                base::Entropy& entropy) {
    const Terminal terminal;
    if (!terminal.valid()) return no_terminal();
    for (unsigned attempt = 0; attempt < attempts; ++attempt) {
        terminal.say(
            "\nWrite these words on paper, in their order. Who has them has the money;\n"
            "without them nobody can bring it back.\n\n");
        terminal.say(base::as_text(numbered_words(phrase).bytes()));
        if (!terminal.ask("\nPress Enter when they are written down: ")) return no_terminal();
        terminal.say(clear_screen);
        const auto asked = places(phrase.word_count(), entropy);
        const bool right = std::ranges::all_of(asked, [&](std::size_t place) {
            const auto typed = terminal.ask("Word " + std::to_string(place + 1) + ": ");
            return typed && wallet::find_word(*typed) == wallet::find_word(phrase.word(place));
        });
        if (right) return {};
        terminal.say("That is another word than was shown.\n");
    }
    return base::failure(base::Errc::invalid_argument,
                         "the words typed are not those of the phrase", "seed phrase",
                         "begin again, and write them down");
}

}  // namespace meshchain::app
