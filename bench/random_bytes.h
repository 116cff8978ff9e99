#pragma once
// Values that no engine can compress or guess.

#include "base/cursor.h"
#include "base/random.h"

namespace meshchain::bench {

inline base::Buffer random_bytes(base::Random& random, std::size_t size) {
    base::Buffer bytes;
    base::Writer out(bytes);
    while (bytes.size() < size) out.u64(random.next());
    bytes.resize(size);
    return bytes;
}

}  // namespace meshchain::bench
