// What strangers and liars can do, and cannot (rows A7, A8, E8; PROTOCOL.md P1.6, P1.9).

#include <gtest/gtest.h>

#include "mesh/test_outsider.h"

namespace meshchain::mesh::test {
namespace {

using wire::MessageType;
using Nodes = std::vector<std::unique_ptr<Node>>;

class Hostile : public testing::Test {
protected:
    Hostile() : nodes_(network_.make_nodes(3, {})) { network_.run_for(2s); }

    Node& target() { return *nodes_[0]; }
    std::uint64_t dropped(Drop reason) { return target().mesh().stats().of(reason); }
    bool knows(const crypto::PublicKey& key) { return target().mesh().peer(key).has_value(); }
    bool honest_are_connected() {
        return std::ranges::all_of(nodes_, [&](const auto& node) {
            return node->mesh().connected_count() >= nodes_.size() - 1;
        });
    }

    Network network_;
    Nodes nodes_;
    Outsider outsider_{network_, 200, address_of(200)};
};

TEST_F(Hostile, HandshakeDoneProperly_IsTheOnlyWayIn) {
    outsider_.join(target());
    EXPECT_TRUE(target().mesh().is_connected(outsider_.key()));
    outsider_.send(target(), outsider_.status_frame());
    EXPECT_EQ(target().events_of<PeerHeartbeat>().back().peer, outsider_.key());
}

TEST_F(Hostile, AnythingWithoutASession_IsDroppedAndAnsweredByNothing) {
    const wire::FrameHeader header{.type = MessageType::transaction, .sender = {}};
    outsider_.send(target(), wire::encode_frame(header, base::as_bytes("pay me")));
    outsider_.send(target(), outsider_.status_frame());
    EXPECT_TRUE(target().handler().seen.empty());
    EXPECT_EQ(dropped(Drop::no_session), 2U);
    EXPECT_EQ(outsider_.answers(), 0U);
}

TEST_F(Hostile, HelloWithoutACookie_LeavesNoTraceButTheAnswer) {
    for (int i = 0; i < 5; ++i) outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    EXPECT_FALSE(knows(outsider_.key()));
    EXPECT_EQ(outsider_.answers(), 5U);
}

TEST_F(Hostile, CookieAnswer_IsSmallerThanItsRequest) {
    const base::Buffer request = outsider_.hello_frame(outsider_.hello());
    outsider_.send(target(), request);
    ASSERT_EQ(network_.sent.back().to, outsider_.address());
    EXPECT_LT(network_.sent.back().bytes.size(), request.size());
}

TEST_F(Hostile, ForgedCookies_OpenNothing) {
    wire::Cookie forged{};
    for (int i = 0; i < 10; ++i) {
        for (std::byte& byte : forged) byte = static_cast<std::byte>(network_.random().below(256));
        outsider_.send(target(), outsider_.hello_frame(outsider_.hello(forged)));
    }
    EXPECT_FALSE(knows(outsider_.key()));
}

TEST_F(Hostile, CookieOfAnotherAddress_OpensNothing) {
    Outsider other(network_, 201, address_of(201));
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    other.send(target(), other.hello_frame(other.hello(outsider_.last_cookie())));
    EXPECT_FALSE(knows(other.key()));
}

TEST_F(Hostile, CookieOlderThanItsLifetime_OpensNothing) {
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    const wire::Cookie cookie = outsider_.last_cookie();
    network_.run_for(CookieJar::lifetime + 1s);
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello(cookie)));
    EXPECT_FALSE(knows(outsider_.key()));
}

TEST_F(Hostile, ValidCookieUnderAForgedSignature_OpensNothing) {
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    base::Buffer frame = outsider_.hello_frame(outsider_.hello(outsider_.last_cookie()));
    frame.back() ^= std::byte{1};
    outsider_.send(target(), frame);
    EXPECT_FALSE(knows(outsider_.key()));
    EXPECT_EQ(dropped(Drop::bad_signature), 1U);
}

TEST_F(Hostile, HelloInAnothersName_OpensNothing) {
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    wire::Hello hello = outsider_.hello(outsider_.last_cookie());
    hello.identity = key_of(150).public_key();
    outsider_.send(target(), outsider_.hello_frame(hello));
    EXPECT_FALSE(knows(hello.identity));
    EXPECT_EQ(dropped(Drop::bad_origin), 1U);
}

TEST_F(Hostile, HelloOfAnotherVersionOrChain_IsIgnoredWithoutAnAnswer) {
    wire::Hello hello = outsider_.hello();
    hello.version_min = hello.version_max = 2;
    outsider_.send(target(), outsider_.hello_frame(hello));
    EXPECT_EQ(dropped(Drop::wrong_version), 1U);
    hello = outsider_.hello();
    hello.chain = chain_of(9);
    outsider_.send(target(), outsider_.hello_frame(hello));
    EXPECT_EQ(dropped(Drop::wrong_chain), 1U);
    EXPECT_EQ(outsider_.answers(), 0U);
    hello = outsider_.hello();
    hello.version_max = 9;
    outsider_.send(target(), outsider_.hello_frame(hello));
    EXPECT_EQ(outsider_.answers(), 1U) << "a range that includes ours is welcome";
}

TEST_F(Hostile, HandshakeReplayedFromItsOwnAddress_ChangesNothing) {
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    const base::Buffer proven = outsider_.hello_frame(outsider_.hello(outsider_.last_cookie()));
    outsider_.send(target(), proven);
    ASSERT_TRUE(target().mesh().is_connected(outsider_.key()));
    const std::size_t statuses = target().events_of<PeerStatus>().size();
    for (int i = 0; i < 3; ++i) outsider_.send(target(), proven);
    EXPECT_EQ(dropped(Drop::replayed), 3U);
    EXPECT_EQ(target().events_of<PeerStatus>().size(), statuses);
}

TEST_F(Hostile, HelloHeldBackAndDeliveredAfterManyMessages_ReopensNoWindow) {
    outsider_.join(target());
    network_.run_for(1s);
    // A HELLO whose sequence is used draws a new cookie without being accepted.
    outsider_.send(target(), outsider_.control(MessageType::peer_hello,
                                               wire::encode(outsider_.hello()), 1'000, 1));
    const base::Buffer held_back = outsider_.hello_frame(outsider_.hello(outsider_.last_cookie()));
    const base::Buffer first = outsider_.status_frame();
    outsider_.send(target(), first);
    outsider_.skip_sequences(100);
    outsider_.send(target(), outsider_.status_frame());
    const std::size_t beats = target().events_of<PeerHeartbeat>().size();
    outsider_.send(target(), held_back);
    outsider_.send(target(), first);
    EXPECT_EQ(target().events_of<PeerHeartbeat>().size(), beats);
    EXPECT_EQ(dropped(Drop::replayed), 2U);
}

TEST_F(Hostile, HandshakeReplayedFromAnotherAddress_MovesNoSession) {
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    const base::Buffer proven = outsider_.hello_frame(outsider_.hello(outsider_.last_cookie()));
    outsider_.send(target(), proven);
    network_.inject_now(address_of(201), target().address(), proven);
    EXPECT_EQ(target().mesh().peer(outsider_.key())->address, outsider_.address());
}

TEST_F(Hostile, HandshakeReplayedAfterTheSessionEnded_OpensNoNewOne) {
    outsider_.send(target(), outsider_.hello_frame(outsider_.hello()));
    const base::Buffer proven = outsider_.hello_frame(outsider_.hello(outsider_.last_cookie()));
    outsider_.send(target(), proven);
    network_.run_for(29s);
    outsider_.send(target(), proven);
    network_.run_for(2s);
    EXPECT_FALSE(target().mesh().is_connected(outsider_.key()));
    EXPECT_EQ(target().mesh().connected_count(), 2U);
}

TEST_F(Hostile, HellosPassedOnByAThirdParty_DoNotTakeALiveSession) {
    // The relay brings the target's cookie to the peer and the peer's HELLO, which the peer signed
    // for that cookie, back to the target from its own address.
    outsider_.join(target());
    const base::LinkAddress relay = address_of(201);
    network_.inject_now(relay, target().address(), outsider_.hello_frame(outsider_.hello()));
    const auto parsed = wire::parse_cookie(network_.sent.back().frame().payload);
    ASSERT_TRUE(parsed.has_value());
    network_.inject_now(relay, target().address(), outsider_.hello_frame(outsider_.hello(*parsed)));
    EXPECT_EQ(target().mesh().peer(outsider_.key())->address, outsider_.address());
    EXPECT_EQ(dropped(Drop::occupied) > 0, true);
}

TEST_F(Hostile, SequencesDatedFarAhead_DoNotLockTheirOriginOut) {
    outsider_.epoch = 0xFFFF'FF00;
    outsider_.join(target());
    outsider_.send(target(), outsider_.status_frame());
    ASSERT_TRUE(target().mesh().is_connected(outsider_.key()));
    network_.run_for(1s);
    outsider_.epoch = 1'000;  // its clock was mended, and its store is lost
    outsider_.join(target());
    const std::size_t beats = target().events_of<PeerHeartbeat>().size();
    outsider_.send(target(), outsider_.status_frame());
    EXPECT_EQ(target().events_of<PeerHeartbeat>().size(), beats + 1);
}

TEST_F(Hostile, UnsignedHeartbeat_IsDropped) {
    outsider_.join(target());
    const wire::FrameHeader header{.type = MessageType::status,
                                   .sender = crypto::node_id(outsider_.key()),
                                   .timestamp = outsider_.epoch,
                                   .sequence = 500};
    base::Buffer payload = wire::encode(wire::Heartbeat{});
    payload.resize(status_payload_bytes);
    outsider_.send(target(), wire::encode_frame(header, payload));
    EXPECT_EQ(dropped(Drop::bad_signature), 1U);
}

TEST_F(Hostile, SizesOutsideTheRule_AreDroppedBeforeAnythingElse) {
    outsider_.join(target());
    const auto send_bytes = [&](MessageType type, std::size_t bytes) {
        const wire::FrameHeader header{.type = type, .sender = crypto::node_id(outsider_.key())};
        outsider_.send(target(), wire::encode_frame(header, base::Buffer(bytes)));
    };
    send_bytes(MessageType::transaction, 0);
    send_bytes(MessageType::transaction, 1'149);
    send_bytes(MessageType::status, status_payload_bytes - 1);
    send_bytes(MessageType::peer_hello, hello_payload_bytes + 1);
    send_bytes(MessageType::cookie, 0);
    EXPECT_EQ(dropped(Drop::size), 5U);
    EXPECT_TRUE(target().handler().seen.empty());
}

TEST_F(Hostile, UnknownTypes_AreCountedAndNobodysFault) {
    outsider_.join(target());
    const PeerScore before = target().mesh().peer(outsider_.key())->score;
    const std::size_t begin = network_.sent.size();
    for (const int type : {18, 21, 0x7B, 200, 255}) {
        const wire::FrameHeader header{.type = static_cast<MessageType>(type),
                                       .sender = crypto::node_id(outsider_.key())};
        outsider_.send(target(), wire::encode_frame(header, base::as_bytes("{}")));
    }
    EXPECT_EQ(dropped(Drop::unknown_type), 5U);
    EXPECT_EQ(target().mesh().peer(outsider_.key())->score, before);
    EXPECT_EQ(network_.sent.size(), begin);
}

TEST_F(Hostile, CookieNobodyAskedFor_IsNotAnswered) {
    const wire::FrameHeader header{.type = MessageType::cookie, .sender = {}};
    for (int i = 0; i < 10; ++i) {
        outsider_.send(target(), wire::encode_frame(header, wire::encode_cookie({})));
    }
    EXPECT_EQ(dropped(Drop::bad_cookie), 10U);
    EXPECT_EQ(outsider_.answers(), 0U);
}

TEST_F(Hostile, EndlessCookies_DrawOneHelloForEachOfOurs) {
    target().mesh().announce_peer(network_.now(), outsider_.address());
    const wire::FrameHeader header{.type = MessageType::cookie, .sender = {}};
    for (int i = 0; i < 100; ++i) {
        outsider_.send(target(), wire::encode_frame(header, wire::encode_cookie({})));
    }
    EXPECT_EQ(outsider_.answers(), 2U);
}

TEST_F(Hostile, FloodOfHellosUnderFakeKeys_CostsBoundedMemoryAndFewAnswers) {
    const wire::Hello honest = outsider_.hello();
    base::Buffer frame = outsider_.hello_frame(honest);
    const std::size_t begin = network_.sent.size();
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        // Another key each time; only its id has to match to get past the first look.
        crypto::PublicKey key;
        base::FixedWriter(key.bytes).u32(i);
        const crypto::NodeId id = crypto::node_id(key);
        std::ranges::copy(id.bytes, frame.begin() + 1);
        std::ranges::copy(key.bytes, frame.begin() + wire::FrameHeader::size + 2 + 32);
        const auto from = address_of(static_cast<std::uint16_t>(1'000 + i % 30'000));
        const bool multicast = i % 2 == 0;
        network_.inject(from, multicast ? std::nullopt : std::optional(target().address()), frame);
        if (i % 1'000 == 0) network_.run_for(100ms);
    }
    network_.run_for(100ms);
    target().mesh().check_invariants();
    EXPECT_TRUE(honest_are_connected());
    EXPECT_EQ(target().mesh().peers().size(), 2U);
    // About two seconds of flood at all three nodes: hints and cookies within their totals.
    const std::size_t answers = network_.sent.size() - begin;
    EXPECT_LT(answers, 3 * (2'000 + 2'000 + 40 + 40 + 20));
    EXPECT_GT(dropped(Drop::handshake_rate), 1'000U);

    const auto newcomer =
        std::make_unique<Node>(network_, Node::Setup{.key = 9, .port = 9, .options = {}});
    EXPECT_TRUE(
        network_.run_until([&] { return target().mesh().is_connected(newcomer->key()); }, 10s));
}

TEST_F(Hostile, ManyRealIdentities_FillOnlyTheOrdinarySlots) {
    std::vector<std::unique_ptr<Outsider>> sybils;
    for (std::uint8_t i = 0; i < 60; ++i) {
        sybils.push_back(
            std::make_unique<Outsider>(network_, static_cast<std::uint8_t>(100 + i),
                                       address_of(static_cast<std::uint16_t>(300 + i))));
        sybils.back()->join(target());
    }
    EXPECT_TRUE(honest_are_connected());
    EXPECT_EQ(target().mesh().connected_count(), 15U);
    EXPECT_GT(dropped(Drop::crowded), 0U);
    target().mesh().check_invariants();
}

TEST_F(Hostile, ManyIdentitiesBehindOneAddress_ShareOneSession) {
    std::size_t joined = 0;
    for (std::uint8_t i = 0; i < 20; ++i) {
        Outsider face(network_, static_cast<std::uint8_t>(100 + i), address_of(300));
        face.join(target());
        joined += target().mesh().is_connected(face.key()) ? 1U : 0U;
    }
    EXPECT_EQ(target().mesh().connected_count(), 3U);
    EXPECT_LE(joined, 6U) << "an address has only so many handshakes a minute";
}

TEST_F(Hostile, MulticastFromAnAddressWithoutASession_ReachesNobody) {
    network_.inject(outsider_.address(), std::nullopt, outsider_.status_frame());
    network_.run_for(10ms);
    for (const auto& node : nodes_) EXPECT_EQ(node->mesh().stats().of(Drop::no_session), 1U);
}

TEST_F(Hostile, OwnFramesSentBack_AreOnlyCounted) {
    const std::vector<SentDatagram> recorded = network_.sent;
    const std::uint64_t before = dropped(Drop::own);
    std::uint64_t own = 0;
    for (const SentDatagram& item : recorded) {
        if (item.from != target().address()) continue;
        outsider_.send(target(), item.bytes);
        ++own;
    }
    EXPECT_GE(dropped(Drop::own), before + own);
    EXPECT_TRUE(honest_are_connected());
}

TEST_F(Hostile, WholeConversationReplayedLater_ChangesNothing) {
    ASSERT_TRUE(nodes_[1]->mesh().send(network_.now(),
                                       {.type = MessageType::transaction,
                                        .to = {},
                                        .except = {},
                                        .payload = base::to_buffer(base::as_bytes("pay"))}));
    network_.run_for(10s);
    const std::vector<SentDatagram> recorded = network_.sent;
    const std::size_t seen = target().handler().seen.size();
    const std::size_t statuses = target().events_of<PeerStatus>().size();
    const std::size_t beats = target().events_of<PeerHeartbeat>().size();
    for (const SentDatagram& item : recorded) network_.inject(item.from, item.to, item.bytes);
    network_.run_for(20ms);
    EXPECT_EQ(target().handler().seen.size(), seen);
    EXPECT_EQ(target().events_of<PeerStatus>().size(), statuses);
    EXPECT_EQ(target().events_of<PeerHeartbeat>().size(), beats);
    EXPECT_TRUE(honest_are_connected());
    EXPECT_TRUE(target().events_of<PeerLost>().empty());
}

}  // namespace
}  // namespace meshchain::mesh::test
