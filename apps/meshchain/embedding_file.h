#pragma once
// The embedding in a file: 512 float32 in the byte order of PCs (2,048 bytes), or a JSON list.
//
// Errors: those of read_file and parse_json; malformed (bytes that are neither), invalid_argument
//         (another number of float32, or one that is not finite, which it names).

#include <expected>
#include <filesystem>

#include "base/error.h"
#include "host/json.h"

namespace meshchain::app {

/// As the API takes it: a list. What a JSON file holds is the API's to judge.
std::expected<host::Json, base::Error> read_embedding(const std::filesystem::path& path);

}  // namespace meshchain::app
