#include "host/wallet_files.h"

#include "host/file.h"

namespace meshchain::host {

WalletFiles WalletFiles::of(const DataFolder& folder, const node::NodeConfig& config) {
    const std::filesystem::path key_file = folder.wallet(config);
    return {key_file, key_file.string() + ".tries", folder, config};
}

std::expected<wallet::KeyFile, base::Error> WalletFiles::load() const {
    auto bytes = read_file(key_file, wallet::KeyFile::bytes_max);
    if (!bytes) {
        if (bytes.error().code == base::Errc::not_found) {
            bytes.error().advice = "make a wallet with `meshchain wallet create`";
        }
        return std::unexpected(bytes.error());
    }
    auto file = wallet::parse_key_file(*bytes);
    if (!file) return std::unexpected(of_file(std::move(file).error()));
    return file;
}

base::Error WalletFiles::of_file(base::Error error) const {
    error.where = key_file.string();
    if (error.advice.empty()) {
        error.advice = "put a copy of it there, or move it away and `meshchain wallet restore`";
    }
    return error;
}

std::expected<void, base::Error> WalletFiles::save(const wallet::KeyFile& file) const {
    return write_file(key_file, wallet::encode(file));
}

std::expected<void, base::Error> check_openable(const wallet::KeyFile& file, wallet::TryKind kind) {
    if (file.kind == wallet::KeyFile::Kind::watch_only) {
        return base::failure(base::Errc::unsupported,
                             "this wallet only watches; it holds no secret", "wallet",
                             "use the wallet that has the keys");
    }
    if (kind == wallet::TryKind::pin && file.by_pin.empty()) {
        return base::failure(base::Errc::not_found, "no PIN is set", "wallet",
                             "use the passphrase");
    }
    return {};
}

std::expected<wallet::OpenedKeyFile, base::Error> open_key_file(wallet::KeyFileDoors doors,
                                                                const WalletFiles& files,
                                                                const wallet::KeyFile& file,
                                                                const WalletSecret& secret) {
    if (secret.kind == wallet::TryKind::passphrase) {
        return wallet::OpenedKeyFile::open(doors, file, {secret.typed.bytes()});
    }
    MESH_TRY(const std::filesystem::path path, files.device_secret());
    MESH_TRY(const Secret device, load_device_secret(path));
    return wallet::OpenedKeyFile::open(doors, file, {secret.typed.bytes(), device.bytes()});
}

}  // namespace meshchain::host
