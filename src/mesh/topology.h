#pragma once
// The graph of the mesh as far as it is known (row F3): nodes from verified announcements, edges
// where both ends state each other, or where one end is us. So a liar can invent nodes behind
// itself, but no edge of an honest node.
//
// Limits: the nodes of the announcement table and our own neighbours; rebuilt as a whole.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "mesh/announcement_table.h"

namespace meshchain::mesh {

/// A neighbour of ours that leads somewhere, and how many hops it takes through it.
struct NextHop {
    crypto::PublicKey peer;
    std::uint8_t hops;
};

class Topology {
public:
    static constexpr std::uint8_t near_hops = 2;

    explicit Topology(const crypto::PublicKey& self) { rebuild(self, {}, {}); }

    /// `neighbours`: whom we have sessions with, ascending.
    void rebuild(const crypto::PublicKey& self, std::span<const crypto::PublicKey> neighbours,
                 const std::map<crypto::PublicKey, KnownNode>& announced);
    /// Rises with every rebuild().
    std::uint32_t version() const { return version_; }

    /// Hops from us by breadth first search; 0 for ourselves, nothing for who is not connected.
    std::optional<std::uint8_t> hops(const crypto::PublicKey& key) const;
    /// Who is 1 to `hops_max` hops away, the nearest first.
    std::vector<crypto::PublicKey> within(std::uint8_t hops_max = near_hops) const;
    /// Our neighbours that reach `destination` without coming back through us, the nearest first.
    std::vector<NextHop> next_hops(const crypto::PublicKey& destination) const;

    using Takes = std::function<bool(const crypto::PublicKey&)>;
    /// The neighbours that wire::Neighbourhood::onward() means, among those who take it; empty: all
    /// do.
    std::vector<crypto::PublicKey> onward(const crypto::PublicKey& origin,
                                          const std::optional<crypto::PublicKey>& from,
                                          const Takes& takes = {}) const;

    struct Edge {
        crypto::PublicKey a;
        crypto::PublicKey b;  ///< a < b
        friend bool operator==(const Edge&, const Edge&) = default;
    };
    /// Ascending; we are among them.
    const std::vector<crypto::PublicKey>& nodes() const { return nodes_; }
    std::vector<Edge> edges() const;

private:
    using Index = std::uint16_t;
    static constexpr std::uint8_t unreachable = 255;

    std::optional<Index> find(const crypto::PublicKey& key) const;
    void connect(Index a, Index b);
    /// Over those that are not `closed`.
    std::vector<std::uint8_t> distances(Index from, const std::vector<bool>& closed) const;

    std::uint32_t version_ = 0;
    Index self_ = 0;
    std::vector<crypto::PublicKey> nodes_;
    std::vector<std::vector<Index>> adjacent_;
    std::vector<std::uint8_t> hops_;
};

}  // namespace meshchain::mesh
