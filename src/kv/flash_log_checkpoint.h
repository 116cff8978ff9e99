#pragma once
// What the log says about itself now and then, so that recovery need not read all of it: which runs
// there are, how many entries each table has, and the state of every segment.
//
// Format: docs/formats/flash-log.md

#include "kv/flash_log_run.h"

namespace meshchain::kv::flash {

/// Entries by table, the internal one included.
using TableCounts = std::array<std::uint32_t, tables_max + 1>;

struct RunInfo {
    Run run;  ///< without its fences
    std::uint32_t fences = 0;
};

struct Checkpoint {
    struct SegmentInfo {
        std::uint32_t epoch = 0;  ///< 0: free
        std::uint32_t live = 0;
        std::uint32_t erases = 0;
    };

    std::uint32_t version = 0;
    std::uint64_t sequence = 0;  ///< of the batch that holds it
    std::optional<RunInfo> middle;
    std::optional<RunInfo> lower;
    std::optional<RunInfo> base;
    TableCounts counts{};
    std::vector<SegmentInfo> segments;
    std::uint32_t named = 0;  ///< of these, when it was parsed
};

base::Buffer encode(const Checkpoint& checkpoint);
/// Nothing: not one, or not for a medium of this shape.
std::optional<Checkpoint> parse_checkpoint(base::Bytes bytes, const Geometry& geometry);

}  // namespace meshchain::kv::flash
