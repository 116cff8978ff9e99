// The graph that follows from what nodes state, and what a liar can and cannot add to it (row F3).

#include "mesh/topology.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

crypto::PublicKey key(std::uint8_t number) { return key_of(number).public_key(); }

class TopologyTest : public testing::Test {
protected:
    void state(std::uint8_t origin, std::initializer_list<std::uint8_t> neighbours) {
        KnownNode node{{}, {}, crypto::node_id(key(origin)), {}, 0, {}, {{}, {1, 1}}};
        node.announcement.identity = key(origin);
        for (const std::uint8_t one : neighbours) {
            node.announcement.neighbours.push_back(crypto::node_id(key(one)));
        }
        std::ranges::sort(node.announcement.neighbours);
        announced_.insert_or_assign(key(origin), node);
    }
    void build(std::initializer_list<std::uint8_t> neighbours) {
        std::vector<crypto::PublicKey> own;
        for (const std::uint8_t one : neighbours) own.push_back(key(one));
        std::ranges::sort(own);
        topology_.rebuild(key(0), own, announced_);
    }
    std::vector<std::pair<int, int>> ways_to(std::uint8_t destination) const {
        std::vector<std::pair<int, int>> found;
        for (const NextHop& way : topology_.next_hops(key(destination))) {
            for (std::uint8_t i = 0; i < 50; ++i) {
                if (key(i) == way.peer) found.emplace_back(i, way.hops);
            }
        }
        std::ranges::sort(found);
        return found;
    }

    std::map<crypto::PublicKey, KnownNode> announced_;
    Topology topology_{key(0)};
};

TEST_F(TopologyTest, AnEdge_CountsOnlyWhenBothEndsStateIt) {
    state(1, {0, 2, 3});
    state(2, {1});
    state(3, {});
    build({1});
    EXPECT_EQ(topology_.hops(key(2)), 2);
    EXPECT_FALSE(topology_.hops(key(3)));
    EXPECT_FALSE(topology_.hops(key(40)));
    EXPECT_EQ(topology_.hops(key(0)), 0);
    EXPECT_EQ(topology_.edges().size(), 2U);
}

TEST_F(TopologyTest, OurOwnEdges_NeedNobodysWord) {
    state(2, {0});
    build({1});
    EXPECT_EQ(topology_.hops(key(1)), 1);
    // Who claims to be our neighbour and is not, is nowhere.
    EXPECT_FALSE(topology_.hops(key(2)));
}

TEST_F(TopologyTest, ALiar_AddsNodesBehindItselfAndNoEdgeOfAnHonestNode) {
    state(1, {0, 2});
    state(2, {1, 3});
    state(3, {2});
    state(9, {0, 2, 3, 10});  // claims to be next to everybody
    state(10, {9, 3});        // and made this one up
    build({1, 9});
    EXPECT_EQ(topology_.hops(key(3)), 3);
    EXPECT_EQ(ways_to(3), (std::vector<std::pair<int, int>>{{1, 3}}));
    EXPECT_EQ(topology_.hops(key(10)), 2);
}

/// One graph as each of its nodes knows it.
class SpreadingTest : public testing::Test {
protected:
    void connect(std::uint8_t a, std::uint8_t b) {
        edges_[a].insert(b);
        edges_[b].insert(a);
    }
    Topology seen_by(std::uint8_t node) const {
        std::map<crypto::PublicKey, KnownNode> announced;
        std::vector<crypto::PublicKey> own;
        for (const auto& [origin, neighbours] : edges_) {
            KnownNode known{{}, {}, crypto::node_id(key(origin)), {}, 0, {}, {{}, {1, 1}}};
            for (const std::uint8_t one : neighbours) {
                known.announcement.neighbours.push_back(crypto::node_id(key(one)));
                if (origin == node) own.push_back(key(one));
            }
            std::ranges::sort(known.announcement.neighbours);
            announced.emplace(key(origin), known);
        }
        std::ranges::sort(own);
        Topology topology(key(node));
        topology.rebuild(key(node), own, announced);
        return topology;
    }
    /// How often each node gets what begins at `origin`.
    std::map<crypto::PublicKey, int> spread(std::uint8_t origin) const {
        std::map<crypto::PublicKey, int> got;
        std::deque<std::pair<crypto::PublicKey, std::optional<crypto::PublicKey>>> waiting;
        waiting.emplace_back(key(origin), std::nullopt);
        while (!waiting.empty()) {
            const auto [node, from] = waiting.front();
            waiting.pop_front();
            if (++got[node] > 1) continue;
            for (const auto& [number, neighbours] : edges_) {
                if (key(number) != node) continue;
                for (const auto& to : seen_by(number).onward(key(origin), from)) {
                    waiting.emplace_back(to, node);
                }
            }
        }
        return got;
    }
    std::map<std::uint8_t, std::set<std::uint8_t>> edges_;
};

TEST_F(SpreadingTest, InACrowd_EachGetsItOnceFromItsOrigin) {
    for (std::uint8_t a = 0; a < 10; ++a) {
        for (std::uint8_t b = 0; b < a; ++b) connect(a, b);
    }
    for (std::uint8_t origin = 0; origin < 10; ++origin) {
        const auto got = spread(origin);
        EXPECT_EQ(got.size(), 10U);
        for (const auto& [node, times] : got) EXPECT_EQ(times, 1);
    }
}

TEST_F(SpreadingTest, InAnyGraph_EachGetsItOnce) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        edges_.clear();
        base::Random random(seed);
        for (std::uint8_t a = 1; a < 20; ++a) {
            connect(a, static_cast<std::uint8_t>(random.below(a)));
            if (random.below(2) == 0) {
                const auto b = static_cast<std::uint8_t>(random.below(a));
                connect(a, b);
            }
        }
        const auto got = spread(static_cast<std::uint8_t>(random.below(20)));
        EXPECT_EQ(got.size(), 20U) << "seed " << seed;
        for (const auto& [node, times] : got) EXPECT_EQ(times, 1) << "seed " << seed;
    }
}

TEST_F(TopologyTest, OriginNobodyKnows_GoesToAllWhomItsGiverDoesNotReach) {
    state(1, {0, 2});
    state(2, {0, 1});
    state(3, {0});
    build({1, 2, 3});
    EXPECT_EQ(topology_.onward(key(40), key(1)), std::vector{key(3)});
    EXPECT_EQ(topology_.onward(key(40), std::nullopt).size(), 3U);
}

TEST_F(TopologyTest, Onward_LeavesOutWhoDoesNotTakeIt_AndGoesAroundThem) {
    // 9-1-0-3, 9-2-0, 1-3: whoever takes it not is neither given it nor counted on to pass it on.
    state(1, {0, 3, 9});
    state(2, {0, 9});
    state(3, {0, 1});
    state(9, {1, 2});
    build({1, 2, 3});
    const auto but = [&](std::uint8_t number) {
        return [number](const crypto::PublicKey& node) { return node != key(number); };
    };
    EXPECT_EQ(topology_.onward(key(9), key(2)), std::vector<crypto::PublicKey>{})
        << "3 gets it from 1";
    EXPECT_EQ(topology_.onward(key(9), key(2), but(1)), std::vector{key(3)});
    EXPECT_EQ(topology_.onward(key(9), key(2), but(3)), std::vector<crypto::PublicKey>{});
}

TEST_F(TopologyTest, NextHops_AreAllThatReachItWithoutComingBackThroughUs) {
    // 0-1-3-4, 0-2-4, 0-5 (a dead end).
    state(1, {0, 3});
    state(2, {0, 4});
    state(3, {1, 4});
    state(4, {2, 3});
    state(5, {0});
    build({1, 2, 5});
    EXPECT_EQ(ways_to(4), (std::vector<std::pair<int, int>>{{1, 3}, {2, 2}}));
    EXPECT_EQ(topology_.next_hops(key(4)).front().peer, key(2));
    EXPECT_EQ(ways_to(5), (std::vector<std::pair<int, int>>{{5, 1}}));
    EXPECT_TRUE(topology_.next_hops(key(0)).empty());
}

TEST_F(TopologyTest, Within_CountsHopsAndLeavesUsOut) {
    state(1, {0, 2});
    state(2, {1, 3});
    state(3, {2});
    build({1});
    EXPECT_EQ(topology_.within(), (std::vector{key(1), key(2)}));
    EXPECT_EQ(topology_.within(3).size(), 3U);
    EXPECT_TRUE(topology_.within(0).empty());
}

TEST_F(TopologyTest, LongLine_StopsCountingRatherThanWrapping) {
    std::vector<crypto::SigningKey> keys;
    std::vector<crypto::PublicKey> line{key(0)};
    for (int i = 1; i < 300; ++i) {
        crypto::SigningKey::Seed seed{};
        base::FixedWriter(seed).u32(static_cast<std::uint32_t>(i) + 7);
        line.push_back(crypto::SigningKey::from_seed(seed).public_key());
    }
    for (std::size_t i = 1; i < line.size(); ++i) {
        KnownNode node{{}, {}, crypto::node_id(line[i]), {}, 0, {}, {{}, {1, 1}}};
        node.announcement.identity = line[i];
        node.announcement.neighbours.push_back(crypto::node_id(line[i - 1]));
        if (i + 1 < line.size()) {
            node.announcement.neighbours.push_back(crypto::node_id(line[i + 1]));
        }
        std::ranges::sort(node.announcement.neighbours);
        announced_.insert_or_assign(line[i], node);
    }
    topology_.rebuild(key(0), std::span(line).subspan(1, 1), announced_);
    EXPECT_EQ(topology_.hops(line[254]), 254);
    EXPECT_FALSE(topology_.hops(line[255]));
    EXPECT_FALSE(topology_.hops(line[299]));
}

}  // namespace
}  // namespace meshchain::mesh::test
