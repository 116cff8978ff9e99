#pragma once
// What lies where in a node's folder. One process at a time works on it (host/file_lock.h).
//
// Format: docs/formats/data-folder.md

#include <filesystem>

#include "node/config.h"

namespace meshchain::host {

class DataFolder {
public:
    explicit DataFolder(std::filesystem::path root) : root_(std::move(root)) {}

    const std::filesystem::path& root() const { return root_; }
    std::filesystem::path config() const { return root_ / "config.json"; }
    std::filesystem::path genesis() const { return root_ / "genesis.bin"; }
    std::filesystem::path node_keys() const { return root_ / "node.keys"; }
    /// Where the API listens and its token: there while a node runs, new at each start.
    std::filesystem::path api_address() const { return root_ / "api.address"; }
    std::filesystem::path api_token() const { return root_ / "api.token"; }
    /// The fingerprint of its certificate, if it listens with TLS.
    std::filesystem::path api_certificate() const { return root_ / "api.certificate"; }
    /// There once the store is (host/store_marker.h).
    std::filesystem::path store_marker() const { return root_ / "store.marker"; }
    /// Configured paths are relative to the folder unless absolute.
    std::filesystem::path store(const node::NodeConfig& c) const { return root_ / c.storage_path; }
    /// Of a store under encryption (host/store_key.h).
    std::filesystem::path store_key(const node::NodeConfig& c) const {
        return root_ / (c.storage_path + ".key");
    }
    std::filesystem::path wallet(const node::NodeConfig& c) const { return root_ / c.wallet_path; }

private:
    std::filesystem::path root_;
};

/// Makes the folder, for its owner alone, unless it is there. Errors: those of os_error.
std::expected<void, base::Error> make_folder(const std::filesystem::path& path);

}  // namespace meshchain::host
