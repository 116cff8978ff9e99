#pragma once
// The files around a wallet: its sealed key file, the count of wrong tries, the device secret.

#include "host/device_secret.h"
#include "wallet/opened_key_file.h"
#include "wallet/try_limiter.h"

namespace meshchain::host {

struct WalletFiles {
    std::filesystem::path key_file;
    std::filesystem::path tries;
    DataFolder folder;
    node::NodeConfig config;

    static WalletFiles of(const DataFolder& folder, const node::NodeConfig& config);
    /// Errors: those of device_secret_path.
    std::expected<std::filesystem::path, base::Error> device_secret() const {
        return device_secret_path(folder, config);
    }
    /// Errors: those of host/file.h and wallet::parse_key_file.
    std::expected<wallet::KeyFile, base::Error> load() const;
    std::expected<void, base::Error> save(const wallet::KeyFile& file) const;
    /// What parse_key_file said, with the file's path and advice.
    base::Error of_file(base::Error error) const;
};

/// A passphrase or PIN, typed.
struct WalletSecret {
    Secret typed;
    wallet::TryKind kind = wallet::TryKind::passphrase;
};

/// Whether a secret of this kind could open the file at all; asked before a try is counted.
/// Errors: unsupported (watch-only), not_found (no PIN is set).
std::expected<void, base::Error> check_openable(const wallet::KeyFile& file, wallet::TryKind kind);

/// Opens `file` without counting: for who has counted. Loads the device secret for a PIN.
/// Errors: those of load_device_secret and wallet::OpenedKeyFile::open.
std::expected<wallet::OpenedKeyFile, base::Error> open_key_file(wallet::KeyFileDoors doors,
                                                                const WalletFiles& files,
                                                                const wallet::KeyFile& file,
                                                                const WalletSecret& secret);

}  // namespace meshchain::host
