#pragma once
// A key file's secret, as long as something is done with it: making a wallet from a phrase,
// opening it with its passphrase or PIN, deriving its keys, changing what it is sealed with.
//
// The secret lies under a random file key, and that under the passphrase and, where one is set,
// under a PIN together with a device secret that is kept outside the file. So either opens the
// wallet, either can be changed alone, and a PIN without the device secret is worth nothing.
//
// Ownership: secrets lie in the given SecretMemory, whose door outlives them.
// Time:      opening and sealing take as long as their KdfCost; nothing else takes long.
// Threads:   no shared state, so a worker may open a file while the node goes on.
// Format:    docs/formats/wallet-key-file.md

#include <optional>

#include "base/kdf.h"
#include "base/secret_buffer.h"
#include "wallet/bip39.h"
#include "wallet/key_file.h"
#include "wallet/secret_keys.h"

namespace meshchain::wallet {

/// 3 passes over 64 MiB: the second choice of RFC 9106, which small boards can still afford.
inline constexpr base::KdfCost key_file_cost_default{3, 64 * 1024};
inline constexpr std::size_t pin_digits_min = 4;
inline constexpr std::size_t pin_digits_max = 6;
inline constexpr std::size_t device_secret_bytes = 32;

/// What opens a key file: a passphrase, or a PIN with the device secret.
struct Unlocker {
    base::Bytes secret;
    base::Bytes device = {};  ///< empty: `secret` is the passphrase
    bool is_pin() const { return !device.empty(); }
};

/// What making, sealing and opening need of the outside.
struct KeyFileDoors {
    base::Kdf& kdf;
    base::Entropy& entropy;
    base::SecretMemory& memory;
};

class OpenedKeyFile {
public:
    /// A wallet whose keys all derive from `phrase` (SLIP-0010). `words_passphrase` is BIP-39's own
    /// (in NFKD), and is not kept: without it the phrase alone gives another wallet.
    static OpenedKeyFile from_phrase(KeyFileDoors doors, const Phrase& phrase,
                                     base::Bytes words_passphrase = {});
    /// Errors: unauthorized (wrong passphrase or PIN, or altered file), not_found (no PIN is set),
    /// unsupported (watch-only), corrupt (label or public keys are not those that were sealed),
    /// malformed, wrong_version, those of the Kdf.
    static std::expected<OpenedKeyFile, base::Error> open(KeyFileDoors doors, const KeyFile& file,
                                                          Unlocker unlocker);

    /// A new file of `handed_out` addresses and the lookahead behind them.
    /// Errors: invalid_argument (empty passphrase, label too long, no addresses or too many),
    /// those of the Kdf.
    std::expected<KeyFile, base::Error> make_file(KeyFileDoors doors, base::KdfCost cost,
                                                  base::Bytes passphrase, std::string_view label,
                                                  std::size_t handed_out = 1) const;
    /// The same file with `count` keys, at least as many as now, sealed with what it was.
    /// An old file becomes one of the present version, for which the passphrase is needed again.
    /// Errors: full (keys_max), unsupported (an old file: set its passphrase first).
    std::expected<KeyFile, base::Error> with_keys(KeyFileDoors doors, KeyFile file,
                                                  std::size_t count) const;
    /// Errors: invalid_argument (empty), those of the Kdf.
    std::expected<KeyFile, base::Error> with_passphrase(KeyFileDoors doors, base::KdfCost cost,
                                                        KeyFile file, base::Bytes passphrase) const;
    /// Errors: invalid_argument (not 4 to 6 digits, or all the same or in a row), unsupported (an
    /// old file), those of the Kdf.
    std::expected<KeyFile, base::Error> with_pin(KeyFileDoors doors, base::KdfCost cost,
                                                 KeyFile file, base::Bytes pin,
                                                 base::Bytes device) const;

    SecretKeys keys(base::SecretMemory& memory, std::size_t count) const;
    crypto::PublicKey public_key(std::uint32_t index) const;
    /// Nothing for the random seed of an old wallet.
    std::optional<Phrase> phrase() const;
    /// Whether the phrase gives this wallet only together with a BIP-39 passphrase.
    bool needs_words_passphrase() const { return needs_words_passphrase_; }

private:
    enum class Scheme : std::uint8_t { labelled_hash = 1, phrase = 2 };

    OpenedKeyFile() = default;
    static std::expected<OpenedKeyFile, base::Error> open_old(KeyFileDoors doors,
                                                              const KeyFile& file,
                                                              base::Bytes passphrase);
    std::expected<void, base::Error> parse_content(base::SecretMemory& memory, base::Bytes content);
    std::expected<void, base::Error> check_keys(const KeyFile& file) const;
    void seal_content(KeyFileDoors doors, KeyFile& file) const;
    void write_secret(std::uint32_t index, base::MutableBytes out) const;

    Scheme scheme_ = Scheme::phrase;
    base::SecretBuffer file_key_;
    base::SecretBuffer entropy_;  ///< of the phrase; none in scheme 1
    base::SecretBuffer seed_;     ///< 64 bytes of BIP-39, or 32 of scheme 1
    bool needs_words_passphrase_ = false;
};

/// Errors: invalid_argument.
std::expected<void, base::Error> check_pin(base::Bytes pin);

/// A new wallet from a new phrase of 24 words, for programs that never show it.
/// Errors: those of OpenedKeyFile::make_file.
std::expected<KeyFile, base::Error> create_key_file(KeyFileDoors doors, base::KdfCost cost,
                                                    base::Bytes passphrase, std::string_view label);

/// Payment key `index` of scheme 1: BLAKE2b-256 of (`mc/wallet/1`, seed, index) as Ed25519 seed.
crypto::SigningKey derive_labelled_key(base::Bytes seed, std::uint32_t index);

}  // namespace meshchain::wallet
