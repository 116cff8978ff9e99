#pragma once
// SHA-2, for the standards of others that ask for it: seed phrases (BIP-39) and the keys derived
// from them (SLIP-0010). The protocol itself hashes with crypto/hash.h alone.
//
// Ownership: of what may be secret, nothing is left behind; the caller wipes results.

#include <array>

#include "base/bytes.h"

namespace meshchain::crypto {

using Sha256 = std::array<std::byte, 32>;
using Sha512 = std::array<std::byte, 64>;

Sha256 sha256(base::Bytes message);
/// HMAC-SHA512 (RFC 4231), under a key of any length.
Sha512 hmac_sha512(base::Bytes key, base::Bytes message);
/// PBKDF2-HMAC-SHA512 (RFC 8018), the first block of 64 bytes. Takes 2 x `rounds` compressions.
Sha512 pbkdf2_sha512(base::Bytes password, base::Bytes salt, unsigned rounds);

}  // namespace meshchain::crypto
