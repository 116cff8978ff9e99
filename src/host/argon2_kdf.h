#pragma once
// The Kdf door by libsodium: Argon2id version 1.3 (RFC 9106) with one lane.
//
// Time:    grows with passes x memory; 3 passes of 64 MiB take about 0.2 s on a server core, a few
//          seconds on a small board.
// Threads: holds no state; any number may derive at once, each taking its own memory.

#include "base/kdf.h"

namespace meshchain::host {

class Argon2Kdf final : public base::Kdf {
public:
    /// What libsodium takes: memory below that is no Argon2id.
    static constexpr base::KdfCost cost_min{1, 8};
    /// Above it an honest file never asks; the bound keeps a damaged one from taking all memory.
    static constexpr base::KdfCost cost_max{64, 4 * 1024 * 1024};
    static constexpr std::size_t key_bytes_min = 16;

    /// Errors: as the door says; on any of them `key` is zeros.
    std::expected<void, base::Error> derive(base::MutableBytes key, base::Bytes passphrase,
                                            base::Bytes salt, base::KdfCost cost) override;
};

}  // namespace meshchain::host
