#include "host/system_entropy.h"

#include <sodium.h>

#include "base/assert.h"

namespace meshchain::host {

SystemEntropy::SystemEntropy() { MESH_ASSERT(sodium_init() >= 0); }

void SystemEntropy::fill(base::MutableBytes out) {
    if (!out.empty()) randombytes_buf(out.data(), out.size());
}

}  // namespace meshchain::host
