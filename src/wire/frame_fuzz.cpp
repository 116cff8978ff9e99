#include "wire/frame.h"

#include "base/assert.h"
#include "wire/control.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    const auto frame = wire::parse_frame(bytes);
    if (!frame) return 0;
    MESH_ASSERT(base::equal(wire::encode_frame(frame->header, frame->payload), bytes));
    const auto control = wire::split_control(frame->payload);
    if (control) MESH_ASSERT(control->body.size() + 64 == frame->payload.size());
    return 0;
}
