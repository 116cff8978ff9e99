#pragma once
// A node's folder as it lies on the disk, for who only reads it: with SQLite also beside its
// running node, unless he takes the folder's lock first.
//
// Errors: those of load_config, load_genesis and of the store.

#include <filesystem>
#include <memory>

#include "kv/store.h"
#include "ledger/genesis.h"

namespace meshchain::host {

struct FolderStore {
    ledger::Genesis genesis;
    std::unique_ptr<kv::Store> store;  ///< read-only
};
std::expected<FolderStore, base::Error> open_folder_store(const std::filesystem::path& root);

}  // namespace meshchain::host
