// The mesh on a medium that everybody hears.

#include <gtest/gtest.h>

#include "mesh/test_room.h"

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;
using test::AirTest;
using test::Room;
using wire::MessageType;

TEST_F(AirTest, WhatNoRuleKnows_OrKeepsOffRadio_GoesNowhere) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    say(MessageType{77}, "what is this");
    say(MessageType::sync_data, "bytes that a list names");
    say(MessageType::peer_hello, "hello without a cookie");
    say(MessageType::transaction, "");
    say(MessageType::routed, "ways wait until their cost is known" + std::string(200, '.'));
    network_.run_for(5s);
    EXPECT_TRUE(one.handler().seen.empty());
    EXPECT_EQ(two.mesh().stats().of(Drop::unknown_type), 3U);
    EXPECT_EQ(two.mesh().stats().of(Drop::punished), 1U);
    EXPECT_EQ(two.mesh().stats().of(Drop::size), 1U);
    EXPECT_EQ(room_.count(MessageType::peer_hello), 1U) << "nobody answers it";
}

TEST_F(AirTest, Object_IsSpokenOnceAndHandedUpByAllWhoHear) {
    test::Node& one = add(1);
    add(2);
    add(3);
    add(4);
    send(one, MessageType::transaction, "a payment");
    network_.run_for(1min);
    for (std::size_t i = 1; i < nodes_.size(); ++i) EXPECT_EQ(heard(*nodes_[i], "a payment"), 1U);
    EXPECT_EQ(room_.count(MessageType::transaction), 1U);
    // Whoever repeats it is not heard again.
    say(MessageType::transaction, "a payment");
    network_.run_for(1min);
    EXPECT_EQ(heard(*nodes_[1], "a payment"), 1U);
    EXPECT_EQ(nodes_[1]->mesh().stats().of(Drop::duplicate), 1U);
}

TEST_F(AirTest, ClockBehindAnotherGateway_IsAskedOnceAndAnswers) {
    network_.connect_only({{1, 2}, {3, 4}});
    test::Node& asking = add(1, false);
    test::Node& gateway = add(2);
    test::Node& asked = add(3, false);
    test::Node& other_gateway = add(4);
    wire::ChainStatus status;
    status.slot.value = 1'000;
    asked.mesh().set_status(status, 0);
    network_.run_for(2min);
    ASSERT_TRUE(asking.mesh().is_connected(gateway.key()));
    ASSERT_TRUE(asked.mesh().is_connected(other_gateway.key()));
    asking.mesh().ask_clock(network_.now(), asked.key());
    network_.run_for(1min);
    ASSERT_EQ(asking.events_of<ClockStated>().size(), 1U);
    EXPECT_EQ(asking.events_of<ClockStated>()[0].validator, asked.key());
    EXPECT_EQ(asking.events_of<ClockStated>()[0].slot, wire::Slot{1'000});
    EXPECT_EQ(room_.count(MessageType::routed), 2U) << "no attempt but the first, and no receipt";
}

class ClockOnAirTest : public AirTest {
protected:
    /// A question of this key to node 1, as a radio of nobody says it.
    void ask(std::uint8_t origin, std::uint64_t sequence) {
        wire::RoutedMessage message;
        message.origin = test::key_of(origin).public_key();
        message.issued = static_cast<std::uint32_t>(base::unix_ms(network_.now().wall) / 1000);
        message.sequence = sequence;
        message.hop_limit = 3;
        message.receipt_wanted = true;
        message.destination = test::key_of(1).public_key();
        message.type = MessageType::clock_ask;
        message.payload = wire::encode(wire::ClockAsk{});
        message.signature =
            test::key_of(origin).sign(wire::routed_preimage(test::chain_of(7), message));
        room_.speak(network_.now().instant,
                    {stranger,
                     {.type = MessageType::routed, .sender = {}, .hop_limit = 3},
                     wire::encode(message)});
        ++asked_;
        network_.run_for(2s);
    }
    std::size_t answers() const { return room_.count(MessageType::routed) - asked_; }
    test::Node& answering() {
        test::Node& one = add(1);
        wire::ChainStatus status;
        status.slot.value = 1'000;
        one.mesh().set_status(status, 0);
        return one;
    }

private:
    std::size_t asked_ = 0;
};

TEST_F(ClockOnAirTest, QuestionOfAValidator_IsAnswered_AndNotAgainBeforeTheAirCarriedIt) {
    answering();
    ask(2, 1);
    EXPECT_EQ(answers(), 1U);
    ask(2, 2);
    EXPECT_EQ(answers(), 1U);
    ask(3, 1);
    EXPECT_EQ(answers(), 2U) << "another one is not kept waiting";
    network_.run_for(1min);
    ask(2, 3);
    EXPECT_EQ(answers(), 3U);
}

TEST_F(ClockOnAirTest, QuestionOfAKeyThatAnybodyCanMake_CostsNothing) {
    answering();
    for (std::uint8_t key = 10; key < 40; ++key) ask(key, 1);
    EXPECT_EQ(answers(), 0U);
}

// 5 is no validator: its question finds no way over the air.
TEST_F(ClockOnAirTest, QuestionOfAStrangerOnTheNetwork_StaysThere) {
    network_.connect_only({{2, 5}});
    answering();
    test::Node& stranger_on_lan = add(5, false);
    test::Node& gateway = add(2);
    ASSERT_TRUE(network_.run_until(
        [&] { return stranger_on_lan.mesh().is_connected(gateway.key()); }, 20s));
    stranger_on_lan.mesh().ask_clock(network_.now(), test::key_of(1).public_key());
    network_.run_for(10s);
    EXPECT_EQ(room_.count(MessageType::routed), 0U);
}

TEST_F(AirTest, WhatIsWrong_IsNotPassedOnAndBlamesNobody) {
    network_.connect_only({{1, 2}});
    test::Node& on_lan = add(1, false);
    test::Node& bridge = add(2);
    ASSERT_TRUE(network_.run_until([&] { return on_lan.mesh().is_connected(bridge.key()); }, 20s));
    bridge.handler().verdict = [](MessageType, base::Bytes) { return wire::Verdict::punish; };
    const PeerScore before = bridge.mesh().peer(on_lan.key())->score;
    say(MessageType::transaction, "false");
    network_.run_for(5s);
    EXPECT_EQ(bridge.mesh().stats().of(Drop::punished), 1U);
    EXPECT_EQ(heard(on_lan, "false"), 0U);
    EXPECT_GE(bridge.mesh().peer(on_lan.key())->score, before);
}

TEST_F(AirTest, OneNoisyRadio_DoesNotSilenceTheOthers) {
    test::Node& one = add(1);
    one.handler().verdict = [](MessageType, base::Bytes payload) {
        return base::as_text(payload).starts_with("noise") ? wire::Verdict::punish
                                                           : wire::Verdict::relay;
    };
    std::size_t judged = 0;
    for (int second = 0; second < 60; ++second) {
        for (int i = 0; i < 30; ++i) {
            say(MessageType::transaction,
                "noise " + std::to_string(second) + " " + std::to_string(i));
        }
        say(MessageType::transaction, "payment " + std::to_string(second), 7);
        network_.run_for(1s);
    }
    network_.run_for(5s);
    for (const auto& seen : one.handler().seen) {
        judged += base::as_text(seen.payload).starts_with("noise") ? 1U : 0U;
    }
    std::size_t payments = 0;
    for (int second = 0; second < 60; ++second) {
        payments += heard(one, "payment " + std::to_string(second));
    }
    EXPECT_EQ(payments, 60U);
    EXPECT_LE(judged, 720U) << "the budget of a minute and what it begins with";
}

TEST_F(AirTest, ValidatorsHearEachOthersClocks_WithinThePause) {
    for (std::uint8_t number = 1; number <= 3; ++number) add(number);
    network_.run_for(options().air_pause + 2s);
    for (const auto& node : nodes_) {
        EXPECT_GE(node->events_of<PeerHeartbeat>().size(), 2U);
    }
    // Whoever was heard after that is answered once more, and then they are silent for nearly as
    // long as an interval lasts.
    network_.run_for(7min);
    const std::size_t spoken = room_.count(MessageType::status);
    EXPECT_LE(spoken, 9U);
    network_.run_for(14min);
    EXPECT_EQ(room_.count(MessageType::status), spoken);
    network_.run_for(15min);
    EXPECT_EQ(room_.count(MessageType::status), spoken + 3);
}

TEST_F(AirTest, WhoStartsLater_IsAnsweredSoon_AndOnceForMany) {
    add(1);
    add(2);
    network_.run_for(10min);
    test::Node& late = add(3);
    network_.run_for(2 * options().air_pause + 3s);
    EXPECT_EQ(late.events_of<PeerHeartbeat>().size(), 2U);
    // Twice more in a row, and then no more than once in five minutes.
    for (int i = 0; i < 2; ++i) {
        const std::size_t heard_before = late.events_of<PeerHeartbeat>().size();
        late.restart(3);
        network_.run_for(2 * options().air_pause + 3s);
        EXPECT_EQ(late.events_of<PeerHeartbeat>().size(), heard_before + 2) << i;
    }
    const std::size_t spoken = room_.count(MessageType::status);
    for (int i = 0; i < 6; ++i) {
        late.restart(3);
        network_.run_for(50s);
    }
    EXPECT_LE(room_.count(MessageType::status), spoken + 6 + 2 * 2);
}

TEST_F(AirTest, WhoIsHeardForTheFirstTimeLongAfterItsStart_IsAnsweredByNobody) {
    test::Node& one = add(1);
    add(2);
    test::Node& late = add(4);
    // Nobody hears it until it has said a lot.
    room_.is_lost = [](const Room::Spoken& spoken) { return spoken.speaker == 2; };
    network_.run_for(10min);
    for (int i = 0; i < 4; ++i) send(late, MessageType::vote_request, "unheard");
    network_.run_for(10min);
    room_.is_lost = [](const Room::Spoken&) { return false; };
    const auto is_heard = [&] { return one.mesh().is_connected(late.key()); };
    ASSERT_FALSE(is_heard());
    for (int i = 0; i < 3600 && !is_heard(); ++i) network_.run_for(1s);
    ASSERT_TRUE(is_heard());
    const std::size_t spoken = room_.count(MessageType::status);
    network_.run_for(2 * options().air_pause + 3s);
    EXPECT_EQ(room_.count(MessageType::status), spoken);
}

TEST_F(AirTest, WhoAsksBeforeItsFirstStatus_IsAnsweredAsAStart) {
    add(1);
    add(2);
    test::Node& late = add(3);
    network_.run_for(10min);
    const std::size_t heard_before = late.events_of<PeerHeartbeat>().size();
    late.restart(3);
    EXPECT_TRUE(late.mesh()
                    .send(network_.now(), {.type = MessageType::vote_request,
                                           .payload = base::to_buffer(base::as_bytes("first"))})
                    .has_value());
    network_.run_for(2 * options().air_pause + 3s);
    EXPECT_EQ(late.events_of<PeerHeartbeat>().size(), heard_before + 2);
}

TEST_F(AirTest, WhoAsked_IsAnswered_ThoughItsStatusWasLost) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    send(two, MessageType::vote_request, "which votes");
    network_.run_for(2s);
    ASSERT_EQ(heard(one, "which votes"), 1U);
    ASSERT_FALSE(one.mesh().is_connected(two.key()));
    EXPECT_TRUE(one.mesh()
                    .send(network_.now(), {.type = MessageType::sync_request,
                                           .to = two.key(),
                                           .payload = base::to_buffer(base::as_bytes("for you"))})
                    .has_value());
    network_.run_for(2s);
    EXPECT_EQ(heard(two, "for you"), 1U);
}

TEST_F(AirTest, WhoseStatusWasLost_IsAskedForIt_AndHeardLongBeforeTheNext) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    room_.is_lost = [](const Room::Spoken& spoken) {
        return spoken.speaker == 1 && spoken.header.type == MessageType::status;
    };
    network_.run_for(10min);
    ASSERT_FALSE(one.mesh().is_connected(two.key()));
    room_.is_lost = [](const Room::Spoken&) { return false; };
    const std::size_t spoken = room_.count(MessageType::status);
    send(two, MessageType::vote_request, "which votes");
    network_.run_for(2min);
    EXPECT_TRUE(one.mesh().is_connected(two.key()));
    EXPECT_EQ(room_.count(MessageType::status), spoken + 2) << "a question and its answer";
}

TEST_F(AirTest, StatusOfAStranger_IsBelievedBecauseItsAnnouncementCameFirst) {
    test::Node& one = add(1);
    test::Node& guest = add(9);
    network_.run_for(2min);
    EXPECT_GE(room_.count(MessageType::peer_info), 1U);
    ASSERT_FALSE(one.events_of<PeerHeartbeat>().empty());
    EXPECT_EQ(one.events_of<PeerHeartbeat>().back().peer, guest.key());
    EXPECT_EQ(one.mesh().stats().of(Drop::no_session), 0U);
}

TEST_F(AirTest, ControlMessage_ThatIsRepeatedChangedOrForeign_IsNotBelieved) {
    test::Node& one = add(1);
    add(2);
    network_.run_for(1min);
    const std::size_t believed = one.events_of<PeerHeartbeat>().size();
    ASSERT_GE(believed, 1U);
    const auto spoken = std::ranges::find_if(room_.log, [&](const Room::Spoken& item) {
        return item.speaker == 1 && item.header.type == MessageType::status;
    });
    ASSERT_NE(spoken, room_.log.end());
    Room::Spoken again = *spoken;
    again.speaker = stranger;
    room_.speak(network_.now().instant, again);
    network_.run_for(2s);
    EXPECT_GE(one.mesh().stats().of(Drop::replayed), 1U);
    ++again.header.sequence;
    room_.speak(network_.now().instant, again);
    again.header.timestamp += 100;
    again.payload[3] ^= std::byte{1};
    room_.speak(network_.now().instant, again);
    network_.run_for(2s);
    EXPECT_EQ(one.mesh().stats().of(Drop::bad_signature), 2U);
    again.header.sender = {};
    room_.speak(network_.now().instant, again);
    network_.run_for(2s);
    EXPECT_EQ(one.mesh().stats().of(Drop::no_session), 1U);
    EXPECT_EQ(one.events_of<PeerHeartbeat>().size(), believed);
}

TEST_F(AirTest, WhoValidatesLater_IsBelieved_AndWhoLeavesAndComesBackIsNotHeardTwice) {
    test::Node& one = add(1);
    add(2);
    network_.run_for(1min);
    const auto status = [&](std::size_t speaker) {
        return *std::ranges::find_if(room_.log, [&](const Room::Spoken& item) {
            return item.speaker == speaker && item.header.type == MessageType::status;
        });
    };
    const auto validate = [&](std::initializer_list<std::uint8_t> numbers) {
        std::vector<ValidatorIdentity> validators;
        for (const std::uint8_t number : numbers) {
            validators.push_back({test::key_of(number).public_key(), wire::Amount{10}});
        }
        one.mesh().set_validators(std::move(validators));
    };
    Room::Spoken again = status(1);
    again.speaker = stranger;
    const auto repeat = [&] {
        const std::uint64_t before = one.mesh().stats().of(Drop::replayed);
        room_.speak(network_.now().instant, again);
        network_.run_for(2s);
        return one.mesh().stats().of(Drop::replayed) - before;
    };
    validate({1, 3, 4});
    EXPECT_EQ(repeat(), 0U) << "nobody's";
    validate({1, 2, 4});
    EXPECT_EQ(repeat(), 1U);
    test::Node& four = add(4);
    four.mesh().set_validators({{test::key_of(4).public_key(), wire::Amount{10}}});
    network_.run_for(1min);
    const auto heard_of_four =
        std::ranges::count_if(one.events_of<PeerHeartbeat>(),
                              [&](const auto& event) { return event.peer == four.key(); });
    EXPECT_GE(heard_of_four, 1);
}

TEST_F(AirTest, NodeWithARadioAlone_DialsNobody) {
    test::Node one(network_, {.key = 1,
                              .port = 1,
                              .options = options(),
                              .role = wire::Role::validator,
                              .air = room_.add(),
                              .has_link = false});
    network_.run_for(1s);
    one.mesh().announce_peer(network_.now(), test::address_of(2));
    network_.run_for(1min);
    EXPECT_EQ(one.mesh().stats().of(MessageType::peer_hello).sent, 0U);
    EXPECT_GE(room_.count(MessageType::status), 1U);
}

TEST_F(AirTest, NodeWithoutPeersButWithARadio_Restarts) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    network_.run_for(1min);
    one.restart(1);
    network_.run_for(1min);
    send(one, MessageType::block, "after the restart");
    network_.run_for(5s);
    EXPECT_EQ(heard(two, "after the restart"), 1U);
}

TEST_F(AirTest, WhoIsHeard_IsAPeer_UntilItIsSilentForTwoIntervals) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    EXPECT_FALSE(one.mesh().is_connected(two.key()));
    network_.run_for(2min);
    ASSERT_TRUE(one.mesh().is_connected(two.key()));
    EXPECT_EQ(one.mesh().connected_count(), 1U);
    const std::optional<Peer> peer = one.mesh().peer(two.key());
    ASSERT_TRUE(peer.has_value());
    EXPECT_EQ(peer->radio, 1U);
    EXPECT_TRUE(peer->is_validator);
    EXPECT_EQ(one.mesh().peers().size(), 1U);
    EXPECT_EQ(one.mesh().choose_peers({}), std::vector{two.key()});
    EXPECT_EQ(one.mesh().patience(two.key(), 2s), 5min);
    EXPECT_TRUE(one.mesh().reaches(two.key(), MessageType::sync_request));
    EXPECT_FALSE(one.mesh().reaches(two.key(), MessageType::sync_data));
    network_.run_for(2h);
    EXPECT_EQ(one.events_of<PeerDiscovered>().size(), 1U);
    EXPECT_TRUE(one.events_of<PeerLost>().empty());
    two.mesh().stop(network_.now());
    network_.run_for(2h);
    EXPECT_FALSE(one.mesh().is_connected(two.key()));
    ASSERT_EQ(one.events_of<PeerLost>().size(), 1U);
    EXPECT_EQ(one.events_of<PeerLost>()[0].reason, LossReason::silent);
}

TEST_F(AirTest, WhoHasASessionAsWell_IsFoundOnce_AndAskedThere) {
    network_.connect_only({{1, 2}});
    test::Node& one = add(1);
    test::Node& two = add(2);
    test::Node& three = add(3);
    network_.run_for(5min);
    EXPECT_EQ(one.mesh().connected_count(), 2U);
    EXPECT_EQ(one.events_of<PeerDiscovered>().size(), 2U);
    EXPECT_EQ(one.mesh().peers().size(), 2U);
    EXPECT_EQ(one.mesh().choose_peers({.count = 2}), std::vector{two.key()}) << "the quick one";
    EXPECT_EQ(one.mesh().patience(two.key(), 2s), 2s);
    EXPECT_TRUE(one.mesh().is_free(network_.now().instant, MessageType::block));
    network_.connect_only({});
    network_.run_for(2min);
    EXPECT_TRUE(one.events_of<PeerLost>().empty()) << "it is still heard";
    EXPECT_EQ(one.mesh().choose_peers({.count = 2}).size(), 2U);
    EXPECT_TRUE(one.mesh().is_connected(three.key()));
}

TEST_F(AirTest, MessageToOne_IsTakenByThatOne_AndOnlyWhatTeachesOthersByThem) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    test::Node& three = add(3);
    network_.run_for(2min);
    const auto ask = [&](MessageType type, std::optional<crypto::PublicKey> to,
                         std::string_view body) {
        EXPECT_TRUE(
            one.mesh()
                .send(network_.now(),
                      {.type = type, .to = to, .payload = base::to_buffer(base::as_bytes(body))})
                .has_value());
        network_.run_for(3s);
    };
    ask(MessageType::sync_request, two.key(), "for two");
    EXPECT_EQ(heard(two, "for two"), 1U);
    EXPECT_EQ(heard(three, "for two"), 0U);
    EXPECT_EQ(three.mesh().stats().of(Drop::elsewhere), 1U);
    ask(MessageType::vote_request, two.key(), "of use to all");
    ASSERT_EQ(heard(three, "of use to all"), 1U);
    EXPECT_TRUE(three.handler().seen.back().ingress.overheard);
    EXPECT_FALSE(two.handler().seen.back().ingress.overheard);
    ask(MessageType::vote_request, std::nullopt, "whoever");
    EXPECT_TRUE(two.handler().seen.back().ingress.heard_by_all);
    EXPECT_FALSE(two.handler().seen.back().ingress.overheard);
    // Stripped of its addressee a question would be answered by all.
    Room::Spoken stripped = *std::ranges::find_if(room_.log, [](const Room::Spoken& spoken) {
        return spoken.header.type == MessageType::sync_request;
    });
    stripped.to.reset();
    stripped.speaker = stranger;
    room_.speak(network_.now().instant, stripped);
    network_.run_for(2s);
    EXPECT_EQ(heard(three, "for two"), 0U);
    const auto off_radio = one.mesh().send(
        network_.now(),
        {.type = MessageType::state_response, .to = two.key(), .payload = base::Buffer(10)});
    ASSERT_FALSE(off_radio.has_value());
    EXPECT_EQ(off_radio.error().code, base::Errc::unavailable);
}

TEST_F(AirTest, WhatWasSaidAMomentAgo_IsNotSaidAgain) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    const auto repeat = [&](test::Node& from) {
        EXPECT_TRUE(
            from.mesh()
                .send(network_.now(), {.type = MessageType::block,
                                       .payload = base::to_buffer(base::as_bytes("a block")),
                                       .repeated = true})
                .has_value());
    };
    send(one, MessageType::block, "a block");
    network_.run_for(5s);
    repeat(two);
    EXPECT_EQ(room_.count(MessageType::block), 1U);
    network_.run_for(Air::repeat_pause);
    repeat(two);
    EXPECT_EQ(room_.count(MessageType::block), 2U) << "somebody may have missed it";
    // Whoever echoes what is ours does not keep us from saying it.
    say(MessageType::transaction, "ours");
    network_.run_for(2s);
    send(one, MessageType::transaction, "ours");
    EXPECT_EQ(room_.count(MessageType::transaction), 2U);
}

TEST_F(AirTest, ObjectOnTheAir_IsNobodysFault_ButIsKnownByTheRadio) {
    test::Node& one = add(1);
    test::Node& two = add(2);
    network_.run_for(2min);
    send(two, MessageType::transaction, "by two");
    say(MessageType::transaction, "by a stranger");
    network_.run_for(3s);
    for (const auto& seen : one.handler().seen) {
        if (seen.type != MessageType::transaction) continue;
        EXPECT_EQ(seen.ingress.giver(), std::nullopt);
        const bool is_of_two = base::as_text(seen.payload) == "by two";
        EXPECT_EQ(seen.ingress.source(), is_of_two ? std::optional(two.key()) : std::nullopt);
    }
    EXPECT_EQ(heard(one, "by two") + heard(one, "by a stranger"), 2U);
}

TEST_F(AirTest, Status_WaitsWhileTheAirIsTaken_BecauseItTellsTheTime) {
    Room::Radio* radio = room_.add();
    radio->busy_until = network_.now().instant + 3min;
    test::Node one(
        network_,
        {.key = 1, .port = 1, .options = options(), .role = wire::Role::validator, .air = radio});
    network_.run_for(150s);
    EXPECT_EQ(room_.count(MessageType::status), 0U);
    network_.run_for(1min);
    EXPECT_EQ(room_.count(MessageType::status), 1U);
}

TEST_F(AirTest, MoreStrangersThanFit_PushOutWhoWasSilentForLongest_AndNoValidator) {
    AirSpeakers speakers;
    const auto stranger_key = [](std::size_t number) {
        crypto::PublicKey key;
        key.bytes[0] = std::byte{0xFF};
        key.bytes[1] = static_cast<std::byte>(number);
        return key;
    };
    const std::vector<ValidatorIdentity> validators{{test::key_of(1).public_key(), {10}}};
    speakers.set_validators(validators);
    const auto hear = [&](const crypto::PublicKey& key, base::Duration at) {
        if (const auto gone = speakers.displaced_by(key)) speakers.forget(*gone);
        speakers.note(base::Instant{at}, key).last_heard = base::Instant{at};
    };
    hear(validators[0].key, 0s);
    for (std::size_t i = 0; i < AirSpeakers::others_max; ++i) hear(stranger_key(i), 1s * (i + 1));
    hear(stranger_key(0), 1000s);
    hear(stranger_key(200), 1001s);
    EXPECT_EQ(speakers.size(), AirSpeakers::others_max + 1);
    EXPECT_EQ(speakers.find(stranger_key(1)), nullptr);
    EXPECT_NE(speakers.find(stranger_key(0)), nullptr);
    EXPECT_NE(speakers.find(validators[0].key), nullptr);
    speakers.set_validators({});
    EXPECT_EQ(speakers.displaced_by(stranger_key(201)), validators[0].key) << "it left";
}

}  // namespace
}  // namespace meshchain::mesh
