#pragma once
// Counters of everything that came, went and was refused, by message type and by reason.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/message_type.h"

namespace meshchain::mesh {

/// Why a received frame went no further.
enum class Drop : std::uint8_t {
    malformed,       ///< no frame, or no message of its type
    unknown_type,    ///< not in the rule table: neither relayed nor punished
    size,            ///< outside the rule's payload range
    no_session,      ///< from an address without an accepted HELLO
    elsewhere,       ///< heard on the air, and meant for somebody else
    rate,            ///< over the session's frames a minute of its type
    work,            ///< over what is spent on a session's frames that may be worth nothing
    handshake_rate,  ///< over what is spent on strangers
    refused,         ///< from a peer or address punished a moment ago
    wrong_chain,
    wrong_version,
    bad_cookie,  ///< a COOKIE we did not ask for, or one that cannot be read
    bad_signature,
    bad_origin,  ///< a control frame whose sender is not the session's peer
    replayed,    ///< a control sequence that was used or is too old
    duplicate,   ///< an object that was seen
    own,         ///< our own frame come back
    occupied,    ///< a HELLO whose key has a live session elsewhere
    crowded,     ///< a HELLO for which no slot is free
    ignored,     ///< the node's verdict
    punished,    ///< the node's verdict
};
inline constexpr std::size_t drop_count = std::size_t(Drop::punished) + 1;
std::string_view name(Drop reason);

struct TypeCounters {
    std::uint64_t received = 0;  ///< well-formed frames, before any check
    std::uint64_t accepted = 0;  ///< taken by mesh or kept or relayed by the node's verdict
    std::uint64_t sent = 0;      ///< datagrams, relayed ones included
    std::uint64_t relayed = 0;   ///< datagrams sent on for others
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
};

/// Routed messages (row F9).
struct RouteCounters {
    std::uint64_t sent = 0;       ///< our own, each attempt and receipt
    std::uint64_t lost = 0;       ///< our own that no receipt answered
    std::uint64_t delivered = 0;  ///< for us, each once
    std::uint64_t passed_on = 0;  ///< of others
    std::uint64_t flooded = 0;    ///< of those sent and passed on: to every neighbour
};

struct Stats {
    std::array<TypeCounters, 256> types{};
    std::array<std::uint64_t, drop_count> drops{};
    RouteCounters routes;
    std::uint64_t send_failures = 0;  ///< the link was full or down
    std::uint64_t events_lost = 0;    ///< the node did not poll them in time

    TypeCounters& of(wire::MessageType type) { return types[std::size_t(type)]; }
    const TypeCounters& of(wire::MessageType type) const { return types[std::size_t(type)]; }
    std::uint64_t& of(Drop reason) { return drops[std::size_t(reason)]; }
    std::uint64_t of(Drop reason) const { return drops[std::size_t(reason)]; }
};

}  // namespace meshchain::mesh
