#pragma once
// The wallet's key file: what it is called and its public keys in clear, so that a locked wallet
// can be followed and paid, and the seed sealed under a passphrase.
//
// The seed authenticates the clear part: an attacker who swaps a public key for his own is found
// out at the next unlocking, before anything is signed.
//
// Limits: keys_max keys, a label of label_bytes_max bytes.
// Format: docs/formats/wallet-key-file.md

#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/kdf.h"
#include "crypto/signature.h"

namespace meshchain::wallet {

struct KeyFile {
    static constexpr std::size_t keys_max = 256;
    static constexpr std::size_t label_bytes_max = 64;
    static constexpr std::size_t bytes_max = 16 * 1024;

    std::string label;
    std::vector<crypto::PublicKey> keys;  ///< handed out so far; key i is derived under index i
    base::Buffer sealed;                  ///< crypto/seal.h, purpose "wallet"
    friend bool operator==(const KeyFile&, const KeyFile&) = default;
};

base::Buffer encode(const KeyFile& file);
/// Checks the form alone; only opening tells whether the content is whole.
/// Errors: malformed, wrong_version, too_large.
std::expected<KeyFile, base::Error> parse_key_file(base::Bytes bytes);

/// 3 passes over 64 MiB: the second choice of RFC 9106, which small boards can still afford.
inline constexpr base::KdfCost key_file_cost_default{3, 64 * 1024};

/// A new seed, sealed, with its first key.
/// Errors: invalid_argument (empty passphrase, label too long), those of the Kdf.
std::expected<KeyFile, base::Error> create_key_file(base::Kdf& kdf, base::Entropy& entropy,
                                                    base::KdfCost cost, base::Bytes passphrase,
                                                    std::string_view label);

/// The secret keys, in the order of `file.keys`, which they match.
/// Errors: unauthorized (wrong passphrase or altered file), corrupt (public keys or label are not
/// those that were sealed), malformed, wrong_version, those of the Kdf.
std::expected<std::vector<crypto::SigningKey>, base::Error> open_key_file(base::Kdf& kdf,
                                                                          base::Bytes passphrase,
                                                                          const KeyFile& file);

/// The same wallet with one key more, to be written in place of `file`, sealed afresh.
/// Errors: those of open_key_file; full (keys_max).
std::expected<KeyFile, base::Error> add_key(base::Kdf& kdf, base::Entropy& entropy,
                                            base::KdfCost cost, base::Bytes passphrase,
                                            const KeyFile& file);

/// Payment key `index` of a seed: BLAKE2b-256 of (`mc/wallet/1`, seed, index) as Ed25519 seed.
crypto::SigningKey derive_key(const crypto::SigningKey::Seed& wallet_seed, std::uint32_t index);

}  // namespace meshchain::wallet
