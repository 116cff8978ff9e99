// Nodes with a network and a radio: what crosses from one to the other, and how often.

#include <gtest/gtest.h>

#include "mesh/test_room.h"

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;
using wire::MessageType;

class BridgeTest : public test::AirTest {};

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

}  // namespace
}  // namespace meshchain::mesh
