#pragma once
// Keys derived from a seed: SLIP-0010 for Ed25519, which knows hardened derivation only, so no
// public key can be derived without the secret.
//
// Ownership: an HdKey wipes itself.
// Format:    docs/formats/wallet-key-file.md (the path)

#include <span>

#include "crypto/sha2.h"
#include "crypto/signature.h"

namespace meshchain::wallet {

class HdKey {
public:
    static HdKey master(base::Bytes seed);
    /// `index` is below 2^31; the hardened bit is added here.
    HdKey child(std::uint32_t index) const;

    HdKey(const HdKey&) = default;
    HdKey& operator=(const HdKey&) = default;
    ~HdKey() { crypto::wipe(bytes_); }

    /// The caller wipes its copy.
    crypto::SigningKey::Seed secret() const;
    base::Bytes chain_code() const { return base::Bytes(bytes_).subspan(32); }

private:
    explicit HdKey(const crypto::Sha512& bytes) : bytes_(bytes) {}

    crypto::Sha512 bytes_;  ///< secret, then chain code
};

/// "MESH" in ASCII: a number that SLIP-0044 gives to nobody.
inline constexpr std::uint32_t coin_type = 0x4d455348;

/// m/44'/coin_type'/account'/index'.
HdKey payment_key(base::Bytes seed, std::uint32_t account, std::uint32_t index);

}  // namespace meshchain::wallet
