#pragma once
// Door to the outside: unreliable datagrams (UDP, MQTT, serial radio, a simulated medium).
//
// A link loses, repeats, reorders and corrupts. Faults for tests are wrappers around it.

#include <array>
#include <compare>
#include <expected>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace meshchain::base {

/// Where a datagram came from or goes to, opaque to all but the link: for UDP an IPv6 (or mapped
/// IPv4) address and a port.
struct LinkAddress {
    std::array<std::byte, 16> host{};
    std::uint16_t port = 0;
    friend auto operator<=>(const LinkAddress&, const LinkAddress&) = default;
};

/// "127.0.0.1:4000" or "[fe80:0:0:0:0:0:0:1]:4000".
std::string to_string(const LinkAddress& address);
/// Parses what to_string prints; IPv4 or bracketed IPv6 literals with a port, no host names.
/// Errors: malformed.
std::expected<LinkAddress, Error> parse_link_address(std::string_view text);

struct Datagram {
    LinkAddress from;
    bool multicast = false;  ///< arrived on the group, not addressed to this node
    std::size_t bytes = 0;   ///< written to the front of the caller's buffer
};

class Link {
public:
    virtual ~Link() = default;
    /// Largest datagram that `send` takes.
    virtual std::size_t datagram_bytes_max() const = 0;
    /// Sends one datagram; `to` empty means everybody in reach (the multicast group).
    /// Errors: io (the link is down), full (would block: dropped), too_large.
    virtual std::expected<void, Error> send(const std::optional<LinkAddress>& to,
                                            Bytes datagram) = 0;
    /// Takes the next datagram that has arrived into `buffer`; nothing when none waits.
    /// One longer than `buffer` is dropped and counted.
    virtual std::optional<Datagram> receive(MutableBytes buffer) = 0;
};

}  // namespace meshchain::base
