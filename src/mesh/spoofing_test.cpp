// What somebody can do who writes a peer's address on his own datagrams (PROTOCOL.md P1.6).

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

TEST(Spoofing, WrongObjectsUnderAPeersAddress_CostItPointsButNeverItsSession) {
    Network network;
    const auto nodes = network.make_nodes(2, {});
    network.run_for(2s);
    ASSERT_TRUE(nodes[1]->mesh().is_connected(nodes[0]->key()));
    nodes[1]->handler().verdict = [](auto, auto) { return wire::Verdict::punish; };
    for (int i = 0; i < 100; ++i) {
        const wire::FrameHeader header{.type = wire::MessageType::transaction,
                                       .sender = crypto::node_id(key_of(77).public_key())};
        network.inject_now(
            nodes[0]->address(), nodes[1]->address(),
            wire::encode_frame(header, base::as_bytes("forged " + std::to_string(i))));
    }
    EXPECT_EQ(nodes[1]->mesh().stats().of(Drop::punished), 100U);
    EXPECT_TRUE(nodes[1]->mesh().is_connected(nodes[0]->key()));
    EXPECT_TRUE(nodes[1]->events_of<PeerLost>().empty());
    EXPECT_LT(nodes[1]->mesh().peer(nodes[0]->key())->score, PeerScore(PeerScore::fair));
}

TEST(Spoofing, AWrongControlMessageThatAPeerSigned_EndsItsSession) {
    Network network;
    const auto nodes = network.make_nodes(2, {});
    network.run_for(2s);
    nodes[1]->handler().verdict = [](auto, auto) { return wire::Verdict::punish; };
    for (int i = 0; i < 4; ++i) {
        const wire::Outgoing nonsense{.type = wire::MessageType::sync_request,
                                      .to = nodes[1]->key(),
                                      .except = std::nullopt,
                                      .payload = base::to_buffer(base::as_bytes("nonsense"))};
        ASSERT_TRUE(nodes[0]->mesh().send(network.now(), nonsense));
        network.run_for(100ms);
    }
    ASSERT_EQ(nodes[1]->events_of<PeerLost>().size(), 1U);
    EXPECT_EQ(nodes[1]->events_of<PeerLost>()[0].reason, LossReason::punished);
    network.run_for(50s);
    EXPECT_FALSE(nodes[1]->mesh().is_connected(nodes[0]->key()));
    network.run_for(30s);
    EXPECT_TRUE(nodes[1]->mesh().is_connected(nodes[0]->key()));
}

}  // namespace
}  // namespace meshchain::mesh::test
