// Nodes with a network and a radio: what crosses from one to the other, and how often.

#include <gtest/gtest.h>

#include <set>

#include "mesh/test_room.h"

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;
using wire::MessageType;

class BridgeTest : public test::AirTest {
protected:
    std::size_t spoken_by(std::size_t radio) const {
        return static_cast<std::size_t>(std::ranges::count_if(room_.log, [&](const auto& spoken) {
            return spoken.speaker == radio && spoken.header.type == MessageType::transaction;
        }));
    }
    void repeat(test::Node& from, std::string_view content) {
        EXPECT_TRUE(from.mesh()
                        .send(network_.now(), {.type = MessageType::transaction,
                                               .payload = base::to_buffer(base::as_bytes(content)),
                                               .repeated = true})
                        .has_value());
    }
    bool was_bridged(std::string_view content) const {
        for (auto spoken = room_.log.rbegin(); spoken != room_.log.rend(); ++spoken) {
            if (base::as_text(spoken->payload) == content) return spoken->how.bridged;
        }
        ADD_FAILURE() << content << " was never on the air";
        return false;
    }
};

TEST_F(BridgeTest, NodeWithBoth_IsABridge_ThatCarriesEachObjectOnce) {
    network_.connect_only({{1, 2}});
    test::Node& on_lan = add(1, false);
    test::Node& bridge = add(2);
    test::Node& on_air = add(3);
    ASSERT_TRUE(network_.run_until([&] { return on_lan.mesh().is_connected(bridge.key()); }, 20s));
    send(on_lan, MessageType::transaction, "to the air");
    send(on_air, MessageType::transaction, "to the lan");
    network_.run_for(1min);
    EXPECT_EQ(heard(on_air, "to the air"), 1U);
    EXPECT_EQ(heard(on_lan, "to the lan"), 1U);
    EXPECT_EQ(heard(bridge, "to the air") + heard(bridge, "to the lan"), 2U);
    EXPECT_EQ(room_.count(MessageType::transaction), 2U);
}

// 1 and 3 are on two networks, with nothing but the radios of 2 and 4 between.
TEST_F(BridgeTest, RoutedMessagesOfOtherTypes_StayOffTheAir) {
    network_.connect_only({{1, 2}, {3, 4}});
    test::Node& one = add(1, false);
    add(2);
    test::Node& three = add(3, false);
    add(4);
    network_.run_for(2min);
    EXPECT_TRUE(
        one.mesh().send(network_.now(), wire::routed_to(three.key(), MessageType::probe, {})));
    network_.run_for(1min);
    EXPECT_EQ(room_.count(MessageType::routed), 0U);
}

// 2 and 3 are both on the same network and on the same air; 4 has a radio alone.
TEST_F(BridgeTest, TwoBetweenTheSameTwoNetworks_SayEachObjectOnce_AndEchoNothing) {
    network_.connect_only({{1, 2}, {1, 3}, {2, 3}});
    test::Node& on_lan = add(1, false);
    test::Node& bridge = add(2);
    add(3);
    test::Node& on_air = add(4);
    network_.run_for(3min);
    const auto send_ten = [&](test::Node& from, const std::string& what) {
        for (int i = 0; i < 10; ++i) {
            send(from, MessageType::transaction, what + std::to_string(i));
            network_.run_for(5s);
        }
    };
    send_ten(on_lan, "from the network ");
    EXPECT_EQ(room_.count(MessageType::transaction), 10U);
    EXPECT_GT(spoken_by(0), 0U) << "both have their turns";
    EXPECT_GT(spoken_by(1), 0U);
    send_ten(on_air, "from the air ");
    EXPECT_EQ(room_.count(MessageType::transaction), 20U);
    send_ten(bridge, "from a bridge ");
    EXPECT_EQ(room_.count(MessageType::transaction), 30U);
    const std::size_t by_other = spoken_by(1);
    room_.radio(0).refuses = true;
    send_ten(on_lan, "after one fell silent ");
    EXPECT_EQ(room_.count(MessageType::transaction), 40U);
    EXPECT_EQ(spoken_by(1), by_other + 10) << "the other took its turns";
    for (int i = 0; i < 10; ++i) {
        for (const char* what : {"from the network ", "from a bridge ", "after one fell silent "}) {
            EXPECT_EQ(heard(on_air, what + std::to_string(i)), 1U) << what << i;
        }
        EXPECT_EQ(heard(on_lan, "from the air " + std::to_string(i)), 1U);
    }
}

TEST_F(BridgeTest, WhatCameByAnotherLink_IsSaidAsSuch_AndNothingElse) {
    network_.connect_only({{1, 2}});
    test::Node& on_lan = add(1, false);
    test::Node& bridge = add(2);
    test::Node& on_air = add(3);
    network_.run_for(3min);
    send(on_lan, MessageType::transaction, "of the network");
    send(bridge, MessageType::transaction, "of the bridge");
    send(on_air, MessageType::transaction, "of the air");
    network_.run_for(5s);
    EXPECT_TRUE(was_bridged("of the network"));
    EXPECT_FALSE(was_bridged("of the bridge"));
    network_.run_for(2min);
    for (const char* content : {"of the network", "of the bridge", "of the air", "forgotten"}) {
        repeat(bridge, content);
    }
    EXPECT_TRUE(was_bridged("of the network"));
    EXPECT_FALSE(was_bridged("of the bridge"));
    EXPECT_FALSE(was_bridged("of the air"));
    EXPECT_TRUE(was_bridged("forgotten"));
    repeat(on_air, "held by all");
    EXPECT_FALSE(was_bridged("held by all")) << "it has nothing to bridge from";
}

TEST_F(BridgeTest, ObjectAtTheEndOfItsHopsOnTheAir_ReachesTheNeighboursOfAGateway) {
    network_.connect_only({{1, 2}});
    test::Node& on_lan = add(1, false);
    add(2);
    network_.run_for(1min);
    room_.speak(network_.now().instant,
                {stranger,
                 {.type = MessageType::transaction, .sender = {}, .hop_limit = 0},
                 base::to_buffer(base::as_bytes("from far away"))});
    network_.run_for(5s);
    EXPECT_EQ(heard(on_lan, "from far away"), 1U);
}

// Where everybody hears everybody a packet has no hops left when it is first heard.
TEST_F(BridgeTest, ObjectAtTheEndOfItsHopsOnTheAir_GoesOnThroughTheNetwork) {
    network_.connect_only({{1, 2}, {1, 5}});
    test::Node& between = add(1, false);
    test::Node& behind = add(5, false);
    test::Node& bridge = add(2);
    ASSERT_TRUE(network_.run_until(
        [&] {
            return between.mesh().is_connected(bridge.key()) &&
                   between.mesh().is_connected(behind.key());
        },
        20s));
    room_.speak(network_.now().instant,
                {stranger,
                 {.type = MessageType::transaction, .sender = {}, .hop_limit = 0},
                 base::to_buffer(base::as_bytes("from the room"))});
    network_.run_for(1min);
    EXPECT_EQ(heard(behind, "from the room"), 1U);
    EXPECT_EQ(room_.count(MessageType::transaction), 1U) << "and does not come back";
}

// 4 heard it where its hops ended, and brings it first; 5 has it from nearer by.
TEST_F(BridgeTest, CopyWhoseHopsAreUsedUp_KeepsNoOtherOffTheAir) {
    network_.connect_only({{2, 4}, {2, 5}});
    Options near = options();
    near.hop_limit = 0;
    nodes_.push_back(std::make_unique<test::Node>(
        network_, test::Node::Setup{.key = 4, .port = 4, .options = near}));
    test::Node& far = *nodes_.back();
    test::Node& other = add(5, false);
    test::Node& bridge = add(2);
    ASSERT_TRUE(network_.run_until(
        [&] {
            return far.mesh().is_connected(bridge.key()) && other.mesh().is_connected(bridge.key());
        },
        20s));
    send(far, MessageType::transaction, "a payment");
    network_.run_for(5s);
    EXPECT_EQ(heard(bridge, "a payment"), 1U);
    EXPECT_EQ(room_.count(MessageType::transaction), 0U);
    send(other, MessageType::transaction, "a payment");
    network_.run_for(5s);
    EXPECT_EQ(room_.count(MessageType::transaction), 1U);
}

class GatewaysTest : public BridgeTest {
protected:
    /// On the network of node 1 all of them, each with a radio that says nothing more once it said
    /// that it is there.
    void add_silent_gateways(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) add(static_cast<std::uint8_t>(20 + i));
        network_.run_for(5min);
        for (std::size_t i = first_silent_; i < first_silent_ + count; ++i) {
            room_.radio(i).refuses = true;
        }
    }
    static std::set<std::pair<std::uint16_t, std::uint16_t>> star(std::size_t count,
                                                                  std::uint16_t gateway) {
        std::set<std::pair<std::uint16_t, std::uint16_t>> pairs{{1, gateway}};
        for (std::size_t i = 0; i < count; ++i) {
            pairs.emplace(gateway, static_cast<std::uint16_t>(20 + i));
        }
        return pairs;
    }
    static constexpr std::size_t first_silent_ = 1;
    static constexpr std::size_t many = 12;
};

TEST_F(GatewaysTest, ValidatorWaitsForNoKeyThatAnybodyCanMake) {
    network_.connect_only(star(many, 2));
    test::Node& on_lan = add(1, false);
    add(2);
    add_silent_gateways(many);
    for (int i = 0; i < 5; ++i) {
        send(on_lan, MessageType::transaction, "payment " + std::to_string(i));
        network_.run_for(100ms);
        EXPECT_EQ(spoken_by(0), static_cast<std::size_t>(i) + 1);
    }
}

TEST_F(GatewaysTest, ManySilentOnes_DelayNobodyByMoreThanAFewTurns) {
    network_.connect_only(star(many, 19));
    test::Node& on_lan = add(1, false);
    add(19);
    add_silent_gateways(many);
    for (int i = 0; i < 5; ++i) {
        send(on_lan, MessageType::transaction, "payment " + std::to_string(i));
        network_.run_for(3s);
        EXPECT_EQ(spoken_by(0), static_cast<std::size_t>(i) + 1);
    }
}

}  // namespace
}  // namespace meshchain::mesh
