#include "mesh/peer_selection.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using Weights = std::vector<std::uint32_t>;

Candidate candidate(std::uint8_t key, std::uint8_t score, std::uint32_t height,
                    base::Duration latency) {
    return {key_of(key).public_key(), PeerScore(score), {height}, latency};
}

TEST(PeerSelection, BestInEveryTerm_HasAllOfTheWeightAndTheWorstTheLeast) {
    const std::array candidates{candidate(1, 100, 2'000, 10ms), candidate(2, 0, 1'000, 90ms)};
    EXPECT_EQ(selection_weights(candidates), (Weights{1'000, 1}));
}

TEST(PeerSelection, TermsWeighFiveToThreeToTwo) {
    const std::array candidates{candidate(1, 100, 1'000, 90ms), candidate(2, 0, 2'000, 90ms),
                                candidate(3, 0, 1'000, 10ms)};
    EXPECT_EQ(selection_weights(candidates), (Weights{500, 300, 200}));
}

TEST(PeerSelection, TermsAreScaledOverTheCandidates) {
    const std::array candidates{candidate(1, 40, 1'000'000, 100ms),
                                candidate(2, 50, 1'000'005, 60ms),
                                candidate(3, 60, 1'000'020, 20ms)};
    EXPECT_EQ(selection_weights(candidates), (Weights{1, 5 * 50 + 3 * 25 + 2 * 50, 1'000}));
}

TEST(PeerSelection, EqualCandidates_WeighTheSame) {
    const std::array candidates{candidate(1, 50, 7, 5ms), candidate(2, 50, 7, 5ms)};
    EXPECT_EQ(selection_weights(candidates), (Weights{1'000, 1'000}));
}

TEST(PeerSelection, UnmeasuredLatency_CountsLikeTheSlowest) {
    const std::array candidates{candidate(1, 50, 7, {}), candidate(2, 50, 7, 80ms),
                                candidate(3, 50, 7, 40ms)};
    EXPECT_EQ(selection_weights(candidates), (Weights{800, 800, 1'000}));
}

TEST(PeerSelection, AnyNumbers_StayWithinTheirBounds) {
    const std::array candidates{candidate(1, 100, 0xFFFF'FFFF, base::Duration::max()),
                                candidate(2, 0, 0, {}), candidate(3, 3, 5, base::Duration(1)),
                                candidate(4, 99, 1, base::Duration::max() / 2)};
    for (const std::uint32_t weight : selection_weights(candidates)) {
        EXPECT_GE(weight, 1U);
        EXPECT_LE(weight, 1'000U);
    }
    EXPECT_TRUE(selection_weights({}).empty());
}

TEST(PeerSelection, EveryIndexOwnsExactlyAsManyTicketsAsItsWeight) {
    const Weights weights{500, 1, 300, 999};
    std::vector<std::uint32_t> drawn(weights.size());
    for (std::uint64_t ticket = 0; ticket < 1'800; ++ticket) ++drawn[pick(weights, ticket)];
    EXPECT_EQ(drawn, weights);
}

TEST(PeerSelection, Drawn_AreDifferentAndAtMostAsManyAsThereAre) {
    base::Random random(4);
    std::vector<Candidate> candidates;
    for (std::uint8_t i = 1; i <= 5; ++i) candidates.push_back(candidate(i, 50, i, 10ms));
    for (const std::size_t count : {0U, 1U, 3U, 5U, 9U}) {
        const auto chosen = select_peers(candidates, count, random);
        EXPECT_EQ(chosen.size(), std::min<std::size_t>(count, 5));
        EXPECT_EQ(std::set(chosen.begin(), chosen.end()).size(), chosen.size());
    }
    EXPECT_TRUE(select_peers({}, 3, random).empty());
}

TEST(PeerSelection, ManyDraws_FollowTheWeights) {
    base::Random random(11);
    const std::vector candidates{candidate(1, 100, 1'000, 90ms), candidate(2, 0, 2'000, 90ms),
                                 candidate(3, 0, 1'000, 10ms)};
    std::map<crypto::PublicKey, int> drawn;
    for (int i = 0; i < 10'000; ++i) ++drawn[select_peers(candidates, 1, random).front()];
    EXPECT_NEAR(drawn[candidates[0].key], 5'000, 200);
    EXPECT_NEAR(drawn[candidates[1].key], 3'000, 200);
    EXPECT_NEAR(drawn[candidates[2].key], 2'000, 200);
}

TEST(PeerSelection, Mesh_ChoosesAmongConnectedPeersWithoutTheExcluded) {
    Network network;
    const auto nodes = network.make_nodes(5, {});
    network.run_for(2s);
    Mesh& mesh = nodes[0]->mesh();
    const std::array excluded{nodes[1]->key(), nodes[2]->key()};
    for (int i = 0; i < 50; ++i) {
        const auto chosen = mesh.choose_peers({.count = 3, .excluded = excluded});
        ASSERT_EQ(chosen.size(), 2U);
        for (const crypto::PublicKey& key : chosen) {
            EXPECT_TRUE(key == nodes[3]->key() || key == nodes[4]->key());
        }
    }
    nodes[4]->power_off();
    network.run_for(31s);
    EXPECT_EQ(mesh.choose_peers({.count = broadcast_peers}).size(), 3U);
}

TEST(PeerSelection, Mesh_AsksOnlyWhoClaimsToBeThatFar) {
    Network network;
    const auto nodes = network.make_nodes(3, {});
    wire::ChainStatus ahead;
    ahead.height = {90};
    ahead.final_height = {80};
    nodes[2]->mesh().set_status(ahead, 0);
    network.run_for(6s);
    const auto chosen =
        nodes[0]->mesh().choose_peers({.count = 2, .final_height_min = {80}, .excluded = {}});
    EXPECT_EQ(chosen, std::vector{nodes[2]->key()});
    EXPECT_TRUE(nodes[0]->mesh().choose_peers({.count = 2, .final_height_min = {81}}).empty());
}

}  // namespace
}  // namespace meshchain::mesh::test
