#pragma once
// A link that carries frames: what mesh works on, whatever the medium. `mesh::IpFrames` makes one
// of a datagram link; the radio module will make another.

#include <expected>
#include <optional>

#include "base/link.h"
#include "base/time.h"
#include "wire/frame.h"

namespace meshchain::wire {

struct ReceivedFrame {
    base::LinkAddress from;
    bool multicast = false;  ///< heard on the group rather than addressed to us
    Frame frame;             ///< borrows from the link until its next receive()
};

class FrameLink {
public:
    virtual ~FrameLink() = default;
    virtual std::size_t payload_bytes_max() const = 0;
    /// `to` empty: everybody in reach. Errors: those of base::Link::send.
    virtual std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                                  const FrameHeader& header,
                                                  base::Bytes payload) = 0;
    /// The next well-formed frame; malformed datagrams are counted and skipped.
    virtual std::optional<ReceivedFrame> receive() = 0;
    /// Datagrams skipped so far because they were no frames.
    virtual std::uint64_t malformed_count() const = 0;
};

}  // namespace meshchain::wire
