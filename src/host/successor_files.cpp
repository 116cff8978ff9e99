#include "host/successor_files.h"

#include "chain/final_state.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/folder_store.h"
#include "host/node_setup.h"
#include "node/tables.h"

namespace meshchain::host {

std::expected<FolderState, base::Error> read_folder_state(const std::filesystem::path& root) {
    MESH_TRY(const FileLock lock, FileLock::acquire(root));
    MESH_TRY(auto folder, open_folder_store(root));
    auto final = chain::read_final_state(*folder.store, node::tables::consensus, folder.genesis);
    if (!final) {
        final.error().where = root.string() + ", " + final.error().where;
        return std::unexpected(final.error());
    }
    return FolderState{std::move(folder.genesis), *std::move(final)};
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
