#include "host/folder_store.h"

#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/node_setup.h"
#include "host/node_store.h"

namespace meshchain::host {

std::expected<FolderStore, base::Error> open_folder_store(const std::filesystem::path& root) {
    const DataFolder folder(root);
    MESH_TRY(const node::NodeConfig config, load_config(folder.config()));
    MESH_TRY(ledger::Genesis genesis, load_genesis(folder.genesis()));
    MESH_TRY(auto store, open_node_store(folder, config, StoreMode::read_only));
    return FolderStore{std::move(genesis), std::move(store)};
}

}  // namespace meshchain::host
