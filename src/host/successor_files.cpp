#include "host/successor_files.h"

#include "chain/final_state.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/node_setup.h"
#include "host/sqlite_store.h"
#include "node/tables.h"

namespace meshchain::host {

std::expected<FolderState, base::Error> read_folder_state(const std::filesystem::path& root) {
    const DataFolder folder(root);
    MESH_TRY(const FileLock lock, FileLock::acquire(root));
    MESH_TRY(const node::NodeConfig config, load_config(folder.config()));
    MESH_TRY(const ledger::Genesis genesis, load_genesis(folder.genesis()));
    MESH_TRY(const auto store,
             SqliteStore::open(folder.store(config), {.tables = node::node_tables},
                               {.mode = SqliteOptions::Mode::read_only}));
    auto final = chain::read_final_state(*store, node::tables::consensus, genesis);
    if (!final) {
        final.error().where = root.string() + ", " + final.error().where;
        return std::unexpected(final.error());
    }
    return FolderState{genesis, *std::move(final)};
}

std::expected<ledger::SuccessorDraft, base::Error> load_draft(const std::filesystem::path& path) {
    MESH_TRY(const base::Buffer bytes, read_file(path, 2 * genesis_bytes_max));
    auto draft = ledger::parse_successor_draft(bytes);
    if (!draft) draft.error().where = path.string() + ", " + draft.error().where;
    return draft;
}

std::expected<ledger::Genesis, base::Error> load_successor(const std::filesystem::path& path) {
    MESH_TRY(const base::Buffer bytes, read_file(path, 2 * genesis_bytes_max));
    if (base::equal(base::Bytes(bytes).first(std::min<std::size_t>(4, bytes.size())),
                    base::as_bytes("MCSD"))) {
        MESH_TRY(ledger::SuccessorDraft draft, load_draft(path));
        return std::move(draft.genesis);
    }
    return load_genesis(path);
}

}  // namespace meshchain::host
