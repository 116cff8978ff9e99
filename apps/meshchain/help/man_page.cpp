#include "meshchain/help/man_page.h"

#include <algorithm>

namespace meshchain::app {
namespace {

/// Text in which troff sees nothing but letters; line by line, where a dot would begin a request.
std::string plain(std::string_view text) {
    std::string result;
    bool at_start = true;
    for (const char c : text) {
        if (at_start && (c == '.' || c == '\'')) result += "\\&";
        if (c == '\\') {
            result += "\\e";
        } else if (c == '-') {
            result += "\\-";
        } else if (c == '\'') {
            result += "\\(aq";
        } else if (c == '~') {
            result += "\\(ti";
        } else {
            result += c;
        }
        at_start = c == '\n';
    }
    return result;
}

std::string block(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return ".PP\n.nf\n" + plain(text) + "\n.fi\n";
}

std::string option_entry(const Option& option) {
    std::string head;
    if (option.name.starts_with("--")) {
        head = "\\fB" + plain(option.name) + "\\fR";
        if (!option.value_name.empty()) head += " \\fI" + plain(option.value_name) + "\\fR";
    } else {
        head = "\\fI" + plain(option.value_name) + "\\fR";
    }
    return ".TP\n" + head + "\n" + plain(option.help) + (option.required ? " (required)" : "") +
           "\n";
}

std::string synopsis(const std::string& program, const CommandPath& path) {
    std::string line = ".B " + program + " " + plain(path.text()) + "\n";
    std::string rest;
    for (const Option& option : path.command->options) {
        if (!option.name.starts_with("--")) rest += " " + option.value_name;
    }
    if (std::ranges::any_of(path.command->options,
                            [](const Option& option) { return option.name.starts_with("--"); })) {
        rest += " [OPTION]...";
    }
    return rest.empty() ? line : line + ".I " + plain(rest.substr(1)) + "\n";
}

std::string command_section(const std::string& program, const CommandPath& path) {
    std::string text =
        ".SS " + program + " " + plain(path.text()) + "\n" + plain(path.command->summary) + ".\n";
    for (const Option& option : path.command->options) text += option_entry(option);
    if (!path.command->examples.empty()) text += block(path.command->examples);
    return text;
}

}  // namespace

std::string man_page(const ProgramText& text, const std::vector<Command>& commands,
                     const std::vector<Option>& common) {
    std::string upper = text.name;
    std::ranges::transform(upper, upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    std::string page = ".TH " + upper + " 1 \"\" \"" + text.name + " " + plain(text.version) +
                       "\" \"User Commands\"\n.SH NAME\n" + text.name +
                       " \\- payments and shared records for networks without Internet\n"
                       ".SH SYNOPSIS\n";
    bool first = true;
    for (const CommandPath& path : all_commands(commands)) {
        if (!path.command->run) continue;
        if (!first) page += ".br\n";
        first = false;
        page += synopsis(text.name, path);
    }
    page += ".SH DESCRIPTION\n" + plain(text.summary) +
            "\n.SH OPTIONS\nThese go with every "
            "command.\n";
    for (const Option& option : common) page += option_entry(option);
    page += ".SH COMMANDS\n";
    for (const CommandPath& path : all_commands(commands)) {
        if (path.command->run) page += command_section(text.name, path);
    }
    return page + ".SH NOTES\n" + block(text.footer) +
           ".SH FILES\n.TP\n.I \\(ti/.meshchain\nThe node\\(aqs folder unless "
           ".B \\-\\-data\nsays otherwise.\n";
}

}  // namespace meshchain::app
