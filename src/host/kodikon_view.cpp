#include "base/assert.h"
#include "host/json_document.h"
#include "host/kodikon_bridge.h"

namespace meshchain::host {

std::string_view name(KodikonDrop drop) {
    switch (drop) {
        case KodikonDrop::too_often: return "too_often";
        case KodikonDrop::malformed: return "malformed";
        case KodikonDrop::unknown_type: return "unknown_type";
        case KodikonDrop::bad_source: return "bad_source";
        case KodikonDrop::own: return "own";
        case KodikonDrop::other_bridge: return "other_bridge";
        case KodikonDrop::not_carried: return "not_carried";
        case KodikonDrop::name_taken: return "name_taken";
        case KodikonDrop::many_of_a_host: return "many_of_a_host";
        case KodikonDrop::peers_full: return "peers_full";
        case KodikonDrop::not_a_peer: return "not_a_peer";
        case KodikonDrop::duplicate: return "duplicate";
        case KodikonDrop::empty_alert: return "empty_alert";
        case KodikonDrop::alert_limit: return "alert_limit";
        case KodikonDrop::alert_payload: return "alert_payload";
        case KodikonDrop::states_full: return "states_full";
        case KodikonDrop::state_too_large: return "state_too_large";
        case KodikonDrop::state_limit: return "state_limit";
        case KodikonDrop::entry_unreadable: return "entry_unreadable";
        case KodikonDrop::entry_of_ours: return "entry_of_ours";
        case KodikonDrop::entry_of_another: return "entry_of_another";
        case KodikonDrop::entry_limit: return "entry_limit";
        case KodikonDrop::entries_full: return "entries_full";
        case KodikonDrop::embedding: return "embedding";
        case KodikonDrop::metadata: return "metadata";
        case KodikonDrop::refused: return "refused";
        case KodikonDrop::outgoing_full: return "outgoing_full";
        case KodikonDrop::stale: return "stale";
        case KodikonDrop::segment: return "segment";
        case KodikonDrop::not_shown: return "not_shown";
    }
    MESH_ASSERT(false);
}

Json kodikon_peers_json(const KodikonView& view, base::Instant now) {
    Json peers = Json::array();
    for (const KodikonPeer& peer : view.peers) {
        const auto silent = std::chrono::duration_cast<base::Milliseconds>(now - peer.heard);
        peers.push_back({{"link", "kodikon"},
                         {"name", peer.id},
                         {"address", base::to_string(peer.address)},
                         {"last_heard_ms", silent.count()}});
    }
    return peers;
}

Json to_json(const KodikonView& view) {
    Json peers = Json::array();
    for (const KodikonPeer& peer : view.peers) {
        peers.push_back({{"id", peer.id},
                         {"address", base::to_string(peer.address)},
                         {"state", name(KodikonNodeState::active)}});
    }
    Json dropped = Json::object();
    for (std::size_t i = 0; i < kodikon_drops_count; ++i) {
        if (view.stats.dropped[i] == 0) continue;
        dropped[std::string(name(static_cast<KodikonDrop>(i)))] = view.stats.dropped[i];
    }
    const KodikonStats& stats = view.stats;
    return {{"node_id", view.node_id},
            {"peers", std::move(peers)},
            {"bridges", view.bridges},
            {"received", stats.received},
            {"sent", stats.sent},
            {"alerts_in", stats.alerts_in},
            {"entries_in", stats.entries_in},
            {"entries_unchanged", stats.entries_unchanged},
            {"states_in", stats.states_in},
            {"alerts_out", stats.alerts_out},
            {"entries_out", stats.entries_out},
            {"dropped", std::move(dropped)}};
}

}  // namespace meshchain::host
