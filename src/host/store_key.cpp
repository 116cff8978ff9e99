#include "host/store_key.h"

#include "base/cursor.h"
#include "base/resource_guard.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "host/device_secret.h"
#include "host/file.h"
#include "host/passphrase.h"

namespace meshchain::host {
namespace {

using Encryption = node::StoreEncryption;
template <class T>
using Result = std::expected<T, base::Error>;

constexpr std::string_view magic = "MCSK";
constexpr std::uint8_t version = 1;
constexpr std::string_view purpose = "meshchain store key";
constexpr std::size_t file_bytes_max = 512;

std::string_view name(Encryption encryption) {
    switch (encryption) {
        case Encryption::none: return "none";
        case Encryption::passphrase: return "passphrase";
        case Encryption::device: return "device";
    }
    return "unknown";
}

base::Buffer header_of(Encryption encryption) {
    base::Buffer bytes;
    base::Writer(bytes).text(magic).u8(version).u8(static_cast<std::uint8_t>(encryption));
    return bytes;
}

Result<Secret> passphrase_of(const DataFolder& folder, const node::NodeConfig& config,
                             Asking asking) {
    PassphraseSource source;
    source.prompt = "Passphrase of the store";
    if (!config.store_passphrase_path.empty()) {
        source.file = folder.root() / config.store_passphrase_path;
    }
    auto typed = read_passphrase(source, asking);
    if (!typed && typed.error().code == base::Errc::unavailable && !source.file) {
        typed.error().advice = "set store.passphrase_path to a file that only you may read";
    }
    return typed;
}

/// A key of its own for this purpose, so that nothing else sealed on this device helps with it.
Result<Secret> device_key(const DataFolder& folder, const node::NodeConfig& config,
                          base::Entropy* maker) {
    MESH_TRY(const auto path, device_secret_path(folder, config));
    MESH_TRY(const Secret secret, maker != nullptr ? load_or_make_device_secret(path, *maker)
                                                   : load_device_secret(path));
    crypto::Hash key = crypto::hash(base::as_bytes(purpose), secret.bytes());
    const base::ResourceGuard wipe_key([&] { crypto::wipe(key.bytes); });
    return Secret::copy_of(key.bytes);
}

crypto::SealKey seal_key(const Secret& secret) {
    return secret.bytes().first<crypto::seal_key_bytes>();
}

Result<void> save(StoreKeyDoors doors, const std::filesystem::path& path, Encryption encryption,
                  const Secret& under, base::Bytes key, IfExists if_exists) {
    base::Buffer content = header_of(encryption);
    base::Buffer sealed;
    if (encryption == Encryption::device) {
        sealed = crypto::seal_with_key(seal_key(under), doors.entropy, content, key);
    } else {
        MESH_TRY(sealed,
                 crypto::seal(doors.kdf, doors.entropy, doors.cost, under.bytes(), purpose, key));
    }
    content.insert(content.end(), sealed.begin(), sealed.end());
    return write_file(path, content, if_exists);
}

/// What the file holds behind its header.
Result<base::Buffer> read_sealed(const std::filesystem::path& path, Encryption expected) {
    MESH_TRY(base::Buffer content, read_file(path, file_bytes_max));
    base::Reader in(content);
    const bool is_key = base::as_text(in.take(magic.size())) == magic && in.u8() == version;
    const auto found = static_cast<Encryption>(in.u8());
    if (!in.ok() || !is_key || (found != Encryption::passphrase && found != Encryption::device)) {
        return base::failure(base::Errc::malformed, "this is no key of a store", path.string(),
                             "restore it from a backup; without it the store cannot be read");
    }
    if (found != expected) {
        return base::failure(base::Errc::invalid_argument,
                             "the store's key is sealed under a " + std::string(name(found)) +
                                 ", and store.encryption says " + std::string(name(expected)),
                             path.string(),
                             "set store.encryption to \"" + std::string(name(found)) + "\"");
    }
    return base::to_buffer(in.rest());
}

}  // namespace

bool has_store_key(const DataFolder& folder, const node::NodeConfig& config) {
    std::error_code error;
    return std::filesystem::exists(folder.store_key(config), error);
}

Result<base::SecretBuffer> load_store_key(StoreKeyDoors doors, const DataFolder& folder,
                                          const node::NodeConfig& config) {
    const auto path = folder.store_key(config);
    auto sealed = read_sealed(path, config.store_encryption);
    if (!sealed && sealed.error().code == base::Errc::not_found) {
        return base::failure(base::Errc::not_found,
                             "the store has no key, so either it is not encrypted or its key is "
                             "lost",
                             path.string(),
                             "put the key back, or set store.encryption to \"none\"");
    }
    MESH_CHECK(sealed);
    Result<base::Buffer> opened;
    if (config.store_encryption == Encryption::device) {
        MESH_TRY(const Secret under, device_key(folder, config, nullptr));
        opened = crypto::open_with_key(seal_key(under), header_of(Encryption::device), *sealed);
    } else {
        MESH_TRY(const Secret under, passphrase_of(folder, config, Asking::once));
        opened = crypto::open(doors.kdf, under.bytes(), purpose, *sealed);
    }
    if (!opened) {
        opened.error().where = path.string();
        return std::unexpected(std::move(opened).error());
    }
    const base::ResourceGuard wipe_opened([&] { crypto::wipe(*opened); });
    if (opened->size() != crypto::seal_key_bytes) {
        return base::failure(base::Errc::malformed, "this is no key of a store", path.string(),
                             "restore it from a backup; without it the store cannot be read");
    }
    return base::SecretBuffer(secret_memory(), base::Bytes(*opened));
}

Result<base::SecretBuffer> make_store_key(StoreKeyDoors doors, const DataFolder& folder,
                                          const node::NodeConfig& config) {
    MESH_TRY(const Secret under, config.store_encryption == Encryption::device
                                     ? device_key(folder, config, &doors.entropy)
                                     : passphrase_of(folder, config, Asking::twice));
    base::SecretBuffer key(secret_memory(), crypto::seal_key_bytes);
    doors.entropy.fill(key.bytes());
    MESH_CHECK(save(doors, folder.store_key(config), config.store_encryption, under, key.bytes(),
                    IfExists::refuse));
    return key;
}

Result<void> change_store_passphrase(StoreKeyDoors doors, const DataFolder& folder,
                                     const node::NodeConfig& config, const Secret& passphrase) {
    MESH_TRY(const base::SecretBuffer key, load_store_key(doors, folder, config));
    return save(doors, folder.store_key(config), Encryption::passphrase, passphrase, key.bytes(),
                IfExists::replace);
}

}  // namespace meshchain::host
