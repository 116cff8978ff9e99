// It must be as hard on its client as a real one.

#include "radio/stream_radio.h"

#include <gmock/gmock.h>

#include "radio/test_radio_client.h"

namespace meshchain::radio {
namespace {

using namespace test;
using testing::ElementsAre;

class StreamRadioTest : public testing::Test {
protected:
    News ask(base::Bytes bytes) {
        radio_.handle_bytes(bytes);
        return fetch();
    }
    News ask(const ToRadio& message) { return ask(framed(message)); }
    News fetch() {
        News news;
        news.add(radio_.poll_bytes());
        return news;
    }
    void shake_hands() { ask(WantConfig{1}); }
    MeshPacket heard_by_it(std::uint32_t id, NodeNumber to = everybody) {
        MeshPacket packet = packet_of(id, 20);
        packet.from = NodeNumber{77};
        packet.to = to;
        packet.hop_start = packet.hop_limit;
        return packet;
    }

    StreamRadio radio_;
};

TEST_F(StreamRadioTest, Handshake_SaysAllThatAClientWantsToKnow_AndEndsWithItsNumber) {
    radio_.hear(heard_by_it(1));
    const News news = ask(WantConfig{12'345});
    EXPECT_THAT(news.of<MyInfo>(), ElementsAre(MyInfo{radio_.number}));
    EXPECT_EQ(news.of<NodeInfo>().size(), 2U) << "itself, and whom it has heard";
    EXPECT_EQ(news.of<OtherNews>().size(), 1U) << "metadata";
    EXPECT_EQ(news.of<Channel>(), radio_.channels);
    EXPECT_THAT(news.of<LoraConfig>(), ElementsAre(radio_.lora));
    EXPECT_THAT(news.of<ConfigComplete>(), ElementsAre(ConfigComplete{12'345}));
    const News settings = ask(WantConfig{StreamRadio::without_nodes});
    EXPECT_EQ(settings.of<NodeInfo>().size(), 1U);
    EXPECT_FALSE(settings.of<Channel>().empty());
    const News nodes = ask(WantConfig{StreamRadio::nodes_only});
    EXPECT_EQ(nodes.of<NodeInfo>().size(), 2U);
    EXPECT_TRUE(nodes.of<Channel>().empty());
}

TEST_F(StreamRadioTest, FortyPacketsAtOnce_SixteenAreQueued_AndMostRefusalsAreNeverHeardOf) {
    shake_hands();
    const News news = ask(packets_at_once(40));
    EXPECT_EQ(radio_.queue.size(), 16U);
    const auto statuses = news.of<QueueStatus>();
    ASSERT_EQ(statuses.size(), 2U);
    EXPECT_EQ(statuses[1], (QueueStatus{.result = 32, .free = 0, .size = 16, .packet_id = 40}));
}

TEST_F(StreamRadioTest, PlacesOfRelays_AreTakenFromItsClient) {
    radio_.relays = 15;
    EXPECT_EQ(ask(packet_of(1, 20)).of<QueueStatus>().at(0).free, 0U);
    EXPECT_EQ(ask(packet_of(2, 20)).of<QueueStatus>().at(0).result, 32);
}

TEST_F(StreamRadioTest, SentPacket_MakesRoom_AndThatIsSaid) {
    ask(packet_of(1, 20));
    EXPECT_EQ(ask(packet_of(2, 20)).of<QueueStatus>().at(0).free, 14U);
    radio_.transmit();
    EXPECT_THAT(fetch().of<QueueStatus>(),
                ElementsAre(QueueStatus{.result = 0, .free = 15, .size = 16, .packet_id = 1}));
    EXPECT_EQ(radio_.queue.front().id, 2U);
}

TEST_F(StreamRadioTest, Repeat_IsIgnored_WhateverBecameOfTheFirst_UntilTwentyOthersCame) {
    ask(packets_at_once(17));
    radio_.queue.clear();
    EXPECT_TRUE(ask(packet_of(1, 20)).all.empty()) << "it was queued";
    EXPECT_TRUE(ask(packet_of(17, 20)).all.empty()) << "it was refused";
    for (std::uint32_t id = 100; id < 120; ++id) ask(packet_of(id, 20));
    radio_.queue.clear();
    EXPECT_EQ(ask(packet_of(17, 20)).of<QueueStatus>().at(0).result, 0);
}

TEST_F(StreamRadioTest, ContentThatNoPacketHolds_IsRefusedAsTooLarge) {
    shake_hands();
    EXPECT_EQ(ask(packet_of(1, 231)).of<QueueStatus>().at(0).result, 0);
    const News refused = ask(packet_of(2, 232));
    EXPECT_EQ(refused.of<QueueStatus>().at(0).result, 7);
    const auto packets = refused.on(Port::routing);
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(packets[0].from, radio_.number);
    EXPECT_EQ(request_in(packets[0]), 2U);
    EXPECT_EQ(error_in(packets[0]), 7U);
    EXPECT_EQ(ask(packet_of(3, 232, Port::text)).of<QueueStatus>().at(0).result, 0)
        << "a low port number takes a byte less";
    EXPECT_EQ(ask(packet_of(4, 233, Port::text)).of<QueueStatus>().at(0).result, 7);
    EXPECT_TRUE(ask(packet_of(5, 234)).all.empty()) << "its field is too short to read it";
    EXPECT_EQ(radio_.queue.size(), 2U);
}

TEST_F(StreamRadioTest, WhatIsSent_IsSentInItsOwnName_WithTheHopsThatItsClientLeavesToIt) {
    MeshPacket packet = packet_of(1, 20);
    packet.from = NodeNumber{99};
    packet.hop_limit = 0;
    ask(packet);
    packet.id = 2;
    packet.wants_ack = true;
    ask(packet);
    ASSERT_EQ(radio_.queue.size(), 2U);
    EXPECT_EQ(radio_.queue[0].from, radio_.number);
    EXPECT_EQ(radio_.queue[0].hop_limit, 0);
    EXPECT_EQ(radio_.queue[1].hop_limit, 3);
    EXPECT_EQ(radio_.queue[1].hop_start, 3);
    EXPECT_TRUE(std::get<Content>(radio_.queue[0].content).bitfield);
}

TEST_F(StreamRadioTest, Heartbeat_IsAnswered) {
    EXPECT_EQ(ask(Heartbeat{}).of<QueueStatus>().size(), 1U);
}

TEST_F(StreamRadioTest, ClientThatAsksForIt_StartsTheRadioAnew) {
    shake_hands();
    ask(packets_at_once(3));
    radio_.hear(heard_by_it(1));
    const News news = ask(reboot_request(radio_.number));
    EXPECT_EQ(news.of<Rebooted>().size(), 1U);
    EXPECT_TRUE(news.on(private_port).empty());
    EXPECT_TRUE(radio_.queue.empty());
    radio_.hear(heard_by_it(2));
    EXPECT_TRUE(fetch().all.empty()) << "it has forgotten its client";
    EXPECT_EQ(ask(packet_of(1, 20)).of<QueueStatus>().at(0).result, 0) << "and the ids";
    EXPECT_TRUE(ask(reboot_request(NodeNumber{99})).of<Rebooted>().empty()) << "another is meant";
}

TEST_F(StreamRadioTest, WhatIsHeardMeanwhile_WaitsForTheClient_AndOnlyTheNewest) {
    for (std::uint32_t id = 1; id <= 40; ++id) radio_.hear(heard_by_it(id));
    EXPECT_TRUE(fetch().all.empty());
    radio_.handle_open();
    const News news = ask(WantConfig{1});
    const auto waited = news.on(private_port);
    ASSERT_EQ(waited.size(), StreamRadio::heard_max);
    EXPECT_EQ(waited.back().id, 40U);
    const std::size_t settings = news.all.size() - waited.size();
    for (std::size_t i = 0; i < settings; ++i) {
        EXPECT_FALSE(std::holds_alternative<MeshPacket>(news.all[i])) << "they follow the settings";
    }
}

TEST_F(StreamRadioTest, PacketForOneNode_IsShownAndAcknowledgedThereAlone) {
    shake_hands();
    MeshPacket packet = heard_by_it(1, NodeNumber{99});
    packet.wants_ack = true;
    radio_.hear(packet);
    EXPECT_TRUE(fetch().on(private_port).empty());
    EXPECT_TRUE(radio_.queue.empty());
    packet.to = radio_.number;
    radio_.hear(packet);
    EXPECT_EQ(fetch().on(private_port).size(), 1U);
    ASSERT_EQ(radio_.queue.size(), 1U);
    EXPECT_EQ(radio_.queue[0].to, packet.from);
    EXPECT_EQ(request_in(radio_.queue[0]), 1U);
    EXPECT_EQ(error_in(radio_.queue[0]), 0U);
}

TEST_F(StreamRadioTest, PacketThatIsHeardPassedOn_IsAcknowledgedOnce_IfThatWasAskedFor) {
    shake_hands();
    ask(packet_of(1, 20));
    MeshPacket packet = packet_of(2, 20);
    packet.wants_ack = true;
    ask(packet);
    for (const std::uint32_t id : {1U, 2U, 2U}) radio_.hear_echo(id);
    const auto packets = fetch().on(Port::routing);
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(request_in(packets[0]), 2U);
    EXPECT_EQ(error_in(packets[0]), 0U);
}

TEST_F(StreamRadioTest, MoreNodesThanItKnows_AreHeard_AndNotNoted) {
    MeshPacket packet = heard_by_it(1);
    for (std::uint32_t i = 0; i < 2 * StreamRadio::nodes_max; ++i) {
        packet.from = NodeNumber{1'000 + i};
        radio_.hear(packet);
    }
    radio_.check_invariants();
    const News news = ask(WantConfig{1});
    EXPECT_EQ(news.of<NodeInfo>().size(), 1 + StreamRadio::nodes_max);
    EXPECT_EQ(news.on(private_port).back().from, packet.from);
}

TEST_F(StreamRadioTest, NextClient_InheritsTheQueue_AndNothingElse) {
    shake_hands();
    ask(packet_of(1, 20));
    radio_.handle_bytes(base::Bytes(framed(packet_of(2, 20))).first(9));
    radio_.hear(heard_by_it(1));
    radio_.handle_open();
    EXPECT_TRUE(fetch().all.empty());
    EXPECT_EQ(ask(packet_of(1, 20)).of<QueueStatus>().at(0).free, 14U);
}

TEST_F(StreamRadioTest, NonsenseOfAClient_IsPassedOver) {
    base::Buffer bytes = frame_for_stream(base::Buffer(30, std::byte{0xff}));
    const base::Buffer good = framed(Heartbeat{});
    bytes.insert(bytes.end(), good.begin(), good.end());
    EXPECT_EQ(ask(bytes).all.size(), 1U);
}

}  // namespace
}  // namespace meshchain::radio
