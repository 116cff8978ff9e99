#include "base/assert.h"
#include "base/cursor.h"
#include "radio/channel_key.h"
#include "radio/stream_message.h"

namespace {

using namespace meshchain;

/// What was accepted can be written, and is read as the same value again.
template <class Parse>
void parse_then_encode(base::Bytes bytes, Parse&& parse) {
    const auto value = parse(bytes);
    if (!value) return;
    const auto encoded = radio::encode(*value);
    if (!encoded) return;
    const auto again = parse(base::Bytes(*encoded));
    // Not compared as values: a signal of NaN dB is not equal to itself.
    MESH_ASSERT(again.has_value());
    const auto twice = radio::encode(*again);
    MESH_ASSERT(twice.has_value() && *twice == *encoded);
}

void read_stream(base::Bytes bytes) {
    radio::StreamReader reader;
    while (!bytes.empty()) {
        bytes = bytes.subspan(reader.handle_bytes(bytes));
        const auto message = reader.poll_message();
        MESH_ASSERT(!message || message->size() <= radio::stream_message_max);
        if (message) parse_then_encode(*message, radio::parse_from_radio);
    }
}

}  // namespace

// First byte: which parser.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    base::Reader in(std::as_bytes(std::span(data, size)));
    switch (in.u8()) {
        case 0: parse_then_encode(in.rest(), radio::parse_content); break;
        case 1: parse_then_encode(in.rest(), radio::parse_mesh_packet); break;
        case 2: parse_then_encode(in.rest(), radio::parse_service_envelope); break;
        case 3: parse_then_encode(in.rest(), radio::parse_user); break;
        case 4: parse_then_encode(in.rest(), radio::parse_to_radio); break;
        case 5: parse_then_encode(in.rest(), radio::parse_from_radio); break;
        case 6: read_stream(in.rest()); break;
        case 7: (void)radio::parse_routing(in.rest()); break;
        case 8: (void)radio::parse_telemetry(in.rest()); break;
        case 9: {
            const auto psk = radio::parse_psk(base::as_text(in.rest()));
            MESH_ASSERT(!psk || radio::channel_key_of(*psk).has_value());
            break;
        }
        default: break;
    }
    return 0;
}
