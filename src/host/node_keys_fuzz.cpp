// The file of a node's secrets: whatever is accepted is exactly what would be written.

#include "base/assert.h"
#include "host/node_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    const auto keys = host::parse_node_keys(bytes);
    if (keys) MESH_ASSERT(base::equal(host::encode(*keys).bytes(), bytes));
    return 0;
}
