#pragma once
// Turns at a folder: copies of stores into one folder are made one after the other, as what one
// that was killed has left there is removed, and must not be another's. flock(2) on the folder
// itself, which the kernel frees when its holder ends.
//
// Time:   waits for the folder up to `patience`, looking ten times a second.
// Errors: locked (naming the holder as far as it can be known), those of os_error.

#include <expected>
#include <filesystem>
#include <functional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "host/file_descriptor.h"

namespace meshchain::host {

struct TurnOptions {
    base::Duration patience = std::chrono::minutes(10);
    /// Called once if it has to wait, with who holds the folder: "process 4711 (meshchain)".
    std::function<void(const std::string& holder)> on_wait = {};
};
/// The folder of `file` is this process's until the descriptor is closed.
std::expected<FileDescriptor, base::Error> wait_for_turn(const std::filesystem::path& file,
                                                         const TurnOptions& turn);

}  // namespace meshchain::host
