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
#include "wire/addressee.h"
#include "wire/frame.h"
#include "wire/service.h"

namespace meshchain::wire {

struct HeardFrame {
    std::uint32_t radio = 0;      ///< the number that its sender claims
    std::optional<Addressee> to;  ///< as claimed; nothing: for everybody
    /// Radios that passed it on, as it claims; nothing: it does not say.
    std::optional<std::uint8_t> hops;
    /// Of an object the sender is zero, and timestamp and sequence are: none was on the air.
    Frame frame;  ///< borrows from the link until its next receive()
};

/// How something is said on the air.
struct Spoken {
    std::optional<Addressee> to = std::nullopt;  ///< nothing: it is for everybody
    /// So many others hold it as well and may say it: it waits for its turn by chance, and is not
    /// said if somebody else says it first. 0: it is ours to say.
    std::size_t crowd = 0;
    /// With a crowd: its turn begins after so many times in which others may say it.
    std::uint8_t others_first = 0;
    /// As urgent as a block, whatever the rule says; and who asked for it did not hear it before.
    bool hurried = false;
    /// Whenever it was said before; it leaves soon, or not at all.
    bool again = false;
    /// Of what is said again: the last time it did not get through.
    bool missed = false;
    /// It came by another link of this node, and has the share of the air that is left to such.
    bool bridged = false;
    /// In place of a turn by chance: after so long.
    std::optional<base::Duration> after = std::nullopt;
};

class AirLink {
public:
    virtual ~AirLink() = default;
    /// Takes a copy. `rule` is the frame's; its class says whether the origin goes along.
    /// Errors: too_large, full (what waits is as urgent), unavailable (the rule keeps it off radio,
    /// this link carries nothing of its kind from others, or it only listens).
    virtual std::expected<void, base::Error> send(base::Instant now, const MessageRule& rule,
                                                  const FrameHeader& header, base::Bytes payload,
                                                  const Spoken& how) = 0;
    /// When something of this rule and size would leave, as far as can be told now: for what says
    /// the time. `now`: at once.
    virtual base::Instant free_at(base::Instant now, const MessageRule& rule,
                                  std::size_t payload_bytes) const = 0;
    /// How long a full packet is on the air.
    virtual base::Duration packet_time() const = 0;
    /// How long to wait for the answer to a request, each side having a share of the air.
    virtual base::Duration patience() const = 0;
    /// The next whole message; what is none of ours is counted and skipped.
    virtual std::optional<HeardFrame> receive(base::Instant now) = 0;
    /// `never` while nothing waits.
    virtual base::Instant poll_timeout() const = 0;
    /// Call at or after poll_timeout(), and when the radio has become ready to send.
    virtual void handle_timeout(base::Instant now) = 0;
};

}  // namespace meshchain::wire
