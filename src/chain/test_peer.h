#pragma once
// Names for peers that sign nothing. Only test files include it.

#include "crypto/signature.h"

namespace meshchain::chain::test {

/// Another one for each number below 256; in the order of the numbers.
inline crypto::PublicKey peer(int number) {
    crypto::PublicKey key;
    key.bytes[0] = static_cast<std::byte>(number);
    return key;
}

}  // namespace meshchain::chain::test
