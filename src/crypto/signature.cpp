#include "crypto/signature.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

namespace meshchain::crypto {
namespace {

const unsigned char* raw(base::Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(base::MutableBytes bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace

bool verify(const PublicKey& key, base::Bytes message, const Signature& signature) {
    return crypto_sign_ed25519_verify_detached(raw(signature.span()), raw(message), message.size(),
                                               raw(key.span())) == 0;
}

bool is_prime_order(const PublicKey& key) {
    return crypto_core_ed25519_is_valid_point(raw(key.span())) == 1;
}

SigningKey SigningKey::from_seed(const Seed& seed) {
    SigningKey key;
    crypto_sign_ed25519_seed_keypair(raw(base::MutableBytes(key.public_.bytes)),
                                     raw(base::MutableBytes(key.secret_)), raw(base::Bytes(seed)));
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
    crypto_sign_ed25519_detached(raw(base::MutableBytes(signature.bytes)), nullptr, raw(message),
                                 message.size(), raw(base::Bytes(secret_)));
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
