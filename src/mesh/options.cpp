#include "mesh/options.h"

#include <bit>
#include <set>
#include <string>

#include "base/utf8.h"

namespace meshchain::mesh {
namespace {

constexpr std::size_t nodes_most = 10'000;

std::unexpected<base::Error> refuse(std::string what, std::string field) {
    return base::failure(base::Errc::invalid_argument, std::move(what), std::move(field),
                         "see mesh/options.h for what it may be");
}

std::expected<void, base::Error> check_rate(base::Rate rate, const char* field) {
    if (rate.per_minute == 0 || rate.burst < 2) return refuse("lets nothing pass", field);
    return {};
}

std::expected<void, base::Error> check_positive(base::Duration value, const char* field) {
    if (value < std::chrono::milliseconds(1)) return refuse("is below one millisecond", field);
    return {};
}

std::expected<void, base::Error> check_surroundings(const Options& options) {
    if (!base::is_displayable(options.name)) return refuse("has control characters", "name");
    if (options.segments.size() > wire::Announcement::segments_max) {
        return refuse("are more than " + std::to_string(wire::Announcement::segments_max),
                      "segments");
    }
    const std::set<std::string> once(options.segments.begin(), options.segments.end());
    if (once.size() != options.segments.size()) return refuse("name one twice", "segments");
    if (options.nodes_max == 0 || options.nodes_max > nodes_most) {
        return refuse("is not 1 to " + std::to_string(nodes_most), "nodes_max");
    }
    if (options.routes_max == 0) return refuse("remembers no way", "routes_max");
    MESH_CHECK(check_positive(options.announce_interval, "announce_interval"));
    MESH_CHECK(check_positive(options.route_timeout, "route_timeout"));
    if (options.announce_validity < options.announce_interval + std::chrono::seconds(1) ||
        options.announce_validity > wire::Announcement::validity_max) {
        return refuse("is not between announce_interval and two hours", "announce_validity");
    }
    return {};
}

}  // namespace

std::expected<void, base::Error> check(const Options& options) {
    if (options.peers_max == 0) return refuse("allows no peer", "peers_max");
    if (options.peers_reserved >= options.peers_max) {
        return refuse("leaves no slot for ordinary peers", "peers_reserved");
    }
    if (options.seen_objects_max == 0) return refuse("remembers nothing", "seen_objects_max");
    if (options.frames_per_step_max == 0) return refuse("reads nothing", "frames_per_step_max");
    if (options.hop_limit > wire::hop_limit_max) {
        return refuse("exceeds " + std::to_string(wire::hop_limit_max), "hop_limit");
    }
    MESH_CHECK(check_rate(options.session_work, "session_work"));
    MESH_CHECK(check_rate(options.all_sessions_work, "all_sessions_work"));
    if (!std::has_single_bit(options.flow_cells) || options.flow_cells > 65'536) {
        return refuse("is no power of two up to 65,536", "flow_cells");
    }
    MESH_CHECK(check_surroundings(options));
    MESH_CHECK(check_positive(options.discovery_interval, "discovery_interval"));
    MESH_CHECK(check_positive(options.air_status_interval, "air_status_interval"));
    MESH_CHECK(check_positive(options.air_pause, "air_pause"));
    MESH_CHECK(check_positive(options.heartbeat_interval, "heartbeat_interval"));
    MESH_CHECK(check_positive(options.static_heartbeat_interval, "static_heartbeat_interval"));
    MESH_CHECK(check_positive(options.dial_interval_min, "dial_interval_min"));
    if (options.dial_interval_max < options.dial_interval_min) {
        return refuse("is below dial_interval_min", "dial_interval_max");
    }
    if (options.peer_timeout <= options.static_heartbeat_interval ||
        options.peer_timeout <= options.heartbeat_interval) {
        return refuse("is not longer than a heartbeat interval", "peer_timeout");
    }
    if (options.peer_forget_after < options.peer_timeout) {
        return refuse("is shorter than peer_timeout", "peer_forget_after");
    }
    return {};
}

}  // namespace meshchain::mesh
