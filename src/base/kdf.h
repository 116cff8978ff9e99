#pragma once
// Door to the outside: Argon2id (RFC 9106), which needs far more memory than the core may take.

#include <cstdint>
#include <expected>

#include "base/bytes.h"

namespace meshchain::base {

/// Cost of one derivation, stored beside the salt so that an old file opens with its own cost.
struct KdfCost {
    std::uint32_t passes;
    std::uint32_t memory_kib;
    friend bool operator==(const KdfCost&, const KdfCost&) = default;
};

class Kdf {
public:
    static constexpr std::size_t salt_bytes = 16;
    virtual ~Kdf() = default;
    /// Stretches `passphrase` into all of `key`. `salt` has salt_bytes.
    /// Errors: invalid_argument (cost out of range), unavailable (memory cannot be had).
    virtual std::expected<void, Error> derive(MutableBytes key, Bytes passphrase, Bytes salt,
                                              KdfCost cost) = 0;
};

}  // namespace meshchain::base
