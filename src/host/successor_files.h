#pragma once
// Successor chains (row A13) on disk: the last FINAL state of a stopped node's folder, and drafts.
//
// Errors: locked (the node runs), those of chain::read_final_state, of files and of parsing.
// Format: docs/formats/genesis.md, Draft of a successor

#include <filesystem>

#include "ledger/successor.h"

namespace meshchain::host {

struct FolderState {
    ledger::Genesis genesis;
    ledger::FinalState final;
};
/// Takes the folder's lock and opens its store read-only.
std::expected<FolderState, base::Error> read_folder_state(const std::filesystem::path& folder);

std::expected<ledger::SuccessorDraft, base::Error> load_draft(const std::filesystem::path& path);
/// Whichever the file is: a draft, or the genesis made of one.
std::expected<ledger::Genesis, base::Error> load_successor(const std::filesystem::path& path);

}  // namespace meshchain::host
