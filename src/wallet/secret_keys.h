#pragma once
// What a wallet signs with while it is unlocked: the Ed25519 seeds of its keys, in secret memory.
//
// Ownership: the secret memory's door outlives this.

#include "base/secret_buffer.h"
#include "crypto/signature.h"

namespace meshchain::wallet {

class SecretKeys {
public:
    /// `seeds` holds one of SigningKey::seed_size after the other.
    explicit SecretKeys(base::SecretBuffer seeds) : seeds_(std::move(seeds)) {}

    std::size_t size() const { return seeds_.size() / crypto::SigningKey::seed_size; }
    /// Made for the moment it is needed, and wiped by its own destructor.
    crypto::SigningKey at(std::size_t index) const;

private:
    base::SecretBuffer seeds_;
};

}  // namespace meshchain::wallet
