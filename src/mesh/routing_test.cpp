// Routed messages over meshes with only some sessions (row F9): they arrive once, take the short
// way, find another when one fails, and end.

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using wire::MessageType;
using Nodes = std::vector<std::unique_ptr<Node>>;
using Pairs = std::set<std::pair<std::uint16_t, std::uint16_t>>;

/// Nodes are numbered from 1, as their ports and keys are.
class RoutingTest : public testing::Test {
protected:
    void make(std::uint8_t count, Pairs pairs, const Options& options = {}) {
        network_.connect_only(std::move(pairs));
        nodes_ = network_.make_nodes(count, options);
        network_.run_for(15s);
        begin_ = network_.sent.size();
    }
    static Pairs line(std::uint16_t count) {
        Pairs pairs;
        for (std::uint16_t i = 1; i < count; ++i) pairs.emplace(i, std::uint16_t(i + 1));
        return pairs;
    }
    static Pairs ring(std::uint16_t count) {
        Pairs pairs = line(count);
        pairs.emplace(std::uint16_t{1}, count);
        return pairs;
    }
    static Pairs grid(std::uint16_t side) {
        Pairs pairs;
        for (std::uint16_t row = 0; row < side; ++row) {
            for (std::uint16_t column = 0; column < side; ++column) {
                const auto number = static_cast<std::uint16_t>(1 + row * side + column);
                if (column + 1 < side) pairs.emplace(number, std::uint16_t(number + 1));
                if (row + 1 < side) pairs.emplace(number, std::uint16_t(number + side));
            }
        }
        return pairs;
    }

    Node& node(std::size_t number) { return *nodes_.at(number - 1); }
    /// Sends, and returns its sequence.
    std::uint64_t send(std::size_t from, const wire::Destination& to, std::string_view text) {
        const auto sent =
            node(from).mesh().send_routed(network_.now(), to, note_type, base::as_bytes(text));
        EXPECT_TRUE(sent.has_value());
        return sent.value_or(0);
    }
    std::size_t copies(std::size_t number, std::string_view text) {
        return node(number).handler().count(base::as_bytes(text));
    }
    /// How our own message to one key ended; nothing while it is under way.
    std::optional<RoutedSettled> settled(std::size_t number, std::uint64_t sequence) {
        for (const auto& event : node(number).events_of<RoutedSettled>()) {
            if (event.sequence == sequence) return event;
        }
        return std::nullopt;
    }
    /// Sends a text and returns how it ended.
    RoutedSettled ask(std::size_t from, std::size_t to) {
        const std::uint64_t sequence = send(from, node(to).key(), "ask");
        network_.run_until([&] { return settled(from, sequence).has_value(); }, 10s);
        const auto found = settled(from, sequence);
        EXPECT_TRUE(found.has_value());
        return found.value_or(RoutedSettled{});
    }
    std::size_t routed_since_begin() { return network_.count_sent(MessageType::routed, begin_); }
    /// A node that takes part in everything and passes no routed message on.
    void swallow_at(std::uint16_t port) {
        network_.swallows = [port](const auto& from, const auto&, base::Bytes bytes) {
            return from.port == port && bytes[0] == std::byte(MessageType::routed);
        };
    }

    Network network_;
    Nodes nodes_;
    std::size_t begin_ = 0;
};

TEST_F(RoutingTest, LineOfEight_IsCrossedByOneFrameALinkAndAnsweredByItsReceipt) {
    make(8, line(8));
    const std::uint64_t sequence = send(1, node(8).key(), "hi");
    network_.run_for(100ms);
    EXPECT_EQ(copies(8, "hi"), 1U);
    for (std::size_t other = 2; other < 8; ++other) EXPECT_EQ(copies(other, "hi"), 0U);
    const auto& seen = node(8).handler().seen.back();
    ASSERT_TRUE(seen.routed);
    EXPECT_EQ(seen.routed->origin, node(1).key());
    EXPECT_EQ(seen.routed->hops, 7);
    EXPECT_EQ(seen.from, node(7).key());
    const auto end = settled(1, sequence);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->outcome, RoutedOutcome::taken);
    EXPECT_EQ(end->attempts, 1);
    EXPECT_EQ(end->hops_there, 7);
    EXPECT_EQ(end->hops_back, 7);
    EXPECT_EQ(end->round_trip, 14ms);
    EXPECT_EQ(routed_since_begin(), 14U);
}

TEST_F(RoutingTest, LineOfNine_IsTheFurthestAndTenIsTooFar) {
    make(10, line(10));
    EXPECT_EQ(ask(1, 9).outcome, RoutedOutcome::taken);
    EXPECT_EQ(ask(1, 10).outcome, RoutedOutcome::lost);
    EXPECT_EQ(copies(10, "ask"), 0U);
}

TEST_F(RoutingTest, Topology_IsKnownToAllAsItIs) {
    make(9, grid(3));
    for (const auto& one : nodes_) {
        ASSERT_NE(one->mesh().topology(), nullptr);
        EXPECT_EQ(one->mesh().topology()->nodes().size(), 9U);
        EXPECT_EQ(one->mesh().topology()->edges().size(), 12U);
    }
    EXPECT_EQ(node(1).mesh().topology()->hops(node(9).key()), 4);
    EXPECT_EQ(node(5).mesh().topology()->within(1).size(), 4U);
    EXPECT_EQ(node(1).mesh().topology()->within().size(), 5U);
}

TEST_F(RoutingTest, Ring_TakesTheShortWay_AndTheOtherWhenItsFirstNodeDies) {
    make(6, ring(6));
    EXPECT_EQ(ask(1, 3).hops_there, 2);
    node(2).power_off();
    const RoutedSettled repaired = ask(1, 3);
    EXPECT_EQ(repaired.outcome, RoutedOutcome::taken);
    EXPECT_EQ(repaired.hops_there, 4);
    EXPECT_EQ(repaired.attempts, 2);
    // Learned: the next one loses no time.
    EXPECT_EQ(ask(1, 3).attempts, 1);
}

TEST_F(RoutingTest, NodeThatDiesInTheMiddle_IsGoneAround) {
    make(16, grid(4));
    EXPECT_EQ(ask(1, 16).hops_there, 6);
    node(6).power_off();
    node(3).power_off();
    node(10).power_off();
    const RoutedSettled repaired = ask(1, 16);
    EXPECT_EQ(repaired.outcome, RoutedOutcome::taken);
    EXPECT_EQ(repaired.hops_there, 6);
    network_.run_for(40s);  // all have noticed
    EXPECT_EQ(ask(1, 16).attempts, 1);
    EXPECT_EQ(copies(16, "ask"), 3U);
}

TEST_F(RoutingTest, RelayThatSwallowsEverything_IsGoneAround) {
    make(6, {{1, 2}, {2, 3}, {1, 4}, {4, 5}, {3, 5}, {3, 6}});
    swallow_at(2);
    const RoutedSettled first = ask(1, 3);
    EXPECT_EQ(first.outcome, RoutedOutcome::taken);
    EXPECT_EQ(first.attempts, 2);
    EXPECT_EQ(first.hops_there, 3);
    EXPECT_EQ(ask(1, 3).attempts, 1);
    EXPECT_EQ(copies(3, "ask"), 2U);
}

TEST_F(RoutingTest, LiarDeepInside_IsGoneAroundByTheFloodAtTheLatest) {
    // Behind 2, the short way leads through 3, which swallows, the long one through 5 and 6.
    make(7, {{1, 2}, {2, 3}, {3, 4}, {2, 5}, {5, 6}, {4, 6}, {4, 7}});
    swallow_at(3);
    const RoutedSettled end = ask(1, 7);
    EXPECT_EQ(end.outcome, RoutedOutcome::taken);
    EXPECT_EQ(end.attempts, 2);  // 2 remembers what it tried
    EXPECT_EQ(copies(7, "ask"), 1U);
}

TEST_F(RoutingTest, Partition_IsBridgedByWhatTheFirstFloodTeaches) {
    Pairs halves = line(4);
    halves.merge(Pairs{{5, 6}, {6, 7}, {7, 8}});
    make(8, halves);
    EXPECT_EQ(ask(1, 8).outcome, RoutedOutcome::lost);
    halves = network_.links;
    halves.emplace(std::uint16_t{4}, std::uint16_t{5});
    network_.connect_only(halves);
    network_.run_for(20s);
    EXPECT_EQ(node(1).mesh().topology()->hops(node(8).key()), 7);
    const RoutedSettled end = ask(1, 8);
    EXPECT_EQ(end.outcome, RoutedOutcome::taken);
    EXPECT_EQ(end.hops_there, 7);
}

TEST_F(RoutingTest, Restart_OfTheOrigin_IsHeardAtOnce) {
    make(4, line(4));
    EXPECT_EQ(ask(1, 4).attempts, 1);
    node(1).restart(1);
    node(1).events().clear();
    network_.run_for(5s);
    EXPECT_EQ(ask(1, 4).outcome, RoutedOutcome::taken);
    EXPECT_EQ(copies(4, "ask"), 2U);
}

TEST_F(RoutingTest, NobodyOfThatName_IsSoughtThreeTimesAndGivenUp) {
    make(9, grid(3));
    const std::uint64_t sequence = send(1, key_of(99).public_key(), "hello?");
    network_.run_for(6900ms);
    EXPECT_FALSE(settled(1, sequence));
    network_.run_for(200ms);
    ASSERT_TRUE(settled(1, sequence));
    EXPECT_EQ(settled(1, sequence)->outcome, RoutedOutcome::lost);
    EXPECT_EQ(settled(1, sequence)->attempts, 3);
    // Each flood crosses each of the twelve links at most twice.
    EXPECT_LE(routed_since_begin(), 3U * 2U * 12U);
    for (std::size_t other = 2; other <= 9; ++other) EXPECT_EQ(copies(other, "hello?"), 0U);
}

TEST_F(RoutingTest, ToAll_ReachesEachOnce) {
    make(9, grid(3));
    send(5, wire::Everybody{}, "all");
    network_.run_for(1s);
    for (std::size_t i = 1; i <= 9; ++i) EXPECT_EQ(copies(i, "all"), i == 5 ? 0U : 1U) << i;
    EXPECT_LE(routed_since_begin(), 2U * 12U);
}

TEST_F(RoutingTest, ToASegment_IsHandedUpByItsMembersAlone) {
    network_.connect_only(line(5));
    for (std::uint8_t i = 1; i <= 5; ++i) {
        Node::Setup setup{.key = i, .port = i};
        if (i % 2 == 1) setup.options.segments = {"kitchen", "all"};
        nodes_.push_back(std::make_unique<Node>(network_, setup));
    }
    network_.run_for(15s);
    const wire::SegmentId kitchen = wire::segment_id(chain_of(7), "kitchen");
    send(2, kitchen, "soup");
    network_.run_for(1s);
    EXPECT_EQ(copies(1, "soup"), 1U);
    EXPECT_EQ(copies(3, "soup"), 1U);
    EXPECT_EQ(copies(4, "soup"), 0U);
    EXPECT_EQ(copies(5, "soup"), 1U);
    const auto* known = node(1).mesh().announced()->find(node(5).key());
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(known->announcement.segments.size(), 2U);
}

TEST_F(RoutingTest, AServiceSendsThroughOutgoingAndAnswersItsIngress) {
    make(4, line(4));
    const wire::Outgoing question =
        wire::routed_to(node(4).key(), note_type, base::to_buffer(base::as_bytes("how far?")));
    ASSERT_TRUE(node(1).mesh().send(network_.now(), question));
    network_.run_for(100ms);
    ASSERT_EQ(copies(4, "how far?"), 1U);
    const auto& seen = node(4).handler().seen.back();
    const wire::Outgoing answer =
        wire::reply_to({.peer = seen.from, .routed = seen.routed}, note_type,
                       base::to_buffer(base::as_bytes("three")));
    ASSERT_TRUE(node(4).mesh().send(network_.now(), answer));
    network_.run_for(100ms);
    EXPECT_EQ(copies(1, "three"), 1U);
}

TEST_F(RoutingTest, WhatNobodyThereTakes_IsSaidInTheReceipt) {
    make(3, line(3));
    node(3).handler().verdict = [](auto, auto) { return wire::Verdict::ignore; };
    const RoutedSettled end = ask(1, 3);
    EXPECT_EQ(end.outcome, RoutedOutcome::refused);
    EXPECT_EQ(end.attempts, 1);
}

TEST_F(RoutingTest, WrongInside_IsChargedToItsOriginAndNotToTheRelay) {
    make(3, {{1, 2}, {2, 3}, {1, 3}});
    node(3).handler().verdict = [](auto, auto) { return wire::Verdict::punish; };
    const PeerScore relay_before = node(3).mesh().peer(node(2).key())->score;
    const PeerScore origin_before = node(3).mesh().peer(node(1).key())->score;
    network_.swallows = [](const auto& from, const auto& to, base::Bytes bytes) {
        return from.port == 1 && to.port == 3 && bytes[0] == std::byte(MessageType::routed);
    };
    ask(1, 3);
    EXPECT_LT(node(3).mesh().peer(node(1).key())->score, origin_before);
    EXPECT_GE(node(3).mesh().peer(node(2).key())->score, relay_before);
}

TEST_F(RoutingTest, TypesAndSizesOutsideTheirRule_AreRefusedWithReason) {
    make(2, line(2));
    Mesh& mesh = node(1).mesh();
    const crypto::PublicKey to = node(2).key();
    const auto code = [&](MessageType type, std::size_t bytes, const wire::Destination& where) {
        const auto sent = mesh.send_routed(network_.now(), where, type, base::Buffer(bytes));
        return sent ? base::Errc::io : sent.error().code;
    };
    EXPECT_EQ(code(MessageType::transaction, 10, to), base::Errc::invalid_argument);
    EXPECT_EQ(code(MessageType::receipt, wire::Receipt::size, to), base::Errc::invalid_argument);
    EXPECT_EQ(code(MessageType{200}, 10, to), base::Errc::invalid_argument);
    EXPECT_EQ(code(note_type, 0, to), base::Errc::invalid_argument);
    EXPECT_EQ(code(note_type, 501, to), base::Errc::invalid_argument);
    EXPECT_EQ(code(note_type, 10, mesh.identity()), base::Errc::invalid_argument);
    // And a routed type is no frame, nor are mesh's own objects for others to send.
    for (const MessageType type : {note_type, MessageType::routed, MessageType::peer_info}) {
        const wire::Outgoing frame{
            .type = type, .to = std::nullopt, .except = std::nullopt, .payload = base::Buffer(200)};
        EXPECT_FALSE(mesh.send(network_.now(), frame));
    }
}

TEST_F(RoutingTest, TooManyUnderWay_AreRefusedUntilSomeEnd) {
    make(2, line(2));
    const crypto::PublicKey nobody = key_of(99).public_key();
    std::size_t taken = 0;
    while (node(1).mesh().send_routed(network_.now(), nobody, note_type, base::Buffer(1))) ++taken;
    EXPECT_EQ(taken, Router::pending_max);
    network_.run_for(8s);
    EXPECT_TRUE(node(1).mesh().send_routed(network_.now(), nobody, note_type, base::Buffer(1)));
}

TEST_F(RoutingTest, LossOfAFifth_LosesAlmostNothingAndDoublesNothing) {
    make(9, grid(3));
    network_.loss_percent = 20;
    std::size_t lost = 0;
    for (int i = 0; i < 20; ++i) lost += ask(1, 9).outcome == RoutedOutcome::lost ? 1U : 0U;
    EXPECT_LE(lost, 4U);
    EXPECT_LE(copies(9, "ask"), 20U);
    EXPECT_GE(copies(9, "ask"), 16U);
}

}  // namespace
}  // namespace meshchain::mesh::test
