#pragma once
// The route cache (row F9): which of our neighbours leads to a key, learned from verified routed
// messages that came from there, and from the topology.
//
// How far a learned route is, is the claim of the relays on it. A liar can make a route through
// itself look short, and swallow what is sent there. So a route that brought no receipt is put
// behind all others for a time that doubles with every failure; a receipt, which only the
// destination can sign, clears it.
//
// Limits: `capacity` destinations, the least recently used leaving first; `vias_max` ways to each.

#include <array>
#include <chrono>
#include <optional>
#include <span>

#include "base/lru_cache.h"
#include "mesh/topology.h"

namespace meshchain::mesh {

class RouteTable {
public:
    static constexpr std::size_t vias_max = 4;
    static constexpr base::Duration lifetime = std::chrono::minutes(5);  ///< of what was learned
    static constexpr base::Duration penalty_min = std::chrono::minutes(1);
    static constexpr base::Duration penalty_max = std::chrono::minutes(16);

    explicit RouteTable(std::size_t capacity) : routes_(capacity) {}

    /// A verified message from `destination` came in through `via` after `hops`.
    void learn(base::Instant now, const crypto::PublicKey& destination,
               const crypto::PublicKey& via, std::uint8_t hops);
    /// A receipt of `destination` answered what we had sent through `via`.
    void confirm(base::Instant now, const crypto::PublicKey& destination,
                 const crypto::PublicKey& via);
    /// What we sent through `via` brought no receipt.
    void penalise(base::Instant now, const crypto::PublicKey& destination,
                  const crypto::PublicKey& via);
    /// Takes the ways that the topology knows, unless they are of this version already.
    void refresh(base::Instant now, const crypto::PublicKey& destination, const Topology& topology);

    /// The best way among those that `is_usable(peer)`: unpunished first, then short, then lately
    /// used. Nothing when none is known.
    template <class Usable>
    std::optional<NextHop> best(base::Instant now, const crypto::PublicKey& destination,
                                Usable&& is_usable) {
        Route* route = routes_.get(destination);
        if (route == nullptr) return std::nullopt;
        const Via* chosen = nullptr;
        for (const Via& via : route->used()) {
            if (!via.is_known(now) || !is_usable(via.peer)) continue;
            if (chosen == nullptr || via.is_better(now, *chosen)) chosen = &via;
        }
        if (chosen == nullptr) return std::nullopt;
        return NextHop{chosen->peer, chosen->hops(now)};
    }

    /// The usable way that a message of `destination` came by last: whatever else is known, it
    /// works at this moment.
    template <class Usable>
    std::optional<NextHop> latest(base::Instant now, const crypto::PublicKey& destination,
                                  Usable&& is_usable) {
        Route* route = routes_.get(destination);
        if (route == nullptr) return std::nullopt;
        const Via* chosen = nullptr;
        for (const Via& via : route->used()) {
            if (now >= via.learned_until || !is_usable(via.peer)) continue;
            if (chosen == nullptr || via.learned_until > chosen->learned_until) chosen = &via;
        }
        if (chosen == nullptr) return std::nullopt;
        return NextHop{chosen->peer, chosen->learned_hops};
    }

    std::size_t size() const { return routes_.size(); }
    std::size_t capacity() const { return routes_.capacity(); }

private:
    static constexpr std::uint8_t unknown = 255;

    struct Via {
        crypto::PublicKey peer;
        std::uint8_t learned_hops = unknown;
        std::uint8_t topology_hops = unknown;
        base::Instant learned_until{};
        base::Instant penalised_until{};
        base::Duration penalty{};  ///< the last one, to be doubled

        std::uint8_t hops(base::Instant now) const;
        bool is_known(base::Instant now) const { return hops(now) != unknown; }
        bool is_penalised(base::Instant now) const { return now < penalised_until; }
        bool is_better(base::Instant now, const Via& other) const;
    };
    struct Route {
        std::array<Via, vias_max> vias;
        std::uint8_t count = 0;
        std::uint32_t topology_version = 0;

        std::span<Via> used() { return std::span(vias).first(count); }
    };

    Route& route_to(const crypto::PublicKey& destination);
    static Via* find(Route& route, const crypto::PublicKey& peer);
    /// A free place, or that of a way that means nothing any more.
    static Via* free_place(base::Instant now, Route& route);
    /// The way through `peer`, made if need be in place of another.
    static Via& obtain(base::Instant now, Route& route, const crypto::PublicKey& peer);

    base::LruCache<crypto::PublicKey, Route> routes_;
};

}  // namespace meshchain::mesh
