#pragma once
// Filling a data folder before a node first runs in it. The caller holds the folder's lock.
//
// Errors: exists (never overwrites), those of host/file.h and of the store.

#include <filesystem>

#include "base/entropy.h"
#include "host/data_folder.h"
#include "ledger/genesis.h"
#include "node/keys.h"

namespace meshchain::host {

inline constexpr std::size_t genesis_bytes_max = 1024 * 1024;

/// Reads a genesis file. Errors: those of read_file and ledger::parse_genesis.
std::expected<ledger::Genesis, base::Error> load_genesis(const std::filesystem::path& path);

/// The folder's keys; new ones if there are none. Of a new validating key the store learns that it
/// has signed nothing yet, which is what allows it to sign at once (PROTOCOL.md P3); a key file
/// brought from elsewhere has no such record and waits.
/// The record goes into the store that `config` names, which is made if need be.
std::expected<node::Keys, base::Error> load_or_make_keys(const DataFolder& folder,
                                                         base::Entropy& entropy,
                                                         const node::NodeConfig& config = {});

/// Whether genesis lists these very keys.
bool is_validator(const ledger::Genesis& genesis, const node::Keys& keys);

/// Writes genesis.bin and config.json. Errors: invalid_argument (role validator without a place
/// in genesis, a bad configuration), exists.
std::expected<void, base::Error> write_node(const DataFolder& folder,
                                            const ledger::Genesis& genesis, const node::Keys& keys,
                                            const node::NodeConfig& config);

}  // namespace meshchain::host
