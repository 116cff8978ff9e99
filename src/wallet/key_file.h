#pragma once
// The wallet's key file: what it is called and its public keys in clear, so that a locked wallet
// can be followed and paid, and its secret sealed (wallet/opened_key_file.h).
//
// The seal authenticates the clear part: an attacker who swaps a public key for his own is found
// out at the next unlocking, before anything is signed.
//
// Limits: keys_max keys, a label of label_bytes_max bytes.
// Format: docs/formats/wallet-key-file.md

#include <string>
#include <vector>

#include "crypto/signature.h"

namespace meshchain::wallet {

struct KeyFile {
    static constexpr std::size_t keys_max = 2048;
    static constexpr std::size_t label_bytes_max = 64;
    static constexpr std::size_t bytes_max = 128 * 1024;
    /// Keys followed beyond the last one handed out, so that a wallet made again from its phrase
    /// finds its coins (the gap limit of BIP-44).
    static constexpr std::size_t lookahead = 20;

    enum class Kind : std::uint8_t {
        old = 0,  ///< version 1: a random seed, every key handed out
        sealed = 1,
        watch_only = 2,  ///< public keys alone: sees everything, signs nothing
    };

    Kind kind = Kind::sealed;
    std::string label;
    std::uint16_t handed_out = 1;         ///< addresses shown from the start; the rest is followed
    std::vector<crypto::PublicKey> keys;  ///< key i is derived under index i
    base::Buffer by_passphrase;  ///< the file key, or all the secret of an old file: crypto/seal.h
    base::Buffer by_pin;         ///< the file key under PIN and device secret; empty: no PIN
    base::Buffer content;        ///< under the file key; an old file has none
    friend bool operator==(const KeyFile&, const KeyFile&) = default;
};

base::Buffer encode(const KeyFile& file);
/// What the seal vouches for: everything in front of the sealed parts.
base::Buffer encode_clear(const KeyFile& file);
/// Checks the form alone; only opening tells whether the content is whole.
/// Errors: malformed, wrong_version, too_large.
std::expected<KeyFile, base::Error> parse_key_file(base::Bytes bytes);

/// A wallet that only watches. Errors: invalid_argument (no keys, one twice, one that nobody can
/// sign for; label too long), too_large (keys_max).
std::expected<KeyFile, base::Error> make_watch_only(std::string_view label,
                                                    std::vector<crypto::PublicKey> keys);

/// Errors: invalid_argument.
std::expected<void, base::Error> check_label(std::string_view label);

}  // namespace meshchain::wallet
