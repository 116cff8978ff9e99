#include "mesh/route_table.h"

#include <algorithm>
#include <tuple>

namespace meshchain::mesh {

std::uint8_t RouteTable::Via::hops(base::Instant now) const {
    return std::min(topology_hops, now < learned_until ? learned_hops : unknown);
}

bool RouteTable::Via::is_better(base::Instant now, const Via& other) const {
    const auto rank = [now](const Via& via) {
        // Of the punished ones the longest undisturbed comes first.
        const base::Instant punished =
            now < via.penalised_until ? via.penalised_until : base::Instant{};
        return std::tuple(punished, via.hops(now), base::never - via.learned_until);
    };
    return rank(*this) < rank(other);
}

RouteTable::Route& RouteTable::route_to(const crypto::PublicKey& destination) {
    if (Route* known = routes_.get(destination)) return *known;
    routes_.put(destination, {});
    return *routes_.get(destination);
}

RouteTable::Via* RouteTable::find(Route& route, const crypto::PublicKey& peer) {
    const auto used = route.used();
    const auto found = std::ranges::find(used, peer, &Via::peer);
    return found == used.end() ? nullptr : &*found;
}

RouteTable::Via* RouteTable::free_place(base::Instant now, Route& route) {
    if (route.count < vias_max) return &route.vias[route.count++];
    const auto is_free = [now](const Via& via) {
        return !via.is_known(now) && !via.is_penalised(now);
    };
    const auto found = std::ranges::find_if(route.vias, is_free);
    return found == route.vias.end() ? nullptr : &*found;
}

RouteTable::Via& RouteTable::obtain(base::Instant now, Route& route,
                                    const crypto::PublicKey& peer) {
    if (Via* known = find(route, peer)) return *known;
    Via* place = free_place(now, route);
    if (place == nullptr) {
        // A penalty is remembered rather than a way: it would be back without it.
        place = &*std::ranges::max_element(route.vias, [now](const Via& a, const Via& b) {
            if (a.is_penalised(now) != b.is_penalised(now)) return a.is_penalised(now);
            return a.is_better(now, b);
        });
    }
    *place = Via{.peer = peer};
    return *place;
}

void RouteTable::learn(base::Instant now, const crypto::PublicKey& destination,
                       const crypto::PublicKey& via, std::uint8_t hops) {
    Via& way = obtain(now, route_to(destination), via);
    way.learned_hops = hops;
    way.learned_until = now + lifetime;
}

void RouteTable::confirm(base::Instant now, const crypto::PublicKey& destination,
                         const crypto::PublicKey& via) {
    Route* route = routes_.get(destination);
    Via* way = route == nullptr ? nullptr : find(*route, via);
    if (way == nullptr) return;
    way->penalty = {};
    way->penalised_until = {};
    if (way->learned_hops != unknown) way->learned_until = now + lifetime;
}

void RouteTable::penalise(base::Instant now, const crypto::PublicKey& destination,
                          const crypto::PublicKey& via) {
    Via& way = obtain(now, route_to(destination), via);
    way.penalty = std::clamp(way.penalty * 2, penalty_min, penalty_max);
    way.penalised_until = now + way.penalty;
}

void RouteTable::refresh(base::Instant now, const crypto::PublicKey& destination,
                         const Topology& topology) {
    Route* known = routes_.get(destination);
    if (known != nullptr && known->topology_version == topology.version()) return;
    const std::vector<NextHop> ways = topology.next_hops(destination);
    if (known == nullptr && ways.empty()) return;
    Route& route = route_to(destination);
    route.topology_version = topology.version();
    for (Via& via : route.used()) via.topology_hops = unknown;
    for (const NextHop& way : ways) {
        Via* via = find(route, way.peer);
        // What was learned is not pushed out by what is merely possible.
        if (via == nullptr) {
            via = free_place(now, route);
            if (via == nullptr) continue;
            *via = Via{.peer = way.peer};
        }
        via->topology_hops = way.hops;
    }
}

}  // namespace meshchain::mesh
