#include "mesh/memory_limits.h"

#include "mesh/mesh.h"

namespace meshchain::mesh {
namespace {

/// What a std::map or std::list adds to each entry: three pointers, a colour, the allocator's own.
constexpr std::size_t node_overhead = 48;
/// An LRU cache has a list and a map.
constexpr std::size_t lru_overhead = 2 * node_overhead;
/// A key, in the map and in the list, and its ways.
constexpr std::size_t route = 2 * crypto::PublicKey::size + RouteTable::vias_max * 64 + 16;

}  // namespace

std::vector<base::LimitLine> memory_limits(const Options& options, std::size_t rules) {
    const std::size_t session = sizeof(Session) + rules * sizeof(base::TokenBucket) +
                                FairBudget::bytes(options.flow_cells) + node_overhead;
    const std::size_t grouped = FairBudget::bytes(options.flow_cells, FairBudget::Groups::some);
    return {
        {"sessions", options.peers_max, session},
        {"peers", PeerTable::entries_max(options), sizeof(PeerEntry) + node_overhead},
        {"objects seen", 1, Flood::bytes(options.seen_objects_max)},
        {"work of all sessions", 1, FairBudget::bytes(options.flow_cells)},
        {"budgets of strangers", 3, grouped},
        {"addresses of strangers", 2 * Handshake::strangers_max,
         sizeof(Endpoint) * 2 + sizeof(base::TokenBucket) + lru_overhead},
        {"dials", Handshake::dials_max, 200 + lru_overhead},
        {"known peers", KnownPeers::peers_max, sizeof(KnownPeer)},
        {"announcements", options.nodes_max,
         sizeof(KnownNode) + 2 * wire::announcement_bytes_max + node_overhead},
        {"announcements to hand over", options.peers_max * options.nodes_max,
         crypto::PublicKey::size},
        {"routes", options.routes_max, route + lru_overhead},
        {"origins of routed messages", 2 * Router::origins_max, 128 + lru_overhead},
        {"routed messages that passed", Router::trails_max, 128 + lru_overhead},
        {"routed messages under way", Router::pending_max,
         sizeof(Router::Pending) + wire::routed_payload_bytes_max + node_overhead},
        {"speakers on the air", AirSpeakers::others_max + wire::validators_max,
         3 * crypto::PublicKey::size + sizeof(AirSpeaker) + lru_overhead},
        {"events", Mesh::events_max, sizeof(std::optional<Event>)},
    };
}

}  // namespace meshchain::mesh
