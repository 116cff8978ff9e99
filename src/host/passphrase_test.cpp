// Passphrases: what must never be accepted, and the terminal's echo.

#include "host/passphrase.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>

#include <thread>

#include "host/file.h"
#include "host/file_descriptor.h"
#include "host/temporary_folder.h"

namespace meshchain::host {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text(const Secret& secret) { return std::string(base::as_text(secret.bytes())); }

/// A pipe already filled and closed at the writing end.
FileDescriptor pipe_with(std::string_view content) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
    ::close(ends[1]);
    return FileDescriptor(ends[0]);
}

base::Errc refusal(std::string_view content) {
    const FileDescriptor pipe = pipe_with(content);
    const auto secret = read_passphrase_from_descriptor(pipe.number());
    EXPECT_FALSE(secret);
    return secret ? base::Errc::corrupt : secret.error().code;
}

TEST(Passphrase, EmptyOrOversized_IsRefused) {
    EXPECT_EQ(refusal(""), base::Errc::invalid_argument);
    EXPECT_EQ(refusal("\n"), base::Errc::invalid_argument);
    EXPECT_EQ(refusal(std::string(passphrase_bytes_max + 1, 'x')), base::Errc::too_large);
    EXPECT_EQ(refusal(std::string(passphrase_bytes_max + 1000, 'x')), base::Errc::too_large);
    EXPECT_EQ(read_passphrase_from_descriptor(-1).error().code, base::Errc::io);
}

TEST(Passphrase, BytesThatAreNoText_AreRefused) {
    // The API speaks JSON: such a passphrase could seal a wallet that no request can open.
    for (const char* bytes : {"\x80", "a\xff", "\xc0\x80", "\xe2\x82", "\xed\xa0\x80",
                              "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"}) {
        EXPECT_EQ(refusal(bytes), base::Errc::invalid_argument) << bytes;
    }
    const FileDescriptor pipe = pipe_with("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91");
    EXPECT_TRUE(read_passphrase_from_descriptor(pipe.number()));
}

TEST(Passphrase, Descriptor_LosesOneLineBreakOnly) {
    const FileDescriptor pipe = pipe_with("two words \n\n");
    EXPECT_EQ(text(*read_passphrase_from_descriptor(pipe.number())), "two words \n");
}

TEST(Passphrase, FileThatOthersMayRead_IsRefused) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "passphrase";
    ASSERT_TRUE(write_file(path, base::as_bytes("correct horse\n")));
    EXPECT_EQ(text(*read_passphrase({.descriptor = {}, .file = path}, Asking::twice)),
              "correct horse");
    for (const mode_t mode : {0640U, 0604U, 0620U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        EXPECT_EQ(read_passphrase_from_file(path).error().code, base::Errc::unauthorized) << mode;
    }
    EXPECT_EQ(read_passphrase_from_file(folder.path() / "none").error().code,
              base::Errc::not_found);
}

/// Both ends of a pseudo terminal.
struct Terminal {
    FileDescriptor person{::posix_openpt(O_RDWR | O_NOCTTY)};
    FileDescriptor program;

    Terminal() {
        EXPECT_EQ(::grantpt(person.number()), 0);
        EXPECT_EQ(::unlockpt(person.number()), 0);
        program = FileDescriptor(::open(::ptsname(person.number()), O_RDWR | O_NOCTTY));
        EXPECT_TRUE(program.valid());
    }
    bool echoes() const {
        termios settings{};
        EXPECT_EQ(::tcgetattr(program.number(), &settings), 0);
        return (settings.c_lflag & ECHO) != 0;
    }
    /// What is on the screen up to and with the prompt's end.
    std::string wait_for(std::string_view end) {
        std::string screen;
        char byte = 0;
        while (!screen.ends_with(end) && ::read(person.number(), &byte, 1) == 1) screen += byte;
        return screen;
    }
    void type(std::string_view keys) {
        EXPECT_EQ(::write(person.number(), keys.data(), keys.size()),
                  static_cast<ssize_t>(keys.size()));
    }
};

struct Typed {
    std::expected<Secret, base::Error> result;
    std::string screen;
};

Typed type_twice(Terminal& terminal, std::string_view first, std::string_view second) {
    std::string screen;
    std::thread person([&] {
        screen += terminal.wait_for("Passphrase: ");
        EXPECT_FALSE(terminal.echoes());
        terminal.type(first);
        screen += terminal.wait_for("again: ");
        terminal.type(second);
    });
    auto result = read_passphrase_from_terminal(terminal.program.number(), Asking::twice);
    person.join();
    return {std::move(result), screen};
}

TEST(Passphrase, Terminal_ShowsNothingAndGetsItsEchoBack) {
    Terminal terminal;
    const Typed typed = type_twice(terminal, "open sesame\n", "open sesame\n");
    ASSERT_TRUE(typed.result) << sentence(typed.result.error());
    EXPECT_EQ(text(*typed.result), "open sesame");
    EXPECT_THAT(typed.screen, Not(HasSubstr("sesame")));
    EXPECT_TRUE(terminal.echoes());
}

TEST(Passphrase, TwoThatDiffer_AreRefused) {
    Terminal terminal;
    const Typed typed = type_twice(terminal, "open sesame\n", "open sesamy\n");
    ASSERT_FALSE(typed.result);
    EXPECT_EQ(typed.result.error().code, base::Errc::invalid_argument);
    EXPECT_TRUE(terminal.echoes());
}

TEST(Passphrase, WithoutTerminal_SaysWhichOptionHelps) {
    const FileDescriptor pipe = pipe_with("x");
    const auto result = read_passphrase_from_terminal(pipe.number(), Asking::once);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().advice, HasSubstr("--passphrase-file"));
}

}  // namespace
}  // namespace meshchain::host
