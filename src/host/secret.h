#pragma once
// Bytes that nobody else reads and that are wiped when their owner goes: passphrases, phrases,
// opened key files. They lie in locked memory (host/locked_memory.h).

#include "base/secret_buffer.h"
#include "crypto/signature.h"
#include "host/locked_memory.h"

namespace meshchain::host {

class Secret {
public:
    Secret() = default;
    /// Copies `bytes`, and wipes what it was given.
    explicit Secret(base::Buffer bytes) : bytes_(secret_memory(), base::Bytes(bytes)) {
        crypto::wipe(bytes);
    }
    static Secret copy_of(base::Bytes bytes) {
        Secret secret;
        secret.bytes_ = base::SecretBuffer(secret_memory(), bytes);
        return secret;
    }

    base::Bytes bytes() const { return bytes_.bytes(); }

private:
    base::SecretBuffer bytes_;
};

}  // namespace meshchain::host
