// Objects: who gets them, how often, and who never does (rows E2, F4, F9; PROTOCOL.md P1.2).

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using wire::MessageType;
using wire::Verdict;
using Nodes = std::vector<std::unique_ptr<Node>>;

wire::Outgoing transaction(std::string_view text) {
    return {.type = MessageType::transaction,
            .to = std::nullopt,
            .except = std::nullopt,
            .payload = base::to_buffer(base::as_bytes(text))};
}

class Flooding : public testing::Test {
protected:
    /// Node i knows only i - 1 and i + 1.
    Nodes make_line(std::uint8_t count) {
        network_.reachable = [](const auto& from, const auto& to) {
            return from.port + 1 == to.port || to.port + 1 == from.port || from.port >= 100;
        };
        Nodes nodes = network_.make_nodes(count, {});
        network_.run_for(2s);
        return nodes;
    }
    Nodes make_clique(std::uint8_t count) {
        Nodes nodes = network_.make_nodes(count, {});
        network_.run_for(2s);
        return nodes;
    }
    static std::size_t copies(const Nodes& nodes, std::size_t index, std::string_view text) {
        return nodes[index]->handler().count(base::as_bytes(text));
    }
    /// A frame as `from` would send it, put on the way to `to`.
    void deliver(Node& from, Node& to, wire::FrameHeader header, std::string_view text) {
        network_.inject(from.address(), to.address(),
                        wire::encode_frame(header, base::as_bytes(text)));
    }
    static wire::FrameHeader header_of(Node& origin, std::uint8_t hop_limit) {
        return {.type = MessageType::transaction,
                .sender = crypto::node_id(origin.key()),
                .timestamp = 5,
                .sequence = 6,
                .hop_limit = hop_limit};
    }

    Network network_;
};

TEST_F(Flooding, LineOfSeven_IsReachedAsFarAsTheHopLimitGoesWithOneFrameALink) {
    const Nodes nodes = make_line(7);
    const std::size_t begin = network_.sent.size();
    ASSERT_EQ(nodes[0]->mesh().send(network_.now(), transaction("pay")), 1U);
    network_.run_for(1s);
    for (const std::size_t reached : {1U, 2U, 3U, 4U}) EXPECT_EQ(copies(nodes, reached, "pay"), 1U);
    for (const std::size_t beyond : {5U, 6U}) EXPECT_EQ(copies(nodes, beyond, "pay"), 0U);
    EXPECT_EQ(network_.count_sent(MessageType::transaction, begin), 4U);
}

TEST_F(Flooding, FromTheMiddleOfALine_GoesBothWaysAndNeverBack) {
    const Nodes nodes = make_line(5);
    const std::size_t begin = network_.sent.size();
    ASSERT_EQ(nodes[2]->mesh().send(network_.now(), transaction("pay")), 2U);
    network_.run_for(1s);
    EXPECT_EQ(network_.count_sent(MessageType::transaction, begin), 4U);
    EXPECT_EQ(copies(nodes, 2, "pay"), 0U);
    for (const std::size_t other : {0U, 1U, 3U, 4U}) EXPECT_EQ(copies(nodes, other, "pay"), 1U);
}

TEST_F(Flooding, CliqueOfFive_RelaysOnceToEachButSenderAndOrigin) {
    const Nodes nodes = make_clique(5);
    const std::size_t begin = network_.sent.size();
    ASSERT_EQ(nodes[0]->mesh().send(network_.now(), transaction("pay")), 4U);
    network_.run_for(1s);
    // The origin's four, and each receiver's three to all but the origin, which sent it.
    EXPECT_EQ(network_.count_sent(MessageType::transaction, begin), 4U + 4U * 3U);
    for (std::size_t i = begin; i < network_.sent.size(); ++i) {
        const SentDatagram& datagram = network_.sent[i];
        if (datagram.frame().header.type != MessageType::transaction) continue;
        EXPECT_NE(datagram.to, nodes[0]->address());
        EXPECT_NE(datagram.to, datagram.from);
    }
    for (const std::size_t other : {1U, 2U, 3U, 4U}) EXPECT_EQ(copies(nodes, other, "pay"), 1U);
}

TEST_F(Flooding, RelayedFrame_KeepsSenderTimestampAndSequenceAndLosesOneHop) {
    const Nodes nodes = make_line(3);
    const std::size_t begin = network_.sent.size();
    ASSERT_TRUE(nodes[0]->mesh().send(network_.now(), transaction("pay")));
    network_.run_for(1s);
    std::vector<wire::FrameHeader> headers;
    for (std::size_t i = begin; i < network_.sent.size(); ++i) {
        const wire::FrameHeader header = network_.sent[i].frame().header;
        if (header.type == MessageType::transaction) headers.push_back(header);
    }
    ASSERT_EQ(headers.size(), 2U);
    EXPECT_EQ(headers[0].sender, crypto::node_id(nodes[0]->key()));
    EXPECT_EQ(headers[0].hop_limit, wire::hop_limit_default);
    --headers[0].hop_limit;
    EXPECT_EQ(headers[0], headers[1]);
}

TEST_F(Flooding, ObjectComingBackToItsOrigin_IsNeverHandedUp) {
    const Nodes nodes = make_clique(3);
    deliver(*nodes[1], *nodes[0], header_of(*nodes[0], 3), "mine");
    network_.run_for(100ms);
    EXPECT_EQ(copies(nodes, 0, "mine"), 0U);
    EXPECT_EQ(nodes[0]->mesh().stats().of(Drop::own) > 0, true);
}

TEST_F(Flooding, AChunkIsForOnePeer_NeverRelayed_AndHandedUpEachTimeItComes) {
    const Nodes nodes = make_clique(3);
    const std::size_t begin = network_.sent.size();
    const wire::Outgoing chunk{.type = MessageType::sync_data,
                               .to = nodes[1]->key(),
                               .except = std::nullopt,
                               .payload = base::to_buffer(base::as_bytes("bytes"))};
    for (int i = 0; i < 2; ++i) ASSERT_EQ(nodes[0]->mesh().send(network_.now(), chunk), 1U);
    network_.run_for(1s);
    EXPECT_EQ(copies(nodes, 1, "bytes"), 2U);
    EXPECT_EQ(copies(nodes, 2, "bytes"), 0U);
    EXPECT_EQ(network_.count_sent(MessageType::sync_data, begin), 2U);
}

TEST_F(Flooding, SameContentInAnotherFrame_IsADuplicate) {
    const Nodes nodes = make_line(3);
    deliver(*nodes[0], *nodes[1], header_of(*nodes[0], 3), "pay");
    network_.run_for(100ms);
    wire::FrameHeader renamed = header_of(*nodes[0], 3);
    renamed.sequence = 99;
    renamed.sender.bytes[0] ^= std::byte{1};
    const std::size_t begin = network_.sent.size();
    deliver(*nodes[0], *nodes[1], renamed, "pay");
    network_.run_for(100ms);
    EXPECT_EQ(copies(nodes, 1, "pay"), 1U);
    EXPECT_EQ(network_.count_sent(MessageType::transaction, begin), 0U);
    EXPECT_EQ(nodes[1]->mesh().stats().of(Drop::duplicate), 1U);
}

TEST_F(Flooding, CopyWithNoHopsLeft_DoesNotStopALaterOneThatReachesFurther) {
    const Nodes nodes = make_line(3);
    deliver(*nodes[0], *nodes[1], header_of(*nodes[0], 0), "pay");
    network_.run_for(100ms);
    EXPECT_EQ(copies(nodes, 2, "pay"), 0U);
    deliver(*nodes[0], *nodes[1], header_of(*nodes[0], 3), "pay");
    network_.run_for(100ms);
    EXPECT_EQ(copies(nodes, 1, "pay"), 1U);
    EXPECT_EQ(copies(nodes, 2, "pay"), 1U);
}

TEST_F(Flooding, OneObjectRepeatedWithEveryHopLimit_IsPassedOnAtMostSevenTimes) {
    const Nodes nodes = make_line(3);
    const std::size_t begin = network_.sent.size();
    for (int round = 0; round < 3; ++round) {
        for (std::uint8_t hops = 0; hops <= wire::hop_limit_max; ++hops) {
            deliver(*nodes[0], *nodes[1], header_of(*nodes[0], hops), "pay");
            network_.run_for(10ms);
        }
    }
    EXPECT_EQ(copies(nodes, 1, "pay"), 1U);
    EXPECT_LE(network_.count_sent(MessageType::transaction, begin), 7U);
}

TEST_F(Flooding, IgnoredObject_IsJudgedAgainWhenItReturns) {
    const Nodes nodes = make_line(3);
    Verdict answer = Verdict::ignore;
    nodes[1]->handler().verdict = [&](auto, auto) { return answer; };
    deliver(*nodes[0], *nodes[1], header_of(*nodes[0], 3), "early");
    network_.run_for(100ms);
    EXPECT_EQ(copies(nodes, 2, "early"), 0U);
    answer = Verdict::relay;
    deliver(*nodes[0], *nodes[1], header_of(*nodes[0], 3), "early");
    network_.run_for(100ms);
    EXPECT_EQ(copies(nodes, 1, "early"), 2U);
    EXPECT_EQ(copies(nodes, 2, "early"), 1U);
}

TEST_F(Flooding, KeptObject_StaysHere) {
    const Nodes nodes = make_line(3);
    nodes[1]->handler().verdict = [](auto, auto) { return Verdict::keep; };
    ASSERT_TRUE(nodes[0]->mesh().send(network_.now(), transaction("for you")));
    network_.run_for(100ms);
    deliver(*nodes[0], *nodes[1], header_of(*nodes[0], 7), "for you");
    network_.run_for(100ms);
    EXPECT_EQ(copies(nodes, 1, "for you"), 1U);
    EXPECT_EQ(copies(nodes, 2, "for you"), 0U);
}

TEST_F(Flooding, WrongObjects_GoNoFurtherAndLowerTheScoreOfTheirBringer) {
    const Nodes nodes = make_line(3);
    nodes[1]->handler().verdict = [](auto, auto) { return Verdict::punish; };
    ASSERT_TRUE(nodes[0]->mesh().send(network_.now(), transaction("bad one")));
    network_.run_for(100ms);
    EXPECT_TRUE(nodes[1]->mesh().is_connected(nodes[0]->key()));
    EXPECT_LT(nodes[1]->mesh().peer(nodes[0]->key())->score, PeerScore(PeerScore::fair));
    EXPECT_EQ(copies(nodes, 2, "bad one"), 0U);
}

TEST_F(Flooding, Except_LeavesOnePeerOut) {
    const Nodes nodes = make_clique(4);
    wire::Outgoing frame = transaction("pay");
    frame.except = nodes[2]->key();
    EXPECT_EQ(nodes[0]->mesh().send(network_.now(), frame), 2U);
}

TEST_F(Flooding, SeenSet_HoldsNoMoreThanItsLimit) {
    Flood flood(100, {});
    for (std::uint32_t i = 0; i < 1'000; ++i) {
        std::array<std::byte, 4> payload;
        base::FixedWriter(payload).u32(i);
        const ContentId id = flood.content_id(MessageType::block, payload);
        EXPECT_EQ(flood.classify(id, 3), Flood::Novelty::unseen);
        flood.mark_relayed(id, 3);
        EXPECT_EQ(flood.classify(id, 3), Flood::Novelty::seen);
        EXPECT_EQ(flood.classify(id, 4), Flood::Novelty::reaches_further);
        flood.check_invariants();
    }
    EXPECT_EQ(flood.size(), 100U);
}

TEST_F(Flooding, OneContentUnderTwoTypes_IsTwoObjects) {
    const Flood flood(1, {});
    EXPECT_NE(flood.content_id(MessageType::block, base::as_bytes("x")),
              flood.content_id(MessageType::transaction, base::as_bytes("x")));
}

TEST_F(Flooding, LossyCliqueOfSix_ReachesEverybodyThroughTheOthers) {
    std::size_t missed = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Network network(seed);
        network.delay_max = 20ms;
        const Nodes nodes = network.make_nodes(6, {});
        network.run_for(10s);
        network.loss_percent = 20;
        ASSERT_EQ(nodes[0]->mesh().send(network.now(), transaction("pay")), 5U) << "seed " << seed;
        network.run_for(1s);
        for (std::size_t i = 1; i < nodes.size(); ++i) missed += copies(nodes, i, "pay") == 0;
    }
    // Alone, a fifth of the 50 copies would be missing.
    EXPECT_LE(missed, 2U);
}

}  // namespace
}  // namespace meshchain::mesh::test
