// What the mesh does without on a medium that everybody hears: relays that reach nobody, and words
// that were said a moment ago.

#include <gtest/gtest.h>

#include "mesh/test_room.h"

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;
using test::AirTest;
using test::Room;
using wire::MessageType;

class FrugalAirTest : public AirTest {
protected:
    /// Of what was said of this type last.
    std::uint8_t last_hop_limit(MessageType type) const {
        const auto last = std::find_if(room_.log.rbegin(), room_.log.rend(),
                                       [&](const auto& item) { return item.header.type == type; });
        EXPECT_NE(last, room_.log.rend());
        return last == room_.log.rend() ? UINT8_MAX : last->header.hop_limit;
    }
    /// Of a vote and of a block that the first node says.
    std::pair<unsigned, unsigned> vote_and_block() {
        const std::string number = std::to_string(room_.log.size());
        send(*nodes_[0], MessageType::block_ack, "a vote " + number);
        send(*nodes_[0], MessageType::block, "a block " + number);
        return {last_hop_limit(MessageType::block_ack), last_hop_limit(MessageType::block)};
    }
    /// The first node does.
    void ask(const std::optional<crypto::PublicKey>& to) {
        const auto sent = nodes_[0]->mesh().send(
            network_.now(), {.type = MessageType::vote_request,
                             .to = to,
                             .payload = base::to_buffer(base::as_bytes("which votes")),
                             .hurried = true});
        EXPECT_TRUE(sent.has_value());
    }
    /// As an answer to who asked for it, or for whoever missed it.
    void repeat(test::Node& from, std::string_view content, bool hurried) {
        const auto sent =
            from.mesh().send(network_.now(), {.type = MessageType::block,
                                              .payload = base::to_buffer(base::as_bytes(content)),
                                              .repeated = true,
                                              .hurried = hurried});
        EXPECT_TRUE(sent.has_value());
    }

    static constexpr unsigned full = wire::hop_limit_default;
};

using Limits = std::pair<unsigned, unsigned>;

TEST_F(FrugalAirTest, HopLimit_IsAsFarAsTheFurthestWhoIsHeard) {
    add(1);
    add(2);
    add(3);
    EXPECT_EQ(vote_and_block(), Limits(full, full)) << "nobody is known yet";
    network_.run_for(2min);
    EXPECT_EQ(vote_and_block(), Limits(0, 1)) << "a block has one relay, lest another is built";
    test::Node& far = add(4);
    room_.set_hops(3, 2);
    network_.run_for(5min);
    ASSERT_TRUE(nodes_[0]->mesh().is_connected(far.key()));
    EXPECT_EQ(vote_and_block(), Limits(2, 2));
}

// Of twenty in a room, three were heard over a relay alone, because the first copy was lost.
TEST_F(FrugalAirTest, OfMany_AFewThatWereHeardOverARelayOnce_AreNear) {
    for (std::uint8_t number = 1; number <= 9; ++number) add(number);
    test::Node& far = add(10);
    room_.set_hops(9, 2);
    network_.run_for(20min);
    ASSERT_TRUE(nodes_[0]->mesh().is_connected(far.key()));
    EXPECT_EQ(vote_and_block(), Limits(0, 1));
    send(far, MessageType::block_ack, "a vote from far away");
    network_.run_for(2s);
    EXPECT_EQ(vote_and_block(), Limits(2, 2)) << "twice is no chance";
}

TEST_F(FrugalAirTest, SpeakerThatDoesNotSayItsHops_MayBeAnywhere) {
    add(1);
    add(2);
    add(3);
    room_.set_hops(2, std::nullopt);
    network_.run_for(2min);
    EXPECT_EQ(vote_and_block(), Limits(full, full));
}

TEST_F(FrugalAirTest, FurtherThanTheHopLimitGoes_NothingIsSaid) {
    add(1);
    test::Node& two = add(2);
    room_.set_hops(1, 6);
    network_.run_for(2min);
    EXPECT_EQ(vote_and_block(), Limits(full, full));
    ask(two.key());
    EXPECT_EQ(last_hop_limit(MessageType::vote_request), full);
}

TEST_F(FrugalAirTest, QuestionToOneAndToAll_GoesAsFarAsAVote_AndAsHurried) {
    add(1);
    test::Node& two = add(2);
    room_.set_hops(1, 1);
    network_.run_for(2min);
    for (const auto& to : {std::optional<crypto::PublicKey>{}, std::optional(two.key())}) {
        ask(to);
        EXPECT_EQ(last_hop_limit(MessageType::vote_request), 1U) << to.has_value();
        EXPECT_TRUE(room_.log.back().how.hurried) << to.has_value();
    }
}

TEST_F(FrugalAirTest, VoteOnAShorterWay_TellsHowNearItsRadioIs) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    room_.set_hops(1, 2);
    network_.run_for(2min);
    ASSERT_EQ(vote_and_block(), Limits(2, 2));
    for (const PeerHeartbeat& heartbeat : one.events_of<PeerHeartbeat>()) {
        EXPECT_FALSE(heartbeat.air->is_direct);
    }
    room_.set_hops(1, 0);
    send(two, MessageType::block_ack, "a vote that came by itself");
    network_.run_for(2s);
    EXPECT_EQ(vote_and_block(), Limits(0, 1));
    room_.set_hops(1, 2);
    send(two, MessageType::block_ack, "another that was relayed");
    network_.run_for(2s);
    EXPECT_EQ(vote_and_block(), Limits(0, 1)) << "it was only lost on the shorter way";
}

// By these a node that has not been heard yet is found; the others tell only who is heard anyway.
TEST_F(FrugalAirTest, StatusAndAnnouncement_GoAsFarAsTheyCan_EachFourthTime) {
    for (std::uint8_t number = 1; number <= 3; ++number) add(number);
    add(9);
    network_.run_for(2h);
    EXPECT_EQ(vote_and_block(), Limits(0, 1));
    std::map<std::pair<std::size_t, MessageType>, std::vector<unsigned>> limits;
    for (const Room::Spoken& spoken : room_.log) {
        limits[{spoken.speaker, spoken.header.type}].push_back(spoken.header.hop_limit);
    }
    const auto expect_each_fourth = [&](std::size_t speaker, MessageType type) {
        const auto& said = limits[{speaker, type}];
        EXPECT_GE(said.size(), 5U) << speaker;
        for (std::size_t i = 0; i < said.size(); ++i) {
            EXPECT_EQ(said[i], i % 4 == 0 ? full : 0)
                << wire::name(type) << " " << i << " of " << speaker;
        }
    };
    for (std::size_t speaker = 0; speaker < 4; ++speaker) {
        expect_each_fourth(speaker, MessageType::status);
    }
    expect_each_fourth(3, MessageType::peer_info);
}

// Or a silent room would never hear of anybody.
TEST_F(FrugalAirTest, StatusOfWhoHearsNobody_GoesAsFarAsItCan_EachTime) {
    add(1);
    network_.run_for(3h);
    EXPECT_GE(room_.count(MessageType::status), 5U);
    for (const Room::Spoken& spoken : room_.log) {
        EXPECT_EQ(spoken.header.hop_limit, full) << wire::name(spoken.header.type);
    }
}

TEST_F(FrugalAirTest, WhatCrossesFromTheNetwork_GoesNoFurtherThanWhoIsThere) {
    network_.connect_only({{1, 2}});
    test::Node& on_lan = add(1, false);
    test::Node& bridge = add(2);
    add(3);
    network_.run_for(2min);
    ASSERT_TRUE(on_lan.mesh().is_connected(bridge.key()));
    send(on_lan, MessageType::transaction, "a payment");
    network_.run_for(30s);
    EXPECT_EQ(last_hop_limit(MessageType::transaction), 0U);
}

TEST(AirSpeaker, LongerWay_IsBelievedOnlyWhenTheShorterOneIsForgotten) {
    constexpr base::Duration memory = 1h;
    constexpr base::Instant start{100h};
    AirSpeaker speaker;
    speaker.note_hops(start, 2, memory);
    EXPECT_EQ(speaker.hops, 2U);
    speaker.note_hops(start + 1s, 1, memory);
    EXPECT_EQ(speaker.hops, 1U) << "the packet lost its way there before";
    speaker.note_hops(start + 30min, 2, memory);
    speaker.note_hops(start + 31min, std::nullopt, memory);
    EXPECT_EQ(speaker.hops, 1U);
    speaker.note_hops(start + 40min, 1, memory);
    speaker.note_hops(start + 90min, 3, memory);
    EXPECT_EQ(speaker.hops, 1U) << "it was confirmed since";
    speaker.note_hops(start + 100min, 3, memory);
    EXPECT_EQ(speaker.hops, 3U) << "it has moved away";
    speaker.note_hops(start + 200min, std::nullopt, memory);
    EXPECT_EQ(speaker.hops, UINT8_MAX);
}

TEST_F(FrugalAirTest, ObjectThatIsHeardAgain_IsSaidToBe_ToWhoSaidItAndToWhoHeardIt) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    send(one, MessageType::block_ack, "a vote");
    network_.run_for(5s);
    EXPECT_TRUE(one.handler().repeats.empty());
    EXPECT_TRUE(two.handler().repeats.empty()) << "it is news";
    say(MessageType::block_ack, "a vote");
    network_.run_for(5s);
    const std::pair<MessageType, base::Buffer> vote{MessageType::block_ack,
                                                    base::to_buffer(base::as_bytes("a vote"))};
    EXPECT_EQ(one.handler().repeats, std::vector{vote});
    EXPECT_EQ(two.handler().repeats, std::vector{vote});
    EXPECT_EQ(heard(two, "a vote"), 1U);
}

// Who asked heard neither the first time nor what was said of it since.
TEST_F(FrugalAirTest, HurriedRepeat_IsSaidAgain_OnceThoseBeforeItWereHeard) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    send(one, MessageType::block, "a block");
    network_.run_for(550ms);
    ASSERT_EQ(heard(two, "a block"), 1U);
    repeat(two, "a block", true);
    EXPECT_EQ(room_.count(MessageType::block), 1U) << "that was the answer";
    network_.run_for(30s);
    repeat(two, "a block", false);
    EXPECT_EQ(room_.count(MessageType::block), 1U) << "nobody has asked";
    repeat(two, "a block", true);
    EXPECT_EQ(room_.count(MessageType::block), 2U);
    // Six times what a packet of 100 ms takes.
    network_.run_for(590ms);
    repeat(two, "a block", true);
    EXPECT_EQ(room_.count(MessageType::block), 2U);
    network_.run_for(20ms);
    repeat(two, "a block", true);
    EXPECT_EQ(room_.count(MessageType::block), 3U);
    EXPECT_TRUE(room_.log.back().how.hurried);
}

TEST_F(FrugalAirTest, WhatIsMeantToBeSaidAgain_IsSaid_HoweverShortlyAgoItWas) {
    test::Node& one = add(1);
    add(2);
    network_.run_for(2min);
    const auto say_own = [&](bool again, bool missed = false) {
        EXPECT_TRUE(one.mesh()
                        .send(network_.now(), {.type = MessageType::transaction,
                                               .payload = base::to_buffer(base::as_bytes("ours")),
                                               .again = again,
                                               .missed = missed})
                        .has_value());
    };
    say_own(false);
    network_.run_for(1ms);
    say_own(false);
    EXPECT_EQ(room_.count(MessageType::transaction), 1U);
    say_own(true);
    EXPECT_EQ(room_.count(MessageType::transaction), 2U);
    EXPECT_TRUE(room_.log.back().how.again);
    EXPECT_FALSE(room_.log.back().how.hurried);
    // One who is further away: a relay says it a second time already.
    add(3);
    room_.set_hops(2, 1);
    network_.run_for(5min);
    EXPECT_EQ(vote_and_block(), Limits(1, 1));
    say_own(true);
    EXPECT_EQ(room_.count(MessageType::transaction), 2U);
    say_own(true, true);
    EXPECT_EQ(room_.count(MessageType::transaction), 3U) << "relays did not get it through";
}

// Its first words may have been lost to all, or theirs to it.
TEST_F(FrugalAirTest, WhoHearsNobody_CallsOutAgainSoon_AndLessAndLessOften) {
    add(1);
    network_.run_for(15min);
    const std::size_t soon = room_.count(MessageType::status);
    EXPECT_GE(soon, 4U);
    EXPECT_LE(soon, 6U);
    network_.run_for(15min);
    EXPECT_LE(room_.count(MessageType::status), soon + 2);
    network_.run_for(8h);
    EXPECT_LE(room_.count(MessageType::status), soon + 2 + 8 * 3);
    EXPECT_GE(room_.count(MessageType::status), soon + 8 * 2);
}

TEST_F(FrugalAirTest, WhoStillHearsNobody_AsksOneValidatorAfterTheOther) {
    test::Node& lone = add(1);
    network_.run_for(1h);
    std::set<wire::Addressee> asked;
    std::size_t statuses = 0;
    for (const Room::Spoken& spoken : room_.log) {
        if (spoken.header.type != MessageType::status) continue;
        EXPECT_EQ(spoken.how.to.has_value(), statuses++ > 0) << "the first words are for all";
        if (spoken.how.to) asked.insert(*spoken.how.to);
    }
    EXPECT_GE(statuses, 5U);
    EXPECT_GE(asked.size(), 2U);
    EXPECT_FALSE(asked.contains(wire::addressee_of(crypto::node_id(lone.key()))));
}

TEST_F(FrugalAirTest, OfACrowd_WhoFollowsSaysItsStatusHalfAsOften_AndNobodyIsLostForIt) {
    for (std::uint8_t number = 1; number <= 21; ++number) add(number);
    network_.run_for(1h);
    const std::size_t before = room_.log.size();
    network_.run_for(3h);
    std::map<std::size_t, std::size_t> statuses;
    for (std::size_t i = before; i < room_.log.size(); ++i) {
        statuses[room_.log[i].speaker] += room_.log[i].header.type == MessageType::status;
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const bool is_validator = i < 3;
        EXPECT_GE(statuses[i], is_validator ? 6U : 3U) << i;
        EXPECT_LE(statuses[i], is_validator ? 9U : 5U) << i;
        EXPECT_EQ(nodes_[i]->mesh().connected_count(), nodes_.size() - 1) << i;
        EXPECT_TRUE(nodes_[i]->events_of<PeerLost>().empty()) << i;
    }
}

TEST_F(FrugalAirTest, WhomToLeaveTheAnswerTo_IsKnownToTheRadio) {
    test::Node& one = add(1);
    add(2);
    network_.run_for(2min);
    const auto sent =
        one.mesh().send(network_.now(), {.type = MessageType::transaction,
                                         .payload = base::to_buffer(base::as_bytes("a payment")),
                                         .repeated = true,
                                         .others_first = 3});
    ASSERT_TRUE(sent.has_value());
    const wire::Spoken& how = room_.log.back().how;
    EXPECT_EQ(how.others_first, 3U);
    EXPECT_GT(how.crowd, 0U);
    EXPECT_FALSE(how.hurried);
}

}  // namespace
}  // namespace meshchain::mesh
