#include "host/argon2_kdf.h"

#include <sodium.h>

#include <algorithm>
#include <string>

#include "base/assert.h"

namespace meshchain::host {
namespace {

std::string describe(base::KdfCost cost) {
    return std::to_string(cost.passes) + " passes over " + std::to_string(cost.memory_kib) + " KiB";
}

bool in_range(base::KdfCost cost) {
    return cost.passes >= Argon2Kdf::cost_min.passes && cost.passes <= Argon2Kdf::cost_max.passes &&
           cost.memory_kib >= Argon2Kdf::cost_min.memory_kib &&
           cost.memory_kib <= Argon2Kdf::cost_max.memory_kib;
}

}  // namespace

std::expected<void, base::Error> Argon2Kdf::derive(base::MutableBytes key, base::Bytes passphrase,
                                                   base::Bytes salt, base::KdfCost cost) {
    MESH_ASSERT(salt.size() == salt_bytes);
    MESH_ASSERT(key.size() >= key_bytes_min);
    std::ranges::fill(key, std::byte{0});
    if (!in_range(cost)) {
        return base::failure(base::Errc::invalid_argument, "a cost of " + describe(cost), "argon2",
                             "ask for 1 to 64 passes over 8 KiB to 4 GiB");
    }
    // With every argument in range, memory is all that can be missing.
    if (crypto_pwhash(reinterpret_cast<unsigned char*>(key.data()), key.size(),
                      reinterpret_cast<const char*>(passphrase.data()), passphrase.size(),
                      reinterpret_cast<const unsigned char*>(salt.data()), cost.passes,
                      std::size_t{cost.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        std::ranges::fill(key, std::byte{0});
        return base::failure(base::Errc::unavailable, "no memory for " + describe(cost), "argon2",
                             "free memory, or use a machine with more of it");
    }
    return {};
}

}  // namespace meshchain::host
