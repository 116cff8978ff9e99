#pragma once
// Where a passphrase comes from: the terminal without echo, a file descriptor, or a credential
// file. Never an argument or the environment, which other processes can read (PROTOCOL.md P3a).
//
// Limits: 1 to passphrase_bytes_max bytes of UTF-8, so that it can be typed anywhere and pass the
//         API unchanged; one line break at the end of a file is not part of it.
// Errors: unauthorized (a file that others may read), invalid_argument (empty; no UTF-8; the two
//         typed differ), too_large, unavailable (no terminal; cancelled), those of host/file.h.

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "host/secret.h"

namespace meshchain::host {

inline constexpr std::size_t passphrase_bytes_max = 1024;

enum class Asking : unsigned char { once, twice };  ///< twice when a mistake would lock for ever

struct PassphraseSource {
    std::optional<int> descriptor;
    std::optional<std::filesystem::path> file;  ///< neither given: the terminal
    std::string prompt = "Passphrase";          ///< what the terminal asks for
};

std::expected<Secret, base::Error> read_passphrase(const PassphraseSource& source, Asking asking);

std::expected<Secret, base::Error> read_passphrase_from_descriptor(int descriptor);
std::expected<Secret, base::Error> read_passphrase_from_file(const std::filesystem::path& path);
/// `terminal` is an open terminal. Ctrl-C cancels; echo is restored in every case.
std::expected<Secret, base::Error> read_passphrase_from_terminal(
    int terminal, Asking asking, std::string_view prompt = "Passphrase");

}  // namespace meshchain::host
