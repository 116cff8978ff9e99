#include "mesh/topology.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::mesh {
namespace {

/// The 8-byte ids that announcements name neighbours by. Two keys may share one.
class Ids {
public:
    void add(const crypto::NodeId& id, std::uint16_t index) { items_.emplace_back(id, index); }
    void sort() { std::ranges::sort(items_); }
    template <class Visitor>
    void for_each(const crypto::NodeId& id, Visitor visit) const {
        const auto found = std::ranges::equal_range(items_, id, {}, &Item::first);
        for (const Item& item : found) visit(item.second);
    }

private:
    using Item = std::pair<crypto::NodeId, std::uint16_t>;
    std::vector<Item> items_;
};

}  // namespace

void Topology::rebuild(const crypto::PublicKey& self, std::span<const crypto::PublicKey> neighbours,
                       const std::map<crypto::PublicKey, KnownNode>& announced) {
    ++version_;
    nodes_.assign(neighbours.begin(), neighbours.end());
    nodes_.push_back(self);
    for (const auto& [key, node] : announced) nodes_.push_back(key);
    std::ranges::sort(nodes_);
    nodes_.erase(std::unique(nodes_.begin(), nodes_.end()), nodes_.end());
    adjacent_.assign(nodes_.size(), {});
    self_ = *find(self);

    for (const crypto::PublicKey& neighbour : neighbours) connect(self_, *find(neighbour));
    Ids ids;
    for (const auto& [key, node] : announced) ids.add(node.id, *find(key));
    ids.sort();
    for (const auto& [key, node] : announced) {
        const Index index = *find(key);
        if (index == self_) continue;
        for (const crypto::NodeId& stated : node.announcement.neighbours) {
            ids.for_each(stated, [&](Index other) {
                // Each pair is met twice; the greater end asks whether the other agrees.
                if (other >= index || other == self_) return;
                const auto& theirs = announced.at(nodes_[other]).announcement.neighbours;
                if (std::ranges::binary_search(theirs, node.id)) connect(index, other);
            });
        }
    }
    hops_ = distances(self_, std::vector<bool>(nodes_.size()));
}

void Topology::connect(Index a, Index b) {
    MESH_ASSERT(a != b);
    adjacent_[a].push_back(b);
    adjacent_[b].push_back(a);
}

std::optional<Topology::Index> Topology::find(const crypto::PublicKey& key) const {
    const auto found = std::ranges::lower_bound(nodes_, key);
    if (found == nodes_.end() || *found != key) return std::nullopt;
    return static_cast<Index>(found - nodes_.begin());
}

std::vector<std::uint8_t> Topology::distances(Index from, const std::vector<bool>& closed) const {
    std::vector<std::uint8_t> found(nodes_.size(), unreachable);
    std::vector<Index> queue{from};
    found[from] = 0;
    for (std::size_t next = 0; next < queue.size(); ++next) {
        const Index index = queue[next];
        if (found[index] + 1 == unreachable) break;
        for (const Index other : adjacent_[index]) {
            if (found[other] != unreachable || closed[other]) continue;
            found[other] = static_cast<std::uint8_t>(found[index] + 1);
            queue.push_back(other);
        }
    }
    return found;
}

std::optional<std::uint8_t> Topology::hops(const crypto::PublicKey& key) const {
    const auto index = find(key);
    if (!index || hops_[*index] == unreachable) return std::nullopt;
    return hops_[*index];
}

std::vector<crypto::PublicKey> Topology::within(std::uint8_t hops_max) const {
    std::vector<Index> near;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const auto index = static_cast<Index>(i);
        if (index != self_ && hops_[i] <= hops_max) near.push_back(index);
    }
    std::ranges::stable_sort(near, {}, [&](Index index) { return hops_[index]; });
    std::vector<crypto::PublicKey> keys;
    for (const Index index : near) keys.push_back(nodes_[index]);
    return keys;
}

std::vector<NextHop> Topology::next_hops(const crypto::PublicKey& destination) const {
    const auto index = find(destination);
    if (!index || *index == self_) return {};
    std::vector<bool> closed(nodes_.size());
    closed[self_] = true;
    const std::vector<std::uint8_t> left = distances(*index, closed);
    std::vector<NextHop> found;
    for (const Index neighbour : adjacent_[self_]) {
        if (left[neighbour] >= unreachable - 1) continue;
        found.push_back({nodes_[neighbour], static_cast<std::uint8_t>(left[neighbour] + 1)});
    }
    std::ranges::stable_sort(found, {}, &NextHop::hops);
    return found;
}

/// Without a way to the origin there is no tree: then all get it but those whom its giver reaches.
std::vector<crypto::PublicKey> Topology::onward(const crypto::PublicKey& origin,
                                                const std::optional<crypto::PublicKey>& from,
                                                const Takes& takes) const {
    const auto root = find(origin);
    const auto giver = from ? find(*from) : std::nullopt;
    std::vector<bool> closed(nodes_.size());
    for (std::size_t i = 0; takes && i < closed.size(); ++i) {
        closed[i] = i != self_ && !takes(nodes_[i]);
    }
    std::vector<std::uint8_t> depth;
    if (root) depth = distances(*root, closed);
    const bool has_tree = root && depth[self_] != unreachable;
    const auto is_ours = [&](Index neighbour) {
        if (closed[neighbour] || (giver && neighbour == *giver)) return false;
        const std::vector<Index>& around = adjacent_[neighbour];
        if (!has_tree) return !giver || std::ranges::find(around, *giver) == around.end();
        if (depth[neighbour] != depth[self_] + 1) return false;
        // Indexes ascend with the keys.
        return std::ranges::none_of(
            around, [&](Index other) { return other < self_ && depth[other] == depth[self_]; });
    };
    std::vector<crypto::PublicKey> found;
    for (const Index neighbour : adjacent_[self_]) {
        if (is_ours(neighbour)) found.push_back(nodes_[neighbour]);
    }
    std::ranges::sort(found);
    return found;
}

std::vector<Topology::Edge> Topology::edges() const {
    std::vector<Edge> all;
    for (std::size_t a = 0; a < nodes_.size(); ++a) {
        std::vector<Index> others = adjacent_[a];
        std::ranges::sort(others);
        for (const Index b : others) {
            if (b > a) all.push_back({nodes_[a], nodes_[b]});
        }
    }
    return all;
}

}  // namespace meshchain::mesh
