#pragma once
// Addresses: a payment key as text that survives being typed, as in
// mesh1q… (64 characters; all lower or all upper case).
//
// Format: docs/formats/address.md

#include <expected>
#include <string>
#include <string_view>

#include "crypto/signature.h"

namespace meshchain::wallet {

inline constexpr std::string_view address_prefix = "mesh";
/// Version 0: a plain Ed25519 key. Versions 1 to 31 are for later kinds of owners.
inline constexpr unsigned address_version = 0;

std::string encode_address(const crypto::PublicKey& owner);

/// Errors, each saying what is wrong: malformed (case, characters, length, padding),
/// invalid_argument (another prefix; a key nobody can sign for), bad_signature (the checksum: a
/// typing mistake), wrong_version (made by a newer program).
std::expected<crypto::PublicKey, base::Error> parse_address(std::string_view text);

}  // namespace meshchain::wallet
