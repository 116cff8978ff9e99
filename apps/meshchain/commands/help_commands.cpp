// completions, man: the command line described for shells and for man(1).

#include <cstdio>

#include "meshchain/commands/commands.h"
#include "meshchain/help/completions.h"
#include "meshchain/help/man_page.h"

namespace meshchain::app {
namespace {

Output printed(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return Output{};
}

}  // namespace

Command completions_command(const ProgramText& text, const std::vector<Command>& all,
                            Context& context) {
    const auto shell = std::make_shared<std::string>();
    return {.name = "completions",
            .summary = "Print the script that lets a shell complete commands",
            .examples =
                "Examples:\n  meshchain completions bash > "
                "~/.local/share/bash-completion/completions/meshchain\n"
                "  meshchain completions zsh > ~/.zfunc/_meshchain\n"
                "  meshchain completions fish > "
                "~/.config/fish/completions/meshchain.fish",
            .options = {{"shell", "SHELL", "bash, zsh or fish", shell.get(), true}},
            .run = [&text, &all, &context, shell]() -> std::expected<Output, base::Error> {
                MESH_TRY(const std::string script,
                         completion_script(*shell, text.name, all, common_options(context)));
                return printed(script);
            }};
}

Command man_command(const ProgramText& text, const std::vector<Command>& all, Context& context) {
    return {.name = "man",
            .summary = "Print the manual page",
            .examples = "Example:\n  meshchain man | man -l -",
            .run = [&text, &all, &context]() -> std::expected<Output, base::Error> {
                return printed(man_page(text, all, common_options(context)));
            }};
}

}  // namespace meshchain::app
