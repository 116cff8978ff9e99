#pragma once
// Doors that replay, for tests of the wallet: a counting entropy and a key derivation without
// work. The real Argon2id is tested with host.

#include "base/entropy.h"
#include "base/kdf.h"
#include "crypto/hash.h"
#include "crypto/heap_secret_memory.h"

namespace meshchain::wallet {

class CountingEntropy final : public base::Entropy {
public:
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(next_++ * 37 + 11);
    }

private:
    unsigned next_ = 0;
};

class QuickKdf final : public base::Kdf {
public:
    std::expected<void, base::Error> derive(base::MutableBytes key, base::Bytes passphrase,
                                            base::Bytes salt, base::KdfCost cost) override {
        ++derivations;
        if (out_of_memory) {
            return base::failure(base::Errc::unavailable, "no memory", "test", "none");
        }
        const crypto::Hash both = crypto::hash(passphrase, salt);
        for (std::size_t i = 0; i < key.size(); ++i) {
            key[i] = both.bytes[i % both.bytes.size()] ^ static_cast<std::byte>(cost.passes);
        }
        return {};
    }

    int derivations = 0;
    bool out_of_memory = false;
};

inline constexpr base::KdfCost quick_cost{1, 8};

}  // namespace meshchain::wallet
