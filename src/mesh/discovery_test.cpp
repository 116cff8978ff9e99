// Finding peers and keeping them (rows E7, E8, F1, F7, F8; PROTOCOL.md P1.9).

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using Nodes = std::vector<std::unique_ptr<Node>>;

bool all_connected(const Nodes& nodes) {
    return std::ranges::all_of(nodes, [&](const auto& node) {
        return node->mesh().connected_count() == nodes.size() - 1;
    });
}

bool connected(Node& a, Node& b) {
    return a.mesh().is_connected(b.key()) && b.mesh().is_connected(a.key());
}

Options static_only(std::vector<std::uint16_t> ports) {
    Options options;
    options.multicast = false;
    for (const std::uint16_t port : ports) options.static_peers.push_back(address_of(port));
    return options;
}

TEST(Discovery, FiveNodesOnOneGroup_FindEachOtherWithinASecond) {
    Network network;
    const Nodes nodes = network.make_nodes(5, {});
    EXPECT_TRUE(network.run_until([&] { return all_connected(nodes); }, 1s));
    for (const auto& node : nodes) {
        EXPECT_EQ(node->events_of<PeerDiscovered>().size(), 4U);
        EXPECT_TRUE(node->events_of<PeerLost>().empty());
    }
}

TEST(Discovery, StaticPeers_ConnectWithoutAnyMulticast) {
    Network network;
    Node hub(network, {.key = 1, .port = 1, .options = static_only({})});
    Node left(network, {.key = 2, .port = 2, .options = static_only({1})});
    Node right(network, {.key = 3, .port = 3, .options = static_only({1})});
    EXPECT_TRUE(
        network.run_until([&] { return connected(hub, left) && connected(hub, right); }, 1s));
    EXPECT_FALSE(connected(left, right));
    EXPECT_TRUE(std::ranges::all_of(network.sent, [](const auto& d) { return d.to.has_value(); }));
    EXPECT_TRUE(left.mesh().peer(hub.key())->is_static);
    EXPECT_FALSE(hub.mesh().peer(left.key())->is_static);
}

TEST(Discovery, StaticPeersWithoutMulticast_StayConnectedForAnHour) {
    Network network;
    Node hub(network, {.key = 1, .port = 1, .options = static_only({})});
    Node left(network, {.key = 2, .port = 2, .options = static_only({1})});
    network.run_for(1h);
    EXPECT_TRUE(connected(hub, left));
    EXPECT_TRUE(hub.events_of<PeerLost>().empty());
    EXPECT_TRUE(left.events_of<PeerLost>().empty());
}

TEST(Discovery, IdleMesh_SendsNoMoreThanItsHeartbeatsAndAnnouncements) {
    Network network;
    const Nodes nodes = network.make_nodes(5, {});
    network.run_for(10s);
    const std::size_t begin = network.sent.size();
    network.run_for(60s);
    // 12 heartbeats and at most 14 announcements of each node a minute, and nothing else.
    EXPECT_LE(network.sent.size() - begin, 5U * (12 + 14));
    EXPECT_TRUE(all_connected(nodes));
}

TEST(Discovery, DeadStaticPeer_IsDialledWithGrowingIntervalsUpTo15Seconds) {
    Network network;
    Node alone(network, {.key = 1, .port = 1, .options = static_only({2})});
    network.run_for(10min);
    std::vector<base::Duration> gaps;
    for (std::size_t i = 1; i < network.sent.size(); ++i) {
        gaps.push_back(network.sent[i].at - network.sent[i - 1].at);
    }
    ASSERT_GE(gaps.size(), 10U);
    EXPECT_LE(gaps.front(), 1s);
    EXPECT_LE(*std::ranges::max_element(gaps), 15s);
    EXPECT_GE(gaps.back(), 10s);
}

TEST(Discovery, TwoThirdsOfDatagramsDelivered_StillConnectsEverybody) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Network network(seed);
        network.loss_percent = 33;
        network.delay_max = 50ms;
        const Nodes nodes = network.make_nodes(5, {});
        EXPECT_TRUE(network.run_until([&] { return all_connected(nodes); }, 120s));
    }
}

TEST(Discovery, Partition_LosesThePeersBeyondAndFindsThemAgain) {
    Network network;
    const Nodes nodes = network.make_nodes(5, {});
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    network.reachable = [](const auto& from, const auto& to) {
        return (from.port <= 2) == (to.port <= 2);
    };
    network.run_for(31s + 5s);
    EXPECT_EQ(nodes[0]->mesh().connected_count(), 1U);
    EXPECT_EQ(nodes[4]->mesh().connected_count(), 2U);
    EXPECT_EQ(nodes[0]->events_of<PeerLost>().size(), 3U);
    network.reachable = nullptr;
    EXPECT_TRUE(network.run_until([&] { return all_connected(nodes); }, 6s));
}

TEST(Discovery, OneWayDeafness_IsMendedByANewHandshake) {
    Network network;
    const Nodes nodes = network.make_nodes(2, {});
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    network.reachable = [](const auto&, const auto& to) { return to.port != 2; };
    network.run_for(40s);
    EXPECT_FALSE(nodes[1]->mesh().is_connected(nodes[0]->key()));
    network.reachable = nullptr;
    EXPECT_TRUE(network.run_until([&] { return connected(*nodes[0], *nodes[1]); }, 6s));
}

TEST(Discovery, SilentPeer_IsLostAfter30SecondsAndForgottenAfter5Minutes) {
    Network network;
    const Nodes nodes = network.make_nodes(2, {});
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    nodes[1]->power_off();
    network.run_for(24s);
    EXPECT_TRUE(nodes[0]->mesh().is_connected(nodes[1]->key()));
    network.run_for(7s);
    EXPECT_FALSE(nodes[0]->mesh().is_connected(nodes[1]->key()));
    ASSERT_EQ(nodes[0]->events_of<PeerLost>().size(), 1U);
    EXPECT_EQ(nodes[0]->events_of<PeerLost>()[0].reason, LossReason::silent);
    network.run_for(4min);
    EXPECT_TRUE(nodes[0]->mesh().peer(nodes[1]->key()).has_value());
    network.run_for(1min);
    EXPECT_FALSE(nodes[0]->mesh().peer(nodes[1]->key()).has_value());
}

TEST(Discovery, RestartWithTheSameKeyAtAnotherPort_ReplacesTheSessionWithinSeconds) {
    Network network;
    const Nodes nodes = network.make_nodes(3, {});
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    network.run_for(3s);
    nodes[1]->restart(77);
    EXPECT_TRUE(network.run_until([&] { return all_connected(nodes); }, 2s));
    EXPECT_EQ(nodes[0]->mesh().peer(nodes[1]->key())->address, address_of(77));
    EXPECT_EQ(nodes[0]->mesh().peers().size(), 2U);
}

TEST(Discovery, RestartAtTheSamePort_ReconnectsWithoutWaitingForTheTimeout) {
    Network network;
    const Nodes nodes = network.make_nodes(3, {});
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    network.run_for(3s);
    nodes[1]->restart(2);
    EXPECT_TRUE(network.run_until([&] { return all_connected(nodes); }, 1s));
}

TEST(Discovery, RestartWithALostStoreAndAClockSetBack_IsNotLockedOut) {
    Network network;
    const Nodes nodes = network.make_nodes(2, {});
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    network.wall_offset -= 24h * 365;
    nodes[1]->restart(2, /*lose_store=*/true);
    EXPECT_TRUE(network.run_until([&] { return connected(*nodes[0], *nodes[1]); }, 6s));
}

TEST(Discovery, PeerWhoseClockRunsAYearAhead_ConnectsAndReturnsAfterItsClockIsMended) {
    Network network;
    Node steady(network, {.key = 1, .port = 1});
    network.wall_offset += 24h * 365;
    Node ahead(network, {.key = 2, .port = 2});
    EXPECT_TRUE(network.run_until([&] { return connected(steady, ahead); }, 2s));
    network.wall_offset -= 24h * 365;
    ahead.restart(2);
    EXPECT_TRUE(network.run_until([&] { return connected(steady, ahead); }, 2s));
}

TEST(Discovery, NodesOfAnotherChain_AreIgnoredAndNotPunished) {
    Network network;
    Node ours(network, {.key = 1, .port = 1});
    Node other(network, {.key = 2, .port = 2, .options = {}, .chain = chain_of(8)});
    network.run_for(30s);
    EXPECT_EQ(ours.mesh().connected_count(), 0U);
    EXPECT_TRUE(ours.mesh().peers().empty());
    EXPECT_GT(ours.mesh().stats().of(Drop::wrong_chain), 0U);
    EXPECT_EQ(ours.mesh().stats().of(Drop::refused), 0U);
}

TEST(Discovery, AnnouncedAddress_IsDialledOnce) {
    Network network;
    Node alice(network, {.key = 1, .port = 1, .options = static_only({})});
    Node bob(network, {.key = 2, .port = 2, .options = static_only({})});
    network.run_for(1s);
    EXPECT_FALSE(connected(alice, bob));
    alice.mesh().announce_peer(network.now(), bob.address());
    EXPECT_TRUE(network.run_until([&] { return connected(alice, bob); }, 1s));
}

TEST(Discovery, HelloAndHeartbeat_CarryStatusToThePeers) {
    Network network;
    const Nodes nodes = network.make_nodes(2, {});
    wire::ChainStatus status;
    status.slot = {41};
    status.height = {12};
    status.final_height = {10};
    nodes[0]->mesh().set_status(status, 3);
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    EXPECT_EQ(nodes[1]->mesh().peer(nodes[0]->key())->height, wire::Height{12});
    EXPECT_EQ(nodes[1]->events_of<PeerStatus>().at(0).status, status);
    status.height = {13};
    nodes[0]->mesh().set_status(status, 4);
    network.run_for(6s);
    EXPECT_EQ(nodes[1]->mesh().peer(nodes[0]->key())->height, wire::Height{13});
    EXPECT_EQ(nodes[1]->mesh().peer(nodes[0]->key())->state, 4);
    EXPECT_FALSE(nodes[1]->events_of<PeerHeartbeat>().empty());
}

TEST(Discovery, RequestedHello_ReachesEveryPeerAndIsAnswered) {
    Network network;
    Node alice(network, {.key = 1, .port = 1, .options = static_only({2})});
    Node bob(network, {.key = 2, .port = 2, .options = static_only({})});
    ASSERT_TRUE(network.run_until([&] { return connected(alice, bob); }, 5s));
    network.run_for(5s);
    const std::size_t heard_by_alice = alice.events_of<PeerStatus>().size();
    const std::size_t heard_by_bob = bob.events_of<PeerStatus>().size();
    alice.mesh().request_hello(network.now());
    network.run_for(100ms);
    EXPECT_EQ(bob.events_of<PeerStatus>().size(), heard_by_bob + 1);
    EXPECT_EQ(alice.events_of<PeerStatus>().size(), heard_by_alice + 1);
}

TEST(Discovery, MorePeersThanSlots_KeepsThemBoundedWithRoomForStaticOnes) {
    Network network;
    Options options;
    options.peers_max = 4;
    options.peers_reserved = 1;
    Options dialling = options;
    dialling.static_peers.push_back(address_of(9));
    Node hub(network, {.key = 1, .port = 1, .options = dialling});
    Nodes others;
    for (std::uint8_t i = 2; i <= 8; ++i) {
        others.push_back(
            std::make_unique<Node>(network, Node::Setup{.key = i, .port = i, .options = {}}));
    }
    network.run_for(20s);
    EXPECT_EQ(hub.mesh().connected_count(), 3U);
    Node late(network, {.key = 9, .port = 9});
    EXPECT_TRUE(network.run_until([&] { return connected(hub, late); }, 20s));
    EXPECT_EQ(hub.mesh().connected_count(), 4U);
}

TEST(Discovery, ValidatorArrivingAtAFullNode_TakesTheWorstOrdinarySlot) {
    Network network;
    Options options;
    options.peers_max = 3;
    options.peers_reserved = 0;
    options.validators.push_back({key_of(9).public_key(), {70}});
    Node hub(network, {.key = 1, .port = 1, .options = options});
    Nodes others;
    for (std::uint8_t i = 2; i <= 4; ++i) {
        others.push_back(
            std::make_unique<Node>(network, Node::Setup{.key = i, .port = i, .options = {}}));
    }
    network.run_for(20s);
    ASSERT_EQ(hub.mesh().connected_count(), 3U);
    Node validator(network, {.key = 9, .port = 9});
    EXPECT_TRUE(network.run_until([&] { return connected(hub, validator); }, 20s));
    EXPECT_EQ(hub.mesh().connected_count(), 3U);
    ASSERT_EQ(hub.events_of<PeerLost>().size(), 1U);
    EXPECT_EQ(hub.events_of<PeerLost>()[0].reason, LossReason::crowded_out);
}

/// It goes on hearing the group, so nothing but the hub can tell it that its slot is gone.
TEST(Discovery, PeerWhoseSlotAnotherTook_LearnsOfItAndAsksAgain) {
    Network network;
    Options options;
    options.peers_max = 1;
    options.peers_reserved = 0;
    options.validators.push_back({key_of(9).public_key(), {70}});
    Node hub(network, {.key = 1, .port = 1, .options = options});
    Node ordinary(network, {.key = 2, .port = 2});
    ASSERT_TRUE(network.run_until([&] { return connected(hub, ordinary); }, 20s));
    Node validator(network, {.key = 9, .port = 9});
    ASSERT_TRUE(network.run_until([&] { return connected(hub, validator); }, 20s));
    EXPECT_TRUE(network.run_until([&] { return !ordinary.mesh().is_connected(hub.key()); }, 20s));
    validator.power_off();
    EXPECT_TRUE(network.run_until([&] { return connected(hub, ordinary); }, 60s));
}

TEST(Discovery, StoppedMesh_ReportsItsPeersLostAndMayStartAgain) {
    Network network;
    const Nodes nodes = network.make_nodes(2, {});
    ASSERT_TRUE(network.run_until([&] { return all_connected(nodes); }, 5s));
    nodes[0]->mesh().stop(network.now());
    network.run_for(1s);
    EXPECT_EQ(nodes[0]->mesh().connected_count(), 0U);
    EXPECT_EQ(nodes[0]->mesh().poll_timeout(network.now()), base::never);
    ASSERT_TRUE(nodes[0]->mesh().start(network.now()));
    EXPECT_TRUE(network.run_until([&] { return connected(*nodes[0], *nodes[1]); }, 2s));
}

}  // namespace
}  // namespace meshchain::mesh::test
