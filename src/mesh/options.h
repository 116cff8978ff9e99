#pragma once
// What can be configured about the mesh, with the defaults of rows F7 and F8.

#include <chrono>
#include <expected>
#include <string>
#include <vector>

#include "base/link.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "crypto/signature.h"
#include "wire/announcement.h"
#include "wire/numbers.h"

namespace meshchain::mesh {

struct ValidatorIdentity {
    crypto::PublicKey key;
    wire::Amount stake{};
    friend auto operator<=>(const ValidatorIdentity&, const ValidatorIdentity&) = default;
};

struct Options {
    /// Peers dialled on the first link for ever, besides those heard by multicast.
    std::vector<base::LinkAddress> static_peers;
    /// Those of the start: like static peers they may take the reserved slots. Others may follow
    /// (Mesh::set_validators).
    std::vector<ValidatorIdentity> validators;
    std::string name;                   ///< shown to others; displayable, cut to 32 bytes
    std::vector<std::string> segments;  ///< groups this node belongs to
    bool multicast = true;              ///< announce ourselves to the group and believe its hints

    std::size_t peers_max = 20;
    std::size_t peers_reserved = 5;  ///< of peers_max, for static peers and validators only
    std::size_t seen_objects_max = 10'000;
    std::size_t frames_per_step_max = 256;  ///< of each link, in one handle_readable()
    std::uint8_t hop_limit = wire::hop_limit_default;
    std::size_t nodes_max = 512;      ///< whose announcements are kept
    std::size_t routes_max = 10'000;  ///< destinations with a known way

    /// Checks of frames that turn out to be worth nothing, a session's and all sessions' together:
    /// what verifies is paid back, and limited by its type's rule alone.
    base::Rate session_work{.per_minute = 12'000, .burst = 512};
    base::Rate all_sessions_work{.per_minute = 60'000, .burst = 2'048};
    std::size_t flow_cells = 2'048;  ///< of each fair budget, a power of two: mesh/usage_sketch.h

    base::Duration discovery_interval = std::chrono::seconds(5);
    base::Duration heartbeat_interval = std::chrono::seconds(5);
    base::Duration static_heartbeat_interval = std::chrono::seconds(15);
    base::Duration dial_interval_min = std::chrono::seconds(1);  ///< doubles at each failure
    base::Duration dial_interval_max = std::chrono::seconds(15);
    base::Duration peer_timeout = std::chrono::seconds(30);  ///< then its session ends
    base::Duration peer_forget_after = std::chrono::minutes(5);
    base::Duration announce_interval = std::chrono::minutes(10);  ///< while nothing changes
    base::Duration announce_validity = std::chrono::minutes(25);
    base::Duration route_timeout = std::chrono::seconds(1);         ///< for a receipt; then doubled
    base::Duration air_status_interval = std::chrono::minutes(30);  ///< 3/4 of it at least
    base::Duration air_pause = std::chrono::seconds(20);  ///< at most, before one is spoken
    base::Duration refusal = std::chrono::minutes(1);     ///< of a peer whose score fell to FAILED
};

/// Errors: invalid_argument, naming the field.
std::expected<void, base::Error> check(const Options& options);

}  // namespace meshchain::mesh
