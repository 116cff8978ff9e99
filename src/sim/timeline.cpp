#include "sim/timeline.h"

namespace meshchain::sim {

TrafficKind kind_of(wire::MessageType type) {
    using enum wire::MessageType;
    switch (type) {
        case transaction: return TrafficKind::payments;
        case block:
        case short_block:
        case block_row: return TrafficKind::blocks;
        case block_ack:
        case short_vote:
        case vote_request:
        case evidence:
        case air_ask: return TrafficKind::votes;
        case sync_request:
        case sync_response:
        case sync_data:
        case state_request:
        case state_response: return TrafficKind::sync;
        case peer_hello:
        case peer_info:
        case status:
        case cookie:
        case routed:
        case probe:
        case receipt:
        case clock_ask:
        case clock_answer: return TrafficKind::mesh;
        case record:
        case reconcile:
        case record_receipt:
        case alert_direct:
        case alert_receipt:
        case search_query:
        case search_answer:
        case alert_on_air:
        case alert_digest: return TrafficKind::records;
    }
    return TrafficKind::other;
}

std::string_view name(TrafficKind kind) {
    constexpr std::array<std::string_view, traffic_kinds> names{
        "Payments", "Blocks", "Votes", "Sync", "Mesh", "Records", "Other"};
    return names[static_cast<std::size_t>(kind)];
}

void Timeline::add(const Moment& moment) {
    moments_.push_back(moment);
    if (moments_.size() < moments_max) return;
    for (std::size_t i = 0; 2 * i < moments_.size(); ++i) moments_[i] = moments_[2 * i];
    moments_.resize((moments_.size() + 1) / 2);
    stride_ *= 2;
}

}  // namespace meshchain::sim
