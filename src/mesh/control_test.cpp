// Control messages: signed, numbered, one hop (PROTOCOL.md P1.2, P1.3).

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using base::Errc;
using wire::MessageType;
using Nodes = std::vector<std::unique_ptr<Node>>;

wire::Outgoing request(std::string_view body, std::optional<crypto::PublicKey> to = {}) {
    return {.type = MessageType::sync_request,
            .to = to,
            .except = std::nullopt,
            .payload = base::to_buffer(base::as_bytes(body))};
}

class Control : public testing::Test {
protected:
    Control() : nodes_(network_.make_nodes(3, {})) { network_.run_for(2s); }

    /// Sends and holds back the datagram to `to`.
    base::Buffer capture(Node& from, Node& to, std::string_view body) {
        network_.reachable = [](const auto&, const auto&) { return false; };
        EXPECT_TRUE(from.mesh().send(network_.now(), request(body, to.key())));
        network_.reachable = nullptr;
        return network_.sent.back().bytes;
    }
    std::size_t heard(Node& node, std::string_view body) {
        return node.handler().count(base::as_bytes(body));
    }
    Node& node(std::size_t index) { return *nodes_[index]; }

    Network network_;
    Nodes nodes_;
};

TEST_F(Control, Request_ArrivesWithItsSendersKeyAndOnlyThere) {
    ASSERT_EQ(node(0).mesh().send(network_.now(), request("blocks?", node(1).key())), 1U);
    network_.run_for(100ms);
    ASSERT_EQ(node(1).handler().seen.size(), 1U);
    EXPECT_EQ(node(1).handler().seen[0].from, node(0).key());
    EXPECT_EQ(heard(node(1), "blocks?"), 1U);
    EXPECT_EQ(heard(node(2), "blocks?"), 0U);
}

TEST_F(Control, RequestJudgedWorthRelaying_StillGoesOneHopOnly) {
    const std::size_t begin = network_.sent.size();
    ASSERT_TRUE(node(0).mesh().send(network_.now(), request("blocks?", node(1).key())));
    network_.run_for(100ms);
    EXPECT_EQ(network_.count_sent(MessageType::sync_request, begin), 1U);
}

TEST_F(Control, ReplayedRequest_IsDroppedHoweverOftenItComes) {
    const base::Buffer datagram = capture(node(0), node(1), "blocks?");
    for (int i = 0; i < 5; ++i) {
        network_.inject_now(node(0).address(), node(1).address(), datagram);
    }
    EXPECT_EQ(heard(node(1), "blocks?"), 1U);
    EXPECT_EQ(node(1).mesh().stats().of(Drop::replayed), 4U);
}

TEST_F(Control, RequestReplayedAfterTheSenderRestarted_IsDropped) {
    const base::Buffer datagram = capture(node(0), node(1), "blocks?");
    network_.run_for(2s);
    node(0).restart(1);
    network_.run_for(2s);
    ASSERT_TRUE(node(1).mesh().is_connected(node(0).key()));
    network_.inject_now(node(0).address(), node(1).address(), datagram);
    EXPECT_EQ(heard(node(1), "blocks?"), 0U);
}

TEST_F(Control, RequestsOvertakingEachOther_AllArriveOnce) {
    std::vector<base::Buffer> datagrams;
    for (int i = 0; i < 20; ++i) {
        datagrams.push_back(capture(node(0), node(1), "request " + std::to_string(i)));
    }
    for (auto it = datagrams.rbegin(); it != datagrams.rend(); ++it) {
        network_.inject_now(node(0).address(), node(1).address(), *it);
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(heard(node(1), "request " + std::to_string(i)), 1U);
    }
}

TEST_F(Control, RequestOfAPeerFromAnotherPeersAddress_IsDropped) {
    const base::Buffer datagram = capture(node(0), node(1), "blocks?");
    network_.inject_now(node(2).address(), node(1).address(), datagram);
    EXPECT_EQ(heard(node(1), "blocks?"), 0U);
    EXPECT_EQ(node(1).mesh().stats().of(Drop::bad_origin), 1U);
}

TEST_F(Control, AnyChangedBit_BreaksTheSignatureAndMovesNoWindow) {
    const base::Buffer datagram = capture(node(0), node(1), "blocks?");
    // Bytes 9-16 are the sequence; the payload runs from byte 20.
    for (const std::size_t offset :
         {std::size_t{12}, std::size_t{16}, std::size_t{20}, datagram.size() - 1}) {
        base::Buffer forged = datagram;
        forged[offset] ^= std::byte{1};
        network_.inject_now(node(0).address(), node(1).address(), forged);
    }
    EXPECT_EQ(node(1).handler().seen.size(), 0U);
    EXPECT_EQ(
        node(1).mesh().stats().of(Drop::bad_signature) + node(1).mesh().stats().of(Drop::replayed),
        4U);
    network_.inject_now(node(0).address(), node(1).address(), datagram);
    EXPECT_EQ(heard(node(1), "blocks?"), 1U);
}

TEST_F(Control, ForgedSignatures_CostTheNamedPeerNothing) {
    base::Buffer datagram = capture(node(0), node(1), "blocks?");
    datagram.back() ^= std::byte{1};
    const PeerScore before = node(1).mesh().peer(node(0).key())->score;
    for (int i = 0; i < 20; ++i) {
        network_.inject_now(node(0).address(), node(1).address(), datagram);
    }
    EXPECT_EQ(node(1).mesh().peer(node(0).key())->score, before);
    EXPECT_TRUE(node(1).mesh().is_connected(node(0).key()));
}

TEST_F(Control, FramesOverTheRulesRate_AreDroppedUntilTheMinutePasses) {
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(node(0).mesh().send(network_.now(), request("r" + std::to_string(i))));
    }
    network_.run_for(100ms);
    EXPECT_EQ(node(1).handler().seen.size(), 30U);
    EXPECT_EQ(node(1).mesh().stats().of(Drop::rate), 10U);
    EXPECT_TRUE(node(1).mesh().is_connected(node(0).key()));
    network_.run_for(60s);
    ASSERT_TRUE(node(0).mesh().send(network_.now(), request("later")));
    network_.run_for(100ms);
    EXPECT_EQ(heard(node(1), "later"), 1U);
}

TEST_F(Control, Punished_LowersTheScoreOfItsOrigin) {
    node(1).handler().verdict = [](auto, auto) { return wire::Verdict::punish; };
    const PeerScore before = node(1).mesh().peer(node(0).key())->score;
    ASSERT_TRUE(node(0).mesh().send(network_.now(), request("nonsense", node(1).key())));
    network_.run_for(100ms);
    EXPECT_LE(node(1).mesh().peer(node(0).key())->score.value() + 20, before.value());
}

TEST_F(Control, SendingWhatNoRuleAllows_IsAnError) {
    wire::Outgoing unknown = request("x");
    unknown.type = MessageType::evidence;
    EXPECT_EQ(node(0).mesh().send(network_.now(), unknown).error().code, Errc::invalid_argument);
    wire::Outgoing handshake = request("x");
    handshake.type = MessageType::peer_hello;
    EXPECT_EQ(node(0).mesh().send(network_.now(), handshake).error().code, Errc::invalid_argument);
    EXPECT_EQ(node(0).mesh().send(network_.now(), request("")).error().code,
              Errc::invalid_argument);
    EXPECT_EQ(node(0).mesh().send(network_.now(), request(std::string(137, 'x'))).error().code,
              Errc::invalid_argument);
}

TEST_F(Control, SendingToAStranger_IsNotFound) {
    const auto sent = node(0).mesh().send(network_.now(), request("x", key_of(99).public_key()));
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().code, Errc::not_found);
}

TEST_F(Control, Stats_CountWhatCameAndWent) {
    ASSERT_TRUE(node(0).mesh().send(network_.now(), request("blocks?", node(1).key())));
    network_.run_for(100ms);
    const TypeCounters& sent = node(0).mesh().stats().of(MessageType::sync_request);
    EXPECT_EQ(sent.sent, 1U);
    EXPECT_EQ(sent.bytes_sent, wire::FrameHeader::size + 7 + crypto::Signature::size);
    const TypeCounters& received = node(1).mesh().stats().of(MessageType::sync_request);
    EXPECT_EQ(received.received, 1U);
    EXPECT_EQ(received.accepted, 1U);
    EXPECT_EQ(received.bytes_received, sent.bytes_sent);
}

TEST_F(Control, AnsweredRequest_MeasuresLatencyAndUse) {
    node(1).handler().verdict = [this](auto, base::Bytes body) {
        if (base::equal(body, base::as_bytes("question"))) {
            network_.run_later(30ms, [this] {
                EXPECT_TRUE(node(1).mesh().send(network_.now(), request("answer", node(0).key())));
            });
        }
        return wire::Verdict::keep;
    };
    const Peer before = *node(0).mesh().peer(node(1).key());
    ASSERT_TRUE(node(0).mesh().send(network_.now(), request("question", node(1).key())));
    network_.run_for(1s);
    const Peer after = *node(0).mesh().peer(node(1).key());
    EXPECT_EQ(after.metrics.useful, before.metrics.useful + 1);
    // An eighth of the way from the handshake's 2 ms to 32 ms.
    EXPECT_EQ(after.metrics.latency, before.metrics.latency + (32ms - before.metrics.latency) / 8);
    ASSERT_TRUE(node(1).mesh().send(network_.now(), request("unasked", node(0).key())));
    network_.run_for(1s);
    EXPECT_EQ(node(0).mesh().peer(node(1).key())->metrics.useful, after.metrics.useful);
}

TEST_F(Control, Reports_MoveScoreAndLatency) {
    const crypto::PublicKey peer = node(1).key();
    const Peer before = *node(0).mesh().peer(peer);
    node(0).mesh().report_success(peer, 80ms);
    EXPECT_GT(node(0).mesh().peer(peer)->score, before.score);
    EXPECT_GT(node(0).mesh().peer(peer)->metrics.latency, before.metrics.latency);
    for (int i = 0; i < 500; ++i) node(0).mesh().report_failure(peer);
    EXPECT_FALSE(node(0).mesh().peer(peer)->score.is_failed());
    EXPECT_TRUE(node(0).mesh().is_connected(peer));
    EXPECT_EQ(node(0).mesh().peer(peer)->metrics.failures, 500U);
}

}  // namespace
}  // namespace meshchain::mesh::test
