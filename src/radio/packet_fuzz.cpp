// Whatever is accepted, encoding gives back, byte for byte.

#include <span>

#include "base/assert.h"
#include "radio/packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    const auto packet = radio::parse_packet(bytes);
    if (!packet) {
        MESH_ASSERT(static_cast<std::size_t>(packet.error()) < radio::packet_faults);
        MESH_ASSERT(radio::name(packet.error()) != "unknown");
        return 0;
    }
    MESH_ASSERT(base::equal(radio::encode(*packet), bytes));
    return 0;
}
