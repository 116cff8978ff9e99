// Bytes of strangers on their way to a person: the first byte is the message type, or 255 for a
// whole frame. Whatever parses must come out as JSON.

#include "host/json_document.h"
#include "host/wire_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    if (size == 0) return 0;
    const base::Bytes bytes = std::as_bytes(std::span(data, size)).subspan(1);
    const auto json = data[0] == 255
                          ? host::decode_frame(bytes)
                          : host::decode_payload(static_cast<wire::MessageType>(data[0]), bytes);
    if (json) static_cast<void>(host::to_page(*json));
    return 0;
}
