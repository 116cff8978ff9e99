#pragma once
// The manual page, made from the same data as the command line. Troff with the man macros.

#include "meshchain/command.h"

namespace meshchain::app {

std::string man_page(const ProgramText& text, const std::vector<Command>& commands,
                     const std::vector<Option>& common);

}  // namespace meshchain::app
