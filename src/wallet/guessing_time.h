#pragma once
// How long guessing a passphrase would take, told when a wallet is created (row I3).
//
// The model, also in docs/formats/wallet-key-file.md: Argon2id is bound by memory, and the attacker
// owns graphics cards of 1 TB/s. Each guess moves three times what it fills, and half of all
// guesses find it. The bits are what a random choice would give; a known phrase has far fewer.

#include <string>

#include "base/bytes.h"
#include "base/kdf.h"

namespace meshchain::wallet {

/// Bits of a passphrase if each character was chosen at random among the classes it uses; repeats
/// and runs (aaa, 123) count one bit a character.
double passphrase_bits_at_most(base::Bytes passphrase);

/// Seconds until one graphics card has tried half of 2^bits guesses.
double guessing_seconds(base::KdfCost cost, double bits);

/// "about 3 years with one graphics card, 1 day with a thousand".
std::string describe_guessing_time(base::KdfCost cost, double bits);

}  // namespace meshchain::wallet
