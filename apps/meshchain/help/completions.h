#pragma once
// Scripts that let a shell complete the program's commands and options, made from the same data as
// the command line itself. Nothing in them runs the program.

#include <expected>

#include "meshchain/command.h"

namespace meshchain::app {

/// For "bash", "zsh" or "fish". Errors: invalid_argument (another shell).
std::expected<std::string, base::Error> completion_script(std::string_view shell,
                                                          const std::string& program,
                                                          const std::vector<Command>& commands,
                                                          const std::vector<Option>& common);

}  // namespace meshchain::app
