// Lies about routes and neighbours, and floods of them (rows F3, F9).

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using wire::MessageType;

constexpr std::uint64_t idle_bytes_per_minute_max = 10'000;  // row G6

class RoutingHostile : public testing::Test {
protected:
    void make_line(std::uint8_t count, const Options& options = {}) {
        std::set<std::pair<std::uint16_t, std::uint16_t>> pairs;
        for (std::uint16_t i = 1; i < count; ++i) pairs.emplace(i, std::uint16_t(i + 1));
        network_.connect_only(std::move(pairs));
        nodes_ = network_.make_nodes(count, options);
        network_.run_for(15s);
    }
    Node& node(std::size_t number) { return *nodes_.at(number - 1); }
    std::size_t copies(std::size_t number, std::string_view text) {
        return node(number).handler().count(base::as_bytes(text));
    }
    void send(std::size_t from, const wire::Destination& to, std::string_view text) {
        ASSERT_TRUE(
            node(from).mesh().send_routed(network_.now(), to, note_type, base::as_bytes(text)));
    }
    std::uint32_t seconds() const {
        return static_cast<std::uint32_t>(base::unix_ms(network_.now().wall) / 1000);
    }
    /// The last datagram of this type that went from one to the other.
    base::Buffer last(MessageType type, std::uint16_t from, std::uint16_t to) const {
        for (auto it = network_.sent.rbegin(); it != network_.sent.rend(); ++it) {
            if (it->from.port == from && it->to && it->to->port == to &&
                it->bytes[0] == static_cast<std::byte>(type)) {
                return it->bytes;
            }
        }
        return {};
    }
    /// As node `from` would bring it.
    void bring(std::uint16_t from, std::uint16_t to, base::Bytes datagram) {
        network_.inject(address_of(from), address_of(to), datagram);
        network_.run_for(20ms);
    }
    static base::Buffer framed(MessageType type, const crypto::PublicKey& origin,
                               std::uint8_t hop_limit, base::Bytes payload) {
        return wire::encode_frame({.type = type,
                                   .sender = crypto::node_id(origin),
                                   .timestamp = 1,
                                   .sequence = 1,
                                   .hop_limit = hop_limit},
                                  payload);
    }
    wire::RoutedMessage message_to(const wire::Destination& to, const crypto::PublicKey& origin,
                                   const crypto::SigningKey& signer, std::uint64_t sequence = 7) {
        wire::RoutedMessage message;
        message.origin = origin;
        message.issued = seconds();
        message.sequence = sequence;
        message.hop_limit = 3;
        message.destination = to;
        message.type = note_type;
        message.payload = base::to_buffer(base::as_bytes("lie"));
        message.signature = signer.sign(wire::routed_preimage(chain_of(7), message));
        return message;
    }
    wire::Announcement announcement_of(const crypto::SigningKey& key, std::uint64_t sequence) {
        wire::Announcement announcement;
        announcement.identity = key.public_key();
        announcement.sequence = sequence;
        announcement.issued = seconds();
        announcement.validity = std::chrono::minutes(20);
        announcement.signature = key.sign(wire::announcement_preimage(chain_of(7), announcement));
        return announcement;
    }

    Network network_;
    std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(RoutingHostile, ReplayedMessage_IsHandedUpOnceEvenWhenItsContentIsForgotten) {
    Options options;
    options.seen_objects_max = 2;
    make_line(3, options);
    send(1, node(3).key(), "once");
    network_.run_for(1s);
    ASSERT_EQ(copies(3, "once"), 1U);
    const base::Buffer datagram = last(MessageType::routed, 2, 3);
    for (int i = 0; i < 5; ++i) {
        send(2, wire::Everybody{}, "noise" + std::to_string(i));
        network_.run_for(100ms);
    }
    bring(2, 3, datagram);
    EXPECT_EQ(copies(3, "once"), 1U);
}

TEST_F(RoutingHostile, ReplayAfterARestartOfTheReceiver_IsOlderThanItsStart) {
    make_line(3);
    send(1, node(3).key(), "once");
    network_.run_for(2s);
    const base::Buffer datagram = last(MessageType::routed, 2, 3);
    node(3).restart(3);
    network_.run_for(10s);
    ASSERT_TRUE(node(3).mesh().is_connected(node(2).key()));
    bring(2, 3, datagram);
    EXPECT_EQ(copies(3, "once"), 1U);
    send(1, node(3).key(), "and after");
    network_.run_for(1s);
    EXPECT_EQ(copies(3, "and after"), 1U);
}

TEST_F(RoutingHostile, OldMessage_IsIgnoredByEverybodyOnTheWay) {
    make_line(3);
    const base::Buffer payload = wire::encode(message_to(node(3).key(), node(1).key(), key_of(1)));
    network_.run_for(3min);
    bring(1, 2, framed(MessageType::routed, node(1).key(), 3, payload));
    EXPECT_EQ(copies(3, "lie"), 0U);
}

TEST_F(RoutingHostile, ForgedOrigin_TeachesNothingAndIsChargedToItsBringer) {
    make_line(4);
    const auto failures = [&] { return node(2).mesh().peer(node(1).key())->metrics.failures; };
    const std::uint64_t before = failures();
    const auto forged = message_to(node(3).key(), node(4).key(), key_of(77));
    bring(1, 2, framed(MessageType::routed, node(4).key(), 3, wire::encode(forged)));
    EXPECT_EQ(copies(3, "lie"), 0U);
    EXPECT_EQ(failures(), before + 1);
    send(2, node(4).key(), "still right");
    network_.run_for(100ms);
    EXPECT_EQ(copies(4, "still right"), 1U);
}

TEST_F(RoutingHostile, OtherSenderInTheFrameThanInside_IsRefused) {
    make_line(3);
    const auto message = message_to(node(3).key(), node(1).key(), key_of(1));
    bring(1, 2, framed(MessageType::routed, node(2).key(), 3, wire::encode(message)));
    bring(1, 2, framed(MessageType::routed, key_of(50).public_key(), 3, wire::encode(message)));
    EXPECT_EQ(copies(3, "lie"), 0U);
}

TEST_F(RoutingHostile, HopLimitRaisedOnTheWay_IsSeen) {
    make_line(3);
    const auto message = message_to(node(3).key(), node(1).key(), key_of(1));
    bring(1, 2, framed(MessageType::routed, node(1).key(), 4, wire::encode(message)));
    EXPECT_EQ(copies(3, "lie"), 0U);
    bring(1, 2, framed(MessageType::routed, node(1).key(), 3, wire::encode(message)));
    EXPECT_EQ(copies(3, "lie"), 1U);
}

TEST_F(RoutingHostile, ReceiptOfAnotherOrForAnother_EndsNothing) {
    make_line(3);
    network_.swallows = [](const auto& from, const auto& to, base::Bytes) {
        return from.port == 2 && to.port == 3;
    };
    const auto sequence =
        node(1).mesh().send_routed(network_.now(), node(3).key(), note_type, base::Buffer(1));
    ASSERT_TRUE(sequence);
    network_.run_for(10ms);
    // Node 2 answers in node 3's place, under its own name.
    wire::RoutedMessage receipt = message_to(node(1).key(), node(2).key(), key_of(2), 1);
    receipt.type = MessageType::receipt;
    receipt.payload = wire::encode(wire::Receipt{*sequence, 0, 1, wire::Receipt::Outcome::taken});
    receipt.signature = key_of(2).sign(wire::routed_preimage(chain_of(7), receipt));
    bring(2, 1, framed(MessageType::routed, node(2).key(), 3, wire::encode(receipt)));
    EXPECT_TRUE(node(1).events_of<RoutedSettled>().empty());
    network_.run_for(8s);
    ASSERT_EQ(node(1).events_of<RoutedSettled>().size(), 1U);
    EXPECT_EQ(node(1).events_of<RoutedSettled>()[0].outcome, RoutedOutcome::lost);
}

TEST_F(RoutingHostile, FloodOfOneOrigin_IsCutToItsRateByTheFirstHonestNode) {
    make_line(3);
    const std::size_t begin = network_.sent.size();
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
        const auto message = message_to(wire::Everybody{}, key_of(60).public_key(), key_of(60), i);
        bring(1, 2, framed(MessageType::routed, message.origin, 3, wire::encode(message)));
    }
    // A thousand in twenty seconds; the rate allows 240 at once and twenty a second.
    EXPECT_LE(network_.count_sent(MessageType::routed, begin), 240U + 410U);
    send(1, node(3).key(), "unharmed");
    network_.run_for(100ms);
    EXPECT_EQ(copies(3, "unharmed"), 1U);
}

TEST_F(RoutingHostile, FloodOfMadeUpNodes_FillsNoMoreThanTheTableAndHidesNobody) {
    Options options;
    options.nodes_max = 40;
    make_line(4, options);
    for (std::uint32_t i = 0; i < 500; ++i) {
        crypto::SigningKey::Seed seed{};
        base::FixedWriter(seed).u32(i + 1'000);
        const auto key = crypto::SigningKey::from_seed(seed);
        const base::Buffer payload = wire::encode(announcement_of(key, 1));
        bring(1, 2, framed(MessageType::peer_info, key.public_key(), 7, payload));
    }
    EXPECT_EQ(node(2).mesh().announced()->size(), 40U);
    for (const std::size_t honest : {1U, 3U, 4U}) {
        EXPECT_NE(node(2).mesh().announced()->find(node(honest).key()), nullptr) << honest;
    }
    EXPECT_EQ(node(2).mesh().topology()->hops(node(4).key()), 2);
    // The invented ones state no edge that counts.
    EXPECT_EQ(node(2).mesh().topology()->edges().size(), 3U);
}

TEST_F(RoutingHostile, AnnouncementForgedOldOrRegressing_ChangesNothing) {
    make_line(3);
    const auto* known = node(2).mesh().announced()->find(node(1).key());
    ASSERT_NE(known, nullptr);
    const std::uint64_t sequence = known->announcement.sequence;
    const auto bring_info = [&](const wire::Announcement& announcement) {
        bring(3, 2,
              framed(MessageType::peer_info, announcement.identity, 7, wire::encode(announcement)));
    };
    bring_info(announcement_of(key_of(1), sequence - 1));
    wire::Announcement forged = announcement_of(key_of(77), sequence + 1);
    forged.identity = node(1).key();
    bring_info(forged);
    wire::Announcement old = announcement_of(key_of(1), sequence + 2);
    old.issued -= 3600;
    old.signature = key_of(1).sign(wire::announcement_preimage(chain_of(7), old));
    bring_info(old);
    EXPECT_EQ(node(2).mesh().announced()->find(node(1).key())->announcement.sequence, sequence);
    bring_info(announcement_of(key_of(1), sequence + 3));
    EXPECT_EQ(node(2).mesh().announced()->find(node(1).key())->announcement.sequence, sequence + 3);
}

TEST_F(RoutingHostile, Restart_MakesItsAnnouncementsNewer_NameAndRoleFollow) {
    make_line(3);
    const std::uint64_t before =
        node(3).mesh().announced()->find(node(1).key())->announcement.sequence;
    node(1).restart(1);
    network_.run_for(15s);
    const auto* after = node(3).mesh().announced()->find(node(1).key());
    ASSERT_NE(after, nullptr);
    EXPECT_GT(after->announcement.sequence, before);
}

TEST_F(RoutingHostile, IdleNodeWithTenPeers_StaysWithinItsBudget) {
    nodes_ = network_.make_nodes(11, {});
    network_.run_for(30s);
    ASSERT_EQ(node(1).mesh().connected_count(), 10U);
    const std::size_t begin = network_.sent.size();
    network_.run_for(5min);
    std::uint64_t bytes = 0;
    for (std::size_t i = begin; i < network_.sent.size(); ++i) {
        if (network_.sent[i].from.port == 1) bytes += network_.sent[i].bytes.size();
    }
    EXPECT_LT(bytes / 5, idle_bytes_per_minute_max);
    RecordProperty("bytes_per_minute", static_cast<int>(bytes / 5));
    // Where all know each other, nobody passes on what all have heard.
    EXPECT_EQ(node(1).mesh().stats().of(MessageType::peer_info).relayed, 0U);
    EXPECT_EQ(node(1).mesh().topology()->edges().size(), 55U);
}

}  // namespace
}  // namespace meshchain::mesh::test
