#pragma once
// A note in the data folder that it has a store. A store that is deleted or emptied is thereby an
// Error at the next start instead of a new chain in silence: with it would go what this node's key
// has signed, and what its wallet knows.
//
// Format: docs/formats/data-folder.md

#include <expected>
#include <filesystem>

#include "base/error.h"
#include "host/data_folder.h"
#include "kv/store.h"

namespace meshchain::host {

inline constexpr auto empty_store_advice =
    "put the store back; or, if it is lost, start once with `meshchain node run "
    "--accept-empty-store`: the node syncs anew, and a validator keeps silent until FINAL has "
    "passed its start";

/// Whether the folder is known to have a store. Errors: those of read_file.
std::expected<bool, base::Error> read_store_marker(const DataFolder& folder);
/// Notes it. Errors: those of write_file.
std::expected<void, base::Error> write_store_marker(const DataFolder& folder);
/// Errors: not_found (there was a store, and this one holds nothing), those of the store.
std::expected<void, base::Error> check_store_marker(const DataFolder& folder, kv::Store& store);

/// Also where there is no file.
bool is_empty_file(const std::filesystem::path& path);

}  // namespace meshchain::host
