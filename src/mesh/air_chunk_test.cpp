// Chunks on a medium that everybody hears: questions and repairs that nobody signs, of use only to
// who waits for them.

#include <gtest/gtest.h>

#include "mesh/test_room.h"

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;
using test::AirTest;
using wire::MessageType;
using wire::Verdict;

class AirChunkTest : public AirTest {
protected:
    void send_on_air(test::Node& from, std::string_view content,
                     std::optional<crypto::PublicKey> to = std::nullopt) {
        const auto sent =
            from.mesh().send(network_.now(), {.type = MessageType::air_ask,
                                              .to = to,
                                              .payload = base::to_buffer(base::as_bytes(content)),
                                              .only_on_air = true});
        EXPECT_TRUE(sent.has_value());
    }
    static std::uint64_t dropped(test::Node& node, Drop reason) {
        return node.mesh().stats().of(reason);
    }
};

TEST_F(AirChunkTest, Chunk_ReachesAllInReach_EachTimeThatItIsSaid) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    test::Node& three = add(3);
    for (std::size_t times = 1; times <= 3; ++times) {
        send_on_air(one, "a question");
        network_.run_for(2s);
        EXPECT_EQ(heard(two, "a question"), times);
        EXPECT_EQ(heard(three, "a question"), times);
    }
    EXPECT_EQ(heard(one, "a question"), 0U);
    EXPECT_TRUE(two.handler().repeats.empty()) << "it is not remembered";
    EXPECT_EQ(dropped(two, Drop::duplicate), 0U);
}

TEST_F(AirChunkTest, Chunk_IsNobodysFault_ButIsKnownByTheRadio) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    network_.run_for(2min);
    send_on_air(two, "by two");
    say(MessageType::air_ask, "by a stranger");
    network_.run_for(2s);
    std::size_t seen = 0;
    for (const auto& item : one.handler().seen) {
        if (item.type != MessageType::air_ask) continue;
        ++seen;
        EXPECT_TRUE(item.ingress.on_air);
        EXPECT_EQ(item.ingress.giver(), std::nullopt);
        const bool is_of_two = base::as_text(item.payload) == "by two";
        EXPECT_EQ(item.ingress.source(), is_of_two ? std::optional(two.key()) : std::nullopt);
    }
    EXPECT_EQ(seen, 2U);
}

// The radios pass it on themselves; and nobody on a session has use for it.
TEST_F(AirChunkTest, HeardChunk_IsNotRelayed_WhateverTheVerdict) {
    network_.connect_only({{1, 2}});
    test::Node& on_lan = add(1, false);
    test::Node& bridge = add(2);
    network_.run_for(2min);
    ASSERT_TRUE(on_lan.mesh().is_connected(bridge.key()));
    for (const Verdict verdict : {Verdict::relay, Verdict::keep, Verdict::ignore}) {
        bridge.handler().verdict = [&](MessageType, base::Bytes) { return verdict; };
        say(MessageType::air_ask, "a question");
        network_.run_for(2min);
    }
    EXPECT_EQ(heard(bridge, "a question"), 3U);
    EXPECT_EQ(heard(on_lan, "a question"), 0U);
    EXPECT_EQ(room_.count(MessageType::air_ask), 3U);
}

TEST_F(AirChunkTest, ChunkForTheAirAlone_LeavesOnNoSession) {
    network_.connect_only({{1, 2}});
    test::Node& on_lan = add(1, false);
    test::Node& bridge = add(2);
    test::Node& on_air = add(3);
    network_.run_for(2min);
    ASSERT_TRUE(on_lan.mesh().is_connected(bridge.key()));
    send_on_air(bridge, "a question");
    network_.run_for(10s);
    EXPECT_EQ(heard(on_air, "a question"), 1U);
    EXPECT_EQ(heard(on_lan, "a question"), 0U);
}

// All hear it anyway: it goes as it is, as nobody could tell what a signature behind it is.
TEST_F(AirChunkTest, ChunkForOne_IsSaidToAll_Unsigned) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    test::Node& three = add(3);
    network_.run_for(2min);
    send_on_air(one, "a question", two.key());
    network_.run_for(2s);
    EXPECT_EQ(heard(two, "a question"), 1U);
    EXPECT_EQ(heard(three, "a question"), 1U);
}

TEST_F(AirChunkTest, Chunk_GoesNoFurtherThanWhoIsThere) {
    test::Node& one = add(1);
    add(2);
    network_.run_for(2min);
    send_on_air(one, "a question");
    EXPECT_EQ(room_.log.back().header.hop_limit, 0U);
}

TEST_F(AirChunkTest, MoreChunksThanTheRuleAllows_AreDropped) {
    test::Node& one = add(1);
    network_.run_for(1s);
    const auto hear = [&](int count) {
        for (int i = 0; i < count; ++i) say(MessageType::air_ask, "a question");
        network_.run_for(501ms);
        return heard(one, "a question");
    };
    EXPECT_EQ(hear(15), 10U) << "as many as may come at once";
    EXPECT_EQ(dropped(one, Drop::rate), 5U);
    network_.run_for(2s);
    EXPECT_EQ(hear(15), 12U) << "one a second";
    EXPECT_GE(dropped(one, Drop::rate), 18U);
}

TEST_F(AirChunkTest, ChunkThatIsNotForTheAir_OrOfALengthThatItsRuleForbids_IsDropped) {
    test::Node& one = add(1);
    network_.run_for(1s);
    say(MessageType::sync_data, "a part of a state");
    say(MessageType::air_ask, "21 bytes are too many");
    network_.run_for(2s);
    EXPECT_TRUE(one.handler().seen.empty());
    EXPECT_EQ(dropped(one, Drop::unknown_type), 1U);
    EXPECT_EQ(dropped(one, Drop::size), 1U);
}

}  // namespace
}  // namespace meshchain::mesh
