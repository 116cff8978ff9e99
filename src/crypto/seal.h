#pragma once
// Sealing a secret under a passphrase: Argon2id (the Kdf door) and XChaCha20-Poly1305.
//
// Format: docs/formats/sealed.md: version 1 ‖ passes u32 ‖ memory_kib u32 ‖ salt 16 ‖ nonce 24 ‖
// ciphertext and tag. The header is authenticated, so a cost cannot be lowered unnoticed.

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/kdf.h"

namespace meshchain::crypto {

/// `purpose` tells one kind of file from another; opening with another purpose fails.
/// Errors: those of the Kdf.
std::expected<base::Buffer, base::Error> seal(base::Kdf& kdf, base::Entropy& entropy,
                                              base::KdfCost cost, base::Bytes passphrase,
                                              std::string_view purpose, base::Bytes secret);

/// The caller wipes the result.
/// Errors: malformed, wrong_version, unauthorized (wrong passphrase or altered bytes, which cannot
/// be told apart), those of the Kdf.
std::expected<base::Buffer, base::Error> open(base::Kdf& kdf, base::Bytes passphrase,
                                              std::string_view purpose, base::Bytes sealed);

/// The same under a key of full strength, in place of a passphrase: nonce 24 ‖ ciphertext and tag.
/// `associated` is authenticated, not hidden.
inline constexpr std::size_t seal_key_bytes = 32;
using SealKey = std::span<const std::byte, seal_key_bytes>;
base::Buffer seal_with_key(SealKey key, base::Entropy& entropy, base::Bytes associated,
                           base::Bytes secret);
/// The caller wipes the result. Errors: malformed (too short), corrupt (altered, or another key).
std::expected<base::Buffer, base::Error> open_with_key(SealKey key, base::Bytes associated,
                                                       base::Bytes sealed);

}  // namespace meshchain::crypto
