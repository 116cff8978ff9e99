#include "meshchain/help/completions.h"

namespace meshchain::app {
namespace {

struct Table {
    const std::string& program;
    const std::vector<Command>& top;
    std::vector<CommandPath> paths;
    const std::vector<Option>& common;
};

bool is_named(const Option& option) { return option.name.starts_with("--"); }
bool takes_folder(const Option& option) { return option.value_name == "DIR"; }
bool takes_file(const Option& option) { return option.value_name == "FILE"; }

/// For a text in single quotes; the three shells agree on this form.
std::string in_quotes(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'') {
            result += "'\\''";
        } else {
            result += c;
        }
    }
    return result + "'";
}

/// Every path that has subcommands or is one, as patterns of a shell's case.
std::string path_patterns(const Table& table) {
    std::string patterns;
    for (const CommandPath& path : table.paths) {
        patterns += (patterns.empty() ? "" : "|") + in_quotes(path.text());
    }
    return patterns;
}

/// Visits the options of a command and then the common ones.
template <class Visitor>
void for_each_option(const CommandPath& path, const Table& table, Visitor visit) {
    if (path.command != nullptr) {
        for (const Option& option : path.command->options) visit(option);
    }
    for (const Option& option : table.common) visit(option);
}

const std::vector<Command>& below(const CommandPath& path, const Table& table) {
    return path.command == nullptr ? table.top : path.command->commands;
}

/// What takes a file and what a folder, by the option's name: the same in all commands.
std::string value_cases(const Table& table, const char* files, const char* folders) {
    std::string file_options;
    std::string folder_options;
    const auto note = [&](const Option& option) {
        if (!is_named(option)) return;
        std::string* list = takes_file(option)     ? &file_options
                            : takes_folder(option) ? &folder_options
                                                   : nullptr;
        if (list == nullptr || ("|" + *list + "|").find("|" + option.name + "|") != list->npos) {
            return;
        }
        *list += (list->empty() ? "" : "|") + option.name;
    };
    for (const CommandPath& path : table.paths) for_each_option(path, table, note);
    return "        " + file_options + ") " + files + " ;;\n        " + folder_options + ") " +
           folders + " ;;\n";
}

std::string bash_words(const CommandPath& path, const Table& table) {
    std::string words;
    for (const Command& command : below(path, table)) words += command.name + " ";
    for_each_option(path, table, [&](const Option& option) {
        if (is_named(option)) words += option.name + " ";
    });
    return words + "--help";
}

std::string bash(const Table& table) {
    std::string cases = "        '') words=" + in_quotes(bash_words({}, table)) + " ;;\n";
    for (const CommandPath& path : table.paths) {
        cases += "        " + in_quotes(path.text()) +
                 ") words=" + in_quotes(bash_words(path, table)) + " ;;\n";
    }
    return "# bash completion of " + table.program + "\n_" + table.program + "() {\n" +
           R"(    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local path= next words i
    for ((i = 1; i < COMP_CWORD; ++i)); do
        next="${path:+$path }${COMP_WORDS[i]}"
        case "$next" in
        )" +
           path_patterns(table) +
           R"() path=$next ;;
        esac
    done
    case "$before" in
)" +
           value_cases(table, "COMPREPLY=($(compgen -f -- \"$current\")); return",
                       "COMPREPLY=($(compgen -d -- \"$current\")); return") +
           R"(    esac
    case "$path" in
)" + cases +
           R"(    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _)" +
           table.program + " " + table.program + "\n";
}

/// "'name:what it is'" for zsh's _describe, in which colons of the name would be taken apart.
std::string zsh_entry(const std::string& name, const std::string& help) {
    return " " + in_quotes(name + ":" + help);
}

std::string zsh_entries(const CommandPath& path, const Table& table) {
    std::string entries;
    for (const Command& command : below(path, table)) {
        entries += zsh_entry(command.name, command.summary);
    }
    for_each_option(path, table, [&](const Option& option) {
        if (is_named(option)) entries += zsh_entry(option.name, option.help);
    });
    return entries + zsh_entry("--help", "print what it does and takes");
}

std::string zsh(const Table& table) {
    std::string cases = "        '') entries=(" + zsh_entries({}, table) + " ) ;;\n";
    for (const CommandPath& path : table.paths) {
        cases += "        " + in_quotes(path.text()) + ") entries=(" + zsh_entries(path, table) +
                 " ) ;;\n";
    }
    return "#compdef " + table.program + "\n# zsh completion of " + table.program + "\n_" +
           table.program + "() {\n" + R"(    local path_= next i
    local -a entries
    for ((i = 2; i < CURRENT; ++i)); do
        next="${path_:+$path_ }${words[i]}"
        case "$next" in
        )" +
           path_patterns(table) +
           R"() path_=$next ;;
        esac
    done
    case "${words[CURRENT-1]}" in
)" + value_cases(table, "_files; return", "_files -/; return") +
           R"(    esac
    case "$path_" in
)" + cases +
           R"(    esac
    _describe 'meshchain' entries || _files
}
if [ "${funcstack[1]}" = _)" +
           table.program + " ]; then _" + table.program + "; else compdef _" + table.program + " " +
           table.program + "; fi\n";
}

std::string fish_line(const Table& table, const std::string& path, const std::string& rest,
                      const std::string& help) {
    return "complete -c " + table.program + " -f -n \"__" + table.program + "_at " +
           in_quotes(path) + "\" " + rest + " -d " + in_quotes(help) + "\n";
}

std::string fish_lines(const CommandPath& path, const Table& table) {
    std::string lines;
    for (const Command& command : below(path, table)) {
        lines += fish_line(table, path.text(), "-a " + command.name, command.summary);
    }
    for_each_option(path, table, [&](const Option& option) {
        if (!is_named(option)) return;
        std::string rest = "-l " + option.name.substr(2);
        if (takes_file(option)) {
            rest += " -r -F";
        } else if (takes_folder(option)) {
            rest += " -x -a '(__fish_complete_directories)'";
        } else if (!option.value_name.empty()) {
            rest += " -x";
        }
        lines += fish_line(table, path.text(), rest, option.help);
    });
    return lines;
}

std::string fish(const Table& table) {
    std::string text = "# fish completion of " + table.program + "\nfunction __" + table.program +
                       "_at\n" + R"(    set -l path
    for word in (commandline -opc)[2..-1]
        switch (string trim "$path $word")
            case )";
    for (const CommandPath& path : table.paths) text += in_quotes(path.text()) + " ";
    text += R"(
                set path (string trim "$path $word")
        end
    end
    test "$path" = "$argv[1]"
end
)";
    text += fish_lines({}, table);
    for (const CommandPath& path : table.paths) text += fish_lines(path, table);
    return text;
}

}  // namespace

std::expected<std::string, base::Error> completion_script(std::string_view shell,
                                                          const std::string& program,
                                                          const std::vector<Command>& commands,
                                                          const std::vector<Option>& common) {
    const Table table{program, commands, all_commands(commands), common};
    if (shell == "bash") return bash(table);
    if (shell == "zsh") return zsh(table);
    if (shell == "fish") return fish(table);
    return base::failure(base::Errc::invalid_argument,
                         "'" + std::string(shell) +
                             "' is no shell we "
                             "know",
                         "shell", "allowed: bash, zsh, fish");
}

}  // namespace meshchain::app
