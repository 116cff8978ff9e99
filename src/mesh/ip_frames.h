#pragma once
// Frames over a datagram link: one frame a datagram, exactly as row E2 lays it out.
//
// Ownership: borrows the link; a received payload borrows from here until the next receive().
// Limits:    one datagram of FrameHeader::size + ip_payload_bytes_max bytes.
// Format:    docs/formats/frame.md

#include <array>

#include "base/link.h"
#include "wire/frame_link.h"

namespace meshchain::mesh {

class IpFrames final : public wire::FrameLink {
public:
    explicit IpFrames(base::Link& link) : link_(link) {}

    std::size_t payload_bytes_max() const override;
    std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                          const wire::FrameHeader& header,
                                          base::Bytes payload) override;
    std::optional<wire::ReceivedFrame> receive() override;
    std::uint64_t malformed_count() const override { return malformed_; }

private:
    base::Link& link_;
    std::uint64_t malformed_ = 0;
    /// One byte more than a frame, so that an oversized datagram is seen to be one.
    std::array<std::byte, wire::FrameHeader::size + wire::ip_payload_bytes_max + 1> buffer_;
    std::array<std::byte, wire::FrameHeader::size + wire::ip_payload_bytes_max> outgoing_;
};

}  // namespace meshchain::mesh
