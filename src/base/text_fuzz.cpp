// The two texts that base parses: addresses and hexadecimal. What parses must come back the same.

#include <cstdint>

#include "base/assert.h"
#include "base/link.h"

using namespace meshchain::base;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto address = parse_link_address(text)) {
        MESH_ASSERT(parse_link_address(to_string(*address)) == *address);
    }
    if (const auto bytes = from_hex(text)) {
        MESH_ASSERT(bytes->size() == text.size() / 2);
        MESH_ASSERT(from_hex(to_hex(*bytes)) == *bytes);
    }
    return 0;
}
