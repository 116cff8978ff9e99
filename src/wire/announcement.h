#pragma once
// PEER_INFO (row F3): what a node says about itself to all, signed, flooded and kept by everybody
// for as long as it asks. An object (PROTOCOL.md P1.2): it crosses relays unchanged.
//
// The signature covers `mc/peer/1` ‖ chain ‖ type 6 ‖ every field below. Claims of its origin: an
// edge counts only when both ends state it (mesh/topology.h).
// Format: docs/formats/announcement.md

#include <chrono>
#include <string>
#include <vector>

#include "base/time.h"
#include "wire/control.h"
#include "wire/routed.h"

namespace meshchain::wire {

struct Announcement {
    static constexpr std::size_t name_bytes_max = 32;
    static constexpr std::size_t neighbours_max = 20;
    static constexpr std::size_t segments_max = 8;
    static constexpr std::chrono::seconds validity_max = std::chrono::hours(2);

    crypto::PublicKey identity;
    std::uint64_t sequence = 0;       ///< the newest wins; rises over restarts
    std::uint32_t issued = 0;         ///< seconds since 1970 by the origin's clock
    std::chrono::seconds validity{};  ///< from `issued`; 1 s to validity_max
    Role role = Role::relay;
    std::string name;                        ///< displayable UTF-8 (base/utf8.h); may be empty
    std::vector<crypto::NodeId> neighbours;  ///< with a session; ascending, each once
    std::vector<SegmentId> segments;         ///< it belongs to; ascending, each once
    crypto::Signature signature;
    friend bool operator==(const Announcement&, const Announcement&) = default;
};

inline constexpr std::size_t announcement_bytes_min =
    1 + crypto::PublicKey::size + 8 + 4 + 2 + 1 + 1 + 1 + 1 + crypto::Signature::size;
inline constexpr std::size_t announcement_bytes_max =
    announcement_bytes_min + Announcement::name_bytes_max +
    Announcement::neighbours_max * crypto::NodeId::size +
    Announcement::segments_max * SegmentId::size;

base::Buffer announcement_preimage(const ChainId& chain, const Announcement& announcement);
/// Asserts the limits and orders above.
base::Buffer encode(const Announcement& announcement);
/// Errors: malformed (also: a name that is not displayable, a list out of order), wrong_version.
std::expected<Announcement, base::Error> parse_announcement(base::Bytes payload);

}  // namespace meshchain::wire
