#pragma once
// Bytes as libsodium wants to be given them. For the sources of this folder only.

#include "base/bytes.h"

namespace meshchain::crypto {

inline const unsigned char* raw(base::Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

inline unsigned char* raw_mutable(base::MutableBytes bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace meshchain::crypto
