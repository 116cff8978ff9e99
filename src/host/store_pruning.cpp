#include "host/store_pruning.h"

#include <algorithm>

#include "chain/chain_store.h"
#include "consensus/vote_store.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file_lock.h"
#include "host/node_setup.h"
#include "host/node_store.h"
#include "host/store_marker.h"
#include "node/tables.h"

namespace meshchain::host {

std::expected<PrunedStore, base::Error> prune_store(const std::filesystem::path& root,
                                                    std::uint32_t keep_blocks) {
    MESH_TRY(const FileLock lock, FileLock::acquire(root));
    const DataFolder folder(root);
    MESH_TRY(const node::NodeConfig config, load_config(folder.config()));
    MESH_TRY(const ledger::Genesis genesis, load_genesis(folder.genesis()));
    MESH_TRY(const auto mark, read_store_marker(folder));
    MESH_TRY(const auto store, open_node_store(folder, config, StoreMode::must_exist));
    MESH_CHECK(check_store_marker(mark, folder, config, *store));
    MESH_TRY(const auto chain, chain::ChainStore::open(*store, genesis));
    MESH_TRY(const auto votes, consensus::VoteStore(*store, node::tables::consensus).load());
    if (!votes.final) {
        return base::failure(base::Errc::not_found, "nothing is FINAL in this store", root.string(),
                             "only FINAL blocks may be pruned; let the node run");
    }
    PrunedStore pruned{0, {}, votes.final->height};
    const std::uint32_t final = std::min(pruned.final_height, chain->tip().height).value;
    const wire::Height target{final - std::min(final, std::max(keep_blocks, 1U))};
    for (;;) {
        MESH_TRY(const std::size_t gone, chain->prune(target));
        if (gone == 0) break;
        pruned.blocks += gone;
    }
    pruned.history_start = chain->base().height;
    MESH_CHECK(store->close());
    return pruned;
}

}  // namespace meshchain::host
