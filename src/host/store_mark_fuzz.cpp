// The note of how far a store has come: whatever is accepted is exactly what would be written.

#include <algorithm>

#include "base/assert.h"
#include "host/store_mark.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    if (const auto found = host::parse_store_mark(bytes)) {
        const auto again = host::encode(found->mark, found->turn);
        MESH_ASSERT(std::ranges::equal(again, bytes.first(again.size())));
    }
    static_cast<void>(host::parse_store_marker(bytes));
    return 0;
}
