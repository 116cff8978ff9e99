#include "meshchain/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "host/http.h"
#include "host/json_document.h"

namespace meshchain::app {
namespace {

ExitCode exit_code_of(const base::Error& error) {
    if (error.where.starts_with("--")) return ExitCode::usage;
    if (error.code == base::Errc::closed) return ExitCode::not_running;
    if (error.code == base::Errc::locked) return ExitCode::locked;
    return ExitCode::failure;
}

/// Decimal digits and nothing else. The library would read 010 as eight and -1 as 2^64 - 1.
std::uint64_t read_number(const Option& option, const std::string& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (stop == end && problem == std::errc{} && value >= option.number_min &&
        value <= option.number_max) {
        return value;
    }
    throw CLI::ValidationError(option.name, "'" + text + "' is no whole number from " +
                                                std::to_string(option.number_min) + " to " +
                                                std::to_string(option.number_max));
}

struct OptionAdder {
    CLI::App& app;
    const Option& option;

    CLI::Option* operator()(bool* flag) const {
        return app.add_flag(option.name, *flag, option.help);
    }
    CLI::Option* operator()(std::uint64_t* value) const { return add_number(*value); }
    CLI::Option* operator()(std::optional<std::uint64_t>* value) const {
        return add_number(*value);
    }
    CLI::Option* operator()(auto* value) const {
        return app.add_option(option.name, *value, option.help);
    }

private:
    CLI::Option* add_number(auto& value) const {
        const auto read = [&value, &option = option](const CLI::results_t& words) {
            value = read_number(option, words.at(0));
            return true;
        };
        return app.add_option(option.name, read, option.help);
    }
};

void add_option(CLI::App& app, const Option& option) {
    CLI::Option* added = std::visit(OptionAdder{app, option}, option.target);
    if (!option.value_name.empty()) added->type_name(option.value_name);
    // One value each: --peer A --peer B. Otherwise a list would swallow what stands behind it.
    if (std::holds_alternative<std::vector<std::string>*>(option.target)) {
        added->allow_extra_args(false);
    }
    added->required(option.required);
}

/// An answer of a node that this program does not understand throws.
std::expected<Output, base::Error> guarded(const Command& command) {
    try {
        return command.run();
    } catch (const std::exception& problem) {
        return base::failure(base::Errc::malformed,
                             std::string("unexpected answer: ") + problem.what(), command.name,
                             "use a program of the node's version");
    }
}

ExitCode execute(const Command& command, const Context& context) {
    const auto result = guarded(command);
    if (!result) {
        print_error(context, result.error());
        return exit_code_of(result.error());
    }
    if (!result->json) return result->exit_code;
    std::string text = context.json           ? host::to_line(*result->json)
                       : result->text.empty() ? host::to_page(*result->json)
                                              : result->text;
    if (!text.ends_with('\n')) text += '\n';
    std::fwrite(text.data(), 1, text.size(), stdout);
    return result->exit_code;
}

/// For a misspelt command the library only says that one is required.
std::string describe(const CLI::ParseError& mistake, const std::vector<Command>& commands,
                     std::span<const char* const> words) {
    const std::string_view word = words.size() > 1 ? words[1] : "";
    const bool known =
        std::ranges::any_of(commands, [&](const Command& command) { return command.name == word; });
    if (word.empty() || word.starts_with('-') || known) return mistake.what();
    return "there is no command '" + std::string(word) + "'";
}

/// The help of the innermost command that was named: it tells what is missing or wrong there.
std::string where_help_is(const CLI::App& app) {
    const auto named = app.get_subcommands();
    return app.get_name() + " " + (named.empty() ? "--help" : where_help_is(*named.front()));
}

void add_commands(CLI::App& parent, const std::vector<Command>& commands, const Command** chosen) {
    for (const Command& command : commands) {
        CLI::App& app = *parent.add_subcommand(command.name, command.summary);
        if (!command.examples.empty()) app.footer(command.examples);
        for (const Option& option : command.options) add_option(app, option);
        if (!command.run) app.require_subcommand(1);
        add_commands(app, command.commands, chosen);
        // A command with subcommands is called after the one that was meant.
        app.callback([&command, chosen] {
            if (*chosen == nullptr) *chosen = &command;
        });
    }
}

}  // namespace

Output output(host::Json json, std::string text) {
    return {std::make_shared<const host::Json>(std::move(json)), std::move(text)};
}

std::vector<Option> common_options(Context& context) {
    return {{"--json", "", "print JSON instead of text", &context.json},
            {"--data", "DIR", "the node's folder (~/.meshchain)", &context.data}};
}

std::string CommandPath::text() const {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::vector<CommandPath> all_commands(const std::vector<Command>& commands) {
    std::vector<CommandPath> all;
    for (const Command& command : commands) {
        all.push_back({{command.name}, &command});
        for (CommandPath& below : all_commands(command.commands)) {
            below.words.insert(below.words.begin(), command.name);
            all.push_back(std::move(below));
        }
    }
    return all;
}

void print_error(const Context& context, const base::Error& error) {
    const std::string line = context.json ? host::to_line({{"error", host::to_json(error)}})
                                          : "meshchain: " + sentence(error);
    std::fprintf(stderr, "%s\n", line.c_str());
}

int run_program(const ProgramText& text, const std::vector<Command>& commands, Context& context,
                int argc, const char* const* argv) {
    CLI::App app(text.summary);
    app.name(text.name);
    app.footer(text.footer);
    app.set_version_flag("--version", text.name + " " + text.version);
    for (const Option& option : common_options(context)) add_option(app, option);
    app.require_subcommand(1);
    app.fallthrough();  // --json and --data may stand after the command
    app.get_formatter()->column_width(34);
    const Command* chosen = nullptr;
    add_commands(app, commands, &chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked_for_help) {
        return app.exit(asked_for_help);
    } catch (const CLI::ParseError& mistake) {
        // The mistake may stand in front of a --json that the parser never reached.
        const std::span words(argv, static_cast<std::size_t>(argc));
        context.json = std::ranges::find(words, std::string_view("--json")) != words.end();
        print_error(context, {base::Errc::invalid_argument, describe(mistake, commands, words),
                              "command line", "see " + where_help_is(app)});
        return int(ExitCode::usage);
    }
    return int(execute(*chosen, context));
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
        }
        text += line + "\n";
    }
    return text;
}

}  // namespace meshchain::app
