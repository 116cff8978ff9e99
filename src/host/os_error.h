#pragma once
// What the operating system refused, as an Error that names the path, the cause and a remedy.

#include <filesystem>
#include <string_view>

#include "base/error.h"

namespace meshchain::host {

/// `number` is an errno; `action` completes "cannot …", as in "read".
/// Codes: not_found, unauthorized (permissions), invalid_argument (a folder where a file should
/// be, or the reverse), full (no space, quota), exists, io (all else).
base::Error os_error(int number, std::string_view action, const std::filesystem::path& path);

}  // namespace meshchain::host
