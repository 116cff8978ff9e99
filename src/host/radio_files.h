#pragma once
// What the radios of a configuration name in the file system: passwords, authorities, serial ports.
//
// Errors: each has the field as its place, what is wrong with the file, and what to do; nothing of
//         a file's content.

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "node/radio_config.h"

namespace meshchain::host {

/// Everything that is wrong with these files, of radios whose values are in order. Paths are
/// relative to `folder`. A serial port that is not there is none of it: it may be plugged in later.
std::vector<base::Error> radio_file_problems(const std::vector<node::RadioConfig>& radios,
                                             const std::filesystem::path& folder);

}  // namespace meshchain::host
