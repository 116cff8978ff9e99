#pragma once
// What the routes of alerts, states, registry and searches have in common. For .cpp files of the
// API only.

#include "host/api_request.h"

namespace meshchain::host {

inline constexpr std::uint64_t lifetime_s_max = 400ULL * 24 * 3600;

/// Errors: unavailable (records are not enabled).
inline std::expected<records::RecordService*, base::Error> records_of(const ApiDoors& doors) {
    if (doors.records != nullptr) return doors.records;
    return base::failure(base::Errc::unavailable, "this node shares no records", "records.enabled",
                         "set it to true in config.json and start the node again");
}

/// Reads `segment`, the name of a segment this node is a member of.
/// Errors: invalid_argument (a name that is not in network.segments).
inline std::expected<records::Segment, base::Error> read_segment(JsonObject& object,
                                                                 const ApiDoors& doors,
                                                                 const records::RecordService& of) {
    std::string name;
    object.read("segment", name);
    if (name.empty()) return records::Segment{};
    const wire::SegmentId segment = wire::segment_id(doors.node.chain_id(), name);
    if (of.is_member(segment)) return records::Segment{segment};
    return base::failure(base::Errc::invalid_argument, "this node is no member of '" + name + "'",
                         "segment", "name one of network.segments, or add it there");
}

}  // namespace meshchain::host
