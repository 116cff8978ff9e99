#pragma once
// Commands as data: what they are called, what they take, how they are explained, what they do.
// Only command.cpp knows the library that reads the command line.
//
// A command is a function from its options to an Output or an Error; only run_program prints, so
// that --json and exit codes are the same everywhere.

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "host/json.h"

namespace meshchain::app {

enum class ExitCode : int { success = 0, failure = 1, usage = 2, not_running = 3, locked = 4 };

/// Options that belong to every command.
struct Context {
    bool json = false;
    std::filesystem::path data;
};

/// What a command found: for programs, and for people.
struct Output {
    std::shared_ptr<const host::Json> json;  ///< none: the command printed by itself
    std::string text;                        ///< empty: the JSON is shown to people too
    ExitCode exit_code = ExitCode::success;
};
Output output(host::Json json, std::string text = {});

struct Option {
    using Target = std::variant<bool*, std::string*, std::uint64_t*, std::optional<std::uint64_t>*,
                                std::vector<std::string>*, std::filesystem::path*>;

    std::string name;        ///< "--stake"; without dashes it is told by its place
    std::string value_name;  ///< "UNITS"; empty for a flag
    std::string help;
    Target target;  ///< outlives the run: usually part of what `run` captures
    bool required = false;
    std::uint64_t number_max = std::numeric_limits<std::uint64_t>::max();  ///< of a number
    std::uint64_t number_min = 0;
};

struct Command {
    std::string name;
    std::string summary;
    std::string examples = {};
    std::vector<Option> options = {};
    std::function<std::expected<Output, base::Error>()> run = {};  ///< none: needs a subcommand
    std::vector<Command> commands = {};
};

/// What the program is, besides its commands.
struct ProgramText {
    std::string name;
    std::string version;
    std::string summary;
    std::string footer;
};

/// Reads the command line, runs the one command it names and prints what came of it.
/// Returns the exit code of the process.
int run_program(const ProgramText& text, const std::vector<Command>& commands, Context& context,
                int argc, const char* const* argv);

/// The options that belong to every command, for whoever describes them.
std::vector<Option> common_options(Context& context);

/// A command with the words that lead to it: {"node", "run"}.
struct CommandPath {
    std::vector<std::string> words;
    const Command* command = nullptr;

    std::string text() const;  ///< "node run"
};
/// All of them, each before its subcommands.
std::vector<CommandPath> all_commands(const std::vector<Command>& commands);

void print_error(const Context& context, const base::Error& error);

/// Rows of cells as aligned columns; the first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace meshchain::app
