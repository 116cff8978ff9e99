#include "mesh/ip_frames.h"

#include <algorithm>

namespace meshchain::mesh {

std::size_t IpFrames::payload_bytes_max() const {
    const std::size_t datagram = link_.datagram_bytes_max();
    if (datagram <= wire::FrameHeader::size) return 0;
    return std::min(datagram - wire::FrameHeader::size, wire::ip_payload_bytes_max);
}

std::expected<void, base::Error> IpFrames::send(const std::optional<base::LinkAddress>& to,
                                                const wire::FrameHeader& header,
                                                base::Bytes payload) {
    return link_.send(to, wire::encode_frame_into(outgoing_, header, payload));
}

std::optional<wire::ReceivedFrame> IpFrames::receive() {
    while (const auto datagram = link_.receive(buffer_)) {
        const auto frame = wire::parse_frame(base::Bytes(buffer_).first(datagram->bytes));
        if (frame) return wire::ReceivedFrame{datagram->from, datagram->multicast, *frame};
        ++malformed_;
    }
    return std::nullopt;
}

}  // namespace meshchain::mesh
