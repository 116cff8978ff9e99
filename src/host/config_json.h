#pragma once
// The configuration as a JSON file that people edit: comments allowed, times in milliseconds.
//
// Errors: malformed (no JSON, with its line; an unknown, repeated or ill-typed field, by name),
//         invalid_argument (a value out of range), those of host/file.h. A broken file never
//         yields defaults, which would move a node to other ports and folders unnoticed (N-23).
// Format: docs/formats/config.md

#include <expected>
#include <filesystem>
#include <string_view>
#include <vector>

#include "host/json.h"
#include "node/config.h"

namespace meshchain::host {

inline constexpr std::size_t config_bytes_max = 64 * 1024;

/// Absent fields have their defaults; all values have been validated.
std::expected<node::NodeConfig, base::Error> parse_config(std::string_view text,
                                                          std::string_view source);
/// Everything that is wrong with the text, in the order of the fields; parse_config gives the
/// first. Empty when all is well.
std::vector<base::Error> config_problems(std::string_view text, std::string_view source);
Json to_json(const node::NodeConfig& config);
/// The same without the keys of channels, for eyes and logs.
Json shown_json(const node::NodeConfig& config);

/// One value in force, and who said so.
struct Setting {
    std::string name;    ///< "network.listen"
    std::string value;   ///< as JSON
    std::string source;  ///< "config.json" or "default"
};
/// Every setting of a text that parse_config accepts, in the order of docs/formats/config.md.
std::expected<std::vector<Setting>, base::Error> settings_of(std::string_view text,
                                                             std::string_view source);

std::expected<node::NodeConfig, base::Error> load_config(const std::filesystem::path& path);
/// Validates, then replaces the file as a whole.
std::expected<void, base::Error> save_config(const node::NodeConfig& config,
                                             const std::filesystem::path& path);

}  // namespace meshchain::host
