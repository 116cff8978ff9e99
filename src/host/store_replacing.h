#pragma once
// A new store in place of a stopped node's: made beside the old one, which stays where it is, and
// named by the configuration at the very end. A crash before that leaves the node as it was; what
// it has left half made is removed by the next try.
//
// Ownership: whoever calls holds the folder's lock.
// Errors:    those of the store, of host/file.h, of the one that fills it.

#include <functional>

#include "host/store_copying.h"

namespace meshchain::host {

/// A node's folder, and what its files say.
struct NodeHome {
    DataFolder folder;
    node::NodeConfig config;
    ledger::Genesis genesis;
};
std::expected<NodeHome, base::Error> read_home(const std::filesystem::path& root);

/// The files of a store, all that may lie beside it included.
void remove_store(const std::filesystem::path& path);

struct ReplacedStore {
    std::filesystem::path path;
    std::filesystem::path old_path;  ///< empty where there was none
};
using FillStore = std::function<std::expected<void, base::Error>(kv::Store&)>;

/// `config` says which engine and how large; the name is chosen here. `fill` gets it empty.
std::expected<ReplacedStore, base::Error> replace_store(const NodeHome& home,
                                                        node::NodeConfig config,
                                                        const FillStore& fill);

}  // namespace meshchain::host
