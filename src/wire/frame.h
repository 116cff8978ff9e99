#pragma once
// The frame every IP link carries: 20 bytes of header, then the payload (row E2).
//
// Objects (transactions, blocks, votes) sign none of the header's fields. Control messages sign
// origin and sequence inside their payload: wire/control.h.
// Format: docs/formats/frame.md

#include <cstdint>

#include "crypto/identity.h"
#include "wire/message_type.h"

namespace meshchain::wire {

/// Largest payload on IP (PROTOCOL.md P1.8), so that a frame passes any path unfragmented.
inline constexpr std::size_t ip_payload_bytes_max = 1180;
inline constexpr std::uint8_t hop_limit_default = 3;
inline constexpr std::uint8_t hop_limit_max = 7;

struct FrameHeader {
    static constexpr std::size_t size = 20;

    MessageType type{};
    crypto::NodeId sender;        ///< the origin, kept by every relay
    std::uint32_t timestamp = 0;  ///< seconds since 1970, by the origin's clock
    std::uint32_t sequence = 0;   ///< the origin's, never rewritten
    std::uint8_t hop_limit = hop_limit_default;
    std::uint16_t payload_bytes = 0;

    /// timestamp ‖ sequence, which rises strictly for one origin's control messages (P1.3).
    std::uint64_t control_sequence() const { return std::uint64_t{timestamp} << 32 | sequence; }
    friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// A frame as received: `payload` borrows from the datagram.
struct Frame {
    FrameHeader header;
    base::Bytes payload;
};

/// Errors: malformed (truncated, length field and datagram differ, hop limit above 7), too_large.
std::expected<Frame, base::Error> parse_frame(base::Bytes datagram);
/// Writes header and payload; sets payload_bytes itself. Asserts payload <= ip_payload_bytes_max.
base::Buffer encode_frame(FrameHeader header, base::Bytes payload);
/// The same into `out`, of which the part written is returned. Asserts that it has room.
base::Bytes encode_frame_into(base::MutableBytes out, FrameHeader header, base::Bytes payload);

}  // namespace meshchain::wire
