#include "crypto/signature.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "crypto/sodium_bytes.h"

namespace meshchain::crypto {

bool verify(const PublicKey& key, base::Bytes message, const Signature& signature) {
    return crypto_sign_ed25519_verify_detached(raw(signature.span()), raw(message), message.size(),
                                               raw(key.span())) == 0;
}

bool is_prime_order(const PublicKey& key) {
    return crypto_core_ed25519_is_valid_point(raw(key.span())) == 1;
}

SigningKey SigningKey::from_seed(const Seed& seed) {
    SigningKey key;
    crypto_sign_ed25519_seed_keypair(raw_mutable(key.public_.bytes), raw_mutable(key.secret_),
                                     raw(seed));
    return key;
}

SigningKey SigningKey::generate(base::Entropy& entropy) {
    Seed seed;
    entropy.fill(seed);
    SigningKey key = from_seed(seed);
    wipe(seed);
    return key;
}

SigningKey::SigningKey(SigningKey&& other) noexcept
    : secret_(other.secret_), public_(other.public_) {
    wipe(other.secret_);
}

SigningKey& SigningKey::operator=(SigningKey&& other) noexcept {
    if (this != &other) {
        secret_ = other.secret_;
        public_ = other.public_;
        wipe(other.secret_);
    }
    return *this;
}

SigningKey::~SigningKey() { wipe(secret_); }

Signature SigningKey::sign(base::Bytes message) const {
    Signature signature;
    crypto_sign_ed25519_detached(raw_mutable(signature.bytes), nullptr, raw(message),
                                 message.size(), raw(secret_));
    return signature;
}

SigningKey::Seed SigningKey::seed() const {
    Seed seed;
    std::copy_n(secret_.begin(), seed_size, seed.begin());
    return seed;
}

SigningKey SigningKey::clone() const {
    SigningKey key;
    key.secret_ = secret_;
    key.public_ = public_;
    return key;
}

void wipe(base::MutableBytes memory) { sodium_memzero(memory.data(), memory.size()); }

}  // namespace meshchain::crypto
