#include "sim/doors.h"

#include "crypto/hash.h"

namespace meshchain::sim {

std::expected<void, base::Error> QuickKdf::derive(base::MutableBytes key, base::Bytes passphrase,
                                                  base::Bytes salt, base::KdfCost) {
    const crypto::Hash hash = crypto::hash(passphrase, salt);
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = hash.bytes[i % hash.bytes.size()];
    return {};
}

}  // namespace meshchain::sim
