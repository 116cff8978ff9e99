#pragma once
// The store of a node, with the engine that its configuration names (`store.engine`).
//
// Errors: those of the engine: docs/formats/kv-sqlite.md, docs/formats/flash-log.md. A store that
//         another engine wrote is corrupt to this one, and left alone.

#include <memory>
#include <string_view>

#include "host/data_folder.h"
#include "kv/store.h"

namespace meshchain::host {

/// What the file of a flash log begins with, unless it is encrypted.
inline constexpr std::string_view flash_log_head = "MCfl";
inline constexpr auto other_engine_advice = "set store.engine to what the store was made with";

enum class StoreMode : std::uint8_t {
    create_if_absent,
    must_exist,
    read_only,  ///< beside a running node with SQLite only; the flash log says locked
    /// As read_only, and a log that is damaged in the middle is taken to end there: an older state.
    salvage,
};

std::expected<std::unique_ptr<kv::Store>, base::Error> open_node_store(
    const DataFolder& folder, const node::NodeConfig& config, StoreMode mode);

struct Compaction {
    std::uint64_t bytes_before = 0;  ///< that the store takes: pages of the file, or entries
    std::uint64_t bytes_after = 0;   ///< and segments of the log that are not free
};
/// Gives back what nothing needs any more; power may go meanwhile. Errors: those of opening, full.
std::expected<Compaction, base::Error> compact_node_store(const DataFolder& folder,
                                                          const node::NodeConfig& config);

}  // namespace meshchain::host
