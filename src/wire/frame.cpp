#include "wire/frame.h"

#include "base/assert.h"
#include "base/cursor.h"

namespace meshchain::wire {

std::expected<Frame, base::Error> parse_frame(base::Bytes datagram) {
    base::Reader in(datagram);
    Frame frame;
    FrameHeader& header = frame.header;
    header.type = static_cast<MessageType>(in.u8());
    header.sender.bytes = in.array<crypto::NodeId::size>();
    header.timestamp = in.u32();
    header.sequence = in.u32();
    header.hop_limit = in.u8();
    if (header.hop_limit > hop_limit_max) in.fail();
    header.payload_bytes = in.u16();
    if (in.ok() && header.payload_bytes > ip_payload_bytes_max) {
        return base::failure(base::Errc::too_large,
                             "a payload of " + std::to_string(header.payload_bytes) + " bytes",
                             "frame");
    }
    frame.payload = in.take(header.payload_bytes);
    MESH_CHECK(in.finish("frame"));
    return frame;
}

base::Buffer encode_frame(FrameHeader header, base::Bytes payload) {
    base::Buffer out(FrameHeader::size + payload.size());
    encode_frame_into(out, header, payload);
    return out;
}

base::Bytes encode_frame_into(base::MutableBytes out, FrameHeader header, base::Bytes payload) {
    MESH_ASSERT(payload.size() <= ip_payload_bytes_max);
    MESH_ASSERT(header.hop_limit <= hop_limit_max);
    base::FixedWriter writer(out);
    writer.u8(static_cast<std::uint8_t>(header.type))
        .bytes(header.sender.bytes)
        .u32(header.timestamp)
        .u32(header.sequence)
        .u8(header.hop_limit)
        .u16(static_cast<std::uint16_t>(payload.size()))
        .bytes(payload);
    return writer.written();
}

}  // namespace meshchain::wire
