#pragma once
// Ed25519 (RFC 8032) under libsodium's cofactorless rule, one signature at a time
// (PROTOCOL.md P2.5: never batched, so that no two nodes can judge one signature differently).

#include <array>
#include <compare>
#include <optional>

#include "base/bytes.h"
#include "base/entropy.h"
#include "crypto/hash.h"

namespace meshchain::crypto {

struct PublicKey {
    static constexpr std::size_t size = 32;
    std::array<std::byte, size> bytes{};

    base::Bytes span() const { return bytes; }
    friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

struct Signature {
    static constexpr std::size_t size = 64;
    std::array<std::byte, size> bytes{};

    base::Bytes span() const { return bytes; }
    friend auto operator<=>(const Signature&, const Signature&) = default;
};

/// True iff `signature` is `key`'s over exactly `message`. About 40 us on a server core.
[[nodiscard]] bool verify(const PublicKey& key, base::Bytes message, const Signature& signature);

/// Whether the key is a canonical point of prime order: required of validators at registration.
[[nodiscard]] bool is_prime_order(const PublicKey& key);

/// An Ed25519 secret. Wiped when destroyed or moved from; cannot be copied by accident.
class SigningKey {
public:
    static constexpr std::size_t seed_size = 32;
    using Seed = std::array<std::byte, seed_size>;

    static SigningKey from_seed(const Seed& seed);
    static SigningKey generate(base::Entropy& entropy);

    SigningKey(SigningKey&& other) noexcept;
    SigningKey& operator=(SigningKey&& other) noexcept;
    SigningKey(const SigningKey&) = delete;
    SigningKey& operator=(const SigningKey&) = delete;
    ~SigningKey();

    const PublicKey& public_key() const { return public_; }
    Signature sign(base::Bytes message) const;
    /// The 32 secret bytes, for sealing into a key file. The caller wipes its copy.
    Seed seed() const;
    SigningKey clone() const;

private:
    SigningKey() = default;

    std::array<std::byte, 64> secret_{};
    PublicKey public_{};
};

/// Overwrites memory that held a secret, in a way the compiler keeps.
void wipe(base::MutableBytes memory);

}  // namespace meshchain::crypto
