#include "wallet/secret_keys.h"

#include <algorithm>

#include "base/assert.h"
#include "base/resource_guard.h"

namespace meshchain::wallet {

crypto::SigningKey SecretKeys::at(std::size_t index) const {
    MESH_ASSERT(index < size());
    crypto::SigningKey::Seed seed;
    const base::ResourceGuard wipe_seed([&] { crypto::wipe(seed); });
    std::ranges::copy(seeds_.bytes().subspan(index * seed.size(), seed.size()), seed.begin());
    return crypto::SigningKey::from_seed(seed);
}

}  // namespace meshchain::wallet
