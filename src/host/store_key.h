#pragma once
// The key that a store is encrypted with (store.encryption): random, in a file beside the store,
// sealed under a passphrase or under the secret of this device. Another passphrase seals the same
// key anew; the store itself is not touched.
//
// Time:   what Argon2id takes, with a passphrase: a good part of a second.
// Errors: not_found (no key, though there is a store), invalid_argument (the key is sealed in
//         another way than the configuration says), malformed, unauthorized (wrong passphrase),
//         corrupt (another device's), those of read_passphrase, host/device_secret.h, host/file.h.
// Format: docs/formats/store-key.md

#include "base/entropy.h"
#include "base/kdf.h"
#include "base/secret_buffer.h"
#include "host/data_folder.h"
#include "host/secret.h"

namespace meshchain::host {

struct StoreKeyDoors {
    base::Kdf& kdf;
    base::Entropy& entropy;
    base::KdfCost cost{3, 64 * 1024};  ///< of a new sealing
};

/// Whether there is one, and so an encrypted store.
bool has_store_key(const DataFolder& folder, const node::NodeConfig& config);

/// The caller has asked that the store is to be encrypted.
std::expected<base::SecretBuffer, base::Error> load_store_key(StoreKeyDoors doors,
                                                              const DataFolder& folder,
                                                              const node::NodeConfig& config);
/// A new key, durable when this returns. Errors: also exists.
std::expected<base::SecretBuffer, base::Error> make_store_key(StoreKeyDoors doors,
                                                              const DataFolder& folder,
                                                              const node::NodeConfig& config);

/// Seals the key that the configuration opens under another passphrase, in place of whatever it was
/// sealed under. The old one opens nothing afterwards.
std::expected<void, base::Error> change_store_passphrase(StoreKeyDoors doors,
                                                         const DataFolder& folder,
                                                         const node::NodeConfig& config,
                                                         const Secret& passphrase);

}  // namespace meshchain::host
