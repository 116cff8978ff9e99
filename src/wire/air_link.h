#pragma once
// A medium that everybody in reach shares and hears: what mesh works on beside the links whose
// peers have addresses (wire/frame_link.h). `radio::RadioFrames` makes one of a radio.
//
// There is no session on it, and whose a frame is nobody can tell before what it carries was
// verified (PROTOCOL.md P1.6). What is sent is for all, leaves when the air allows, and may never.
//
// Time: handed in, never falling.
// Why it is no FrameLink: docs/decisions/0152-the-air-beside-sessions.md

#include <expected>
#include <optional>

#include "base/time.h"
#include "wire/frame.h"
#include "wire/service.h"

namespace meshchain::wire {

struct HeardFrame {
    std::uint32_t radio = 0;  ///< the number that its sender claims
    /// Of an object the sender is zero, and timestamp and sequence are: none was on the air.
    Frame frame;  ///< borrows from the link until its next receive()
};

class AirLink {
public:
    virtual ~AirLink() = default;
    /// Takes a copy. `rule` is the frame's; its class says whether the origin goes along.
    /// Errors: too_large, full (what waits is as urgent), unavailable (the rule keeps it off radio,
    /// or the link only listens).
    virtual std::expected<void, base::Error> send(base::Instant now, const MessageRule& rule,
                                                  const FrameHeader& header,
                                                  base::Bytes payload) = 0;
    /// The next whole message; what is none of ours is counted and skipped.
    virtual std::optional<HeardFrame> receive(base::Instant now) = 0;
    /// `never` while nothing waits.
    virtual base::Instant poll_timeout() const = 0;
    /// Call at or after poll_timeout(), and when the radio has become ready to send.
    virtual void handle_timeout(base::Instant now) = 0;
};

}  // namespace meshchain::wire
