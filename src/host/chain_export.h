#pragma once
// Blocks and transactions of a store as JSON lines or CSV, read beside a node that runs or without
// one. Only what is FINAL by default: what is written once stays true.
//
// Time:    one block at a time; a writer goes on meanwhile.
// Errors:  those of opening and reading the store; whatever the sink says.

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace meshchain::host {

struct ExportOptions {
    enum class What : unsigned char { blocks, transactions };
    enum class Format : unsigned char { json_lines, csv };

    What what = What::blocks;
    Format format = Format::json_lines;
    std::uint32_t from = 1;
    std::optional<std::uint32_t> to;  ///< the last one wanted; the newest if not given
    bool only_final = true;
    bool heading = true;  ///< of CSV
};

struct ExportResult {
    std::uint32_t from = 0;
    std::uint32_t to = 0;  ///< the last height written; below `from` if there was none
    std::uint64_t records = 0;
};

/// Called with each finished line, without its end, and the height it belongs to.
using ExportSink =
    std::function<std::expected<void, base::Error>(std::string_view line, std::uint32_t height)>;

/// Errors also: invalid_argument (`from` above `to`).
std::expected<ExportResult, base::Error> export_chain(const std::filesystem::path& folder,
                                                      const ExportOptions& options,
                                                      const ExportSink& sink);

}  // namespace meshchain::host
