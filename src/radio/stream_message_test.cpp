#include "radio/stream_message.h"

#include "base/random.h"
#include "radio/test_vectors.h"

namespace meshchain::radio {
namespace {

using test::official;
using test::rising;

MeshPacket a_packet() {
    MeshPacket packet;
    packet.from = NodeNumber{1};
    packet.to = NodeNumber{2};
    packet.channel = 1;
    packet.content = Content{.port = Port{300},
                             .payload = rising(1, 5),
                             .wants_response = true,
                             .destination = NodeNumber{9},
                             .source = NodeNumber{8},
                             .request_id = 7,
                             .reply_id = 6,
                             .bitfield = 3};
    packet.id = 3;
    packet.hop_limit = 7;
    packet.hop_start = 7;
    packet.is_pki = true;
    packet.public_key = rising(0x80, 32);
    return packet;
}

NodeInfo a_node() {
    return {.number = NodeNumber{0x0a0b0c0d},
            .user = User{.id = "!0a0b0c0d",
                         .long_name = "MeshChain node",
                         .short_name = "MC01",
                         .hardware = 255,
                         .role = 1,
                         .public_key = rising(0x20, 32)},
            .metrics = DeviceMetrics{.channel_utilization = 12.5F, .air_util_tx = 0.75F},
            .snr = -3.5F,
            .last_heard = 1'700'000'000,
            .channel = 1,
            .came_by_mqtt = true,
            .hops_away = 2};
}

TEST(StreamMessage, ToRadio_IsAsTheOfficialSoftwareHasIt) {
    const auto expect = [](const std::string& name, const ToRadio& message) {
        EXPECT_EQ(parse_to_radio(official(name)).value(), message) << name;
        EXPECT_EQ(encode(message).value(), official(name)) << name;
    };
    expect("to_packet", a_packet());
    expect("to_want_config", WantConfig{12345});
    expect("to_disconnect", Disconnect{});
    expect("to_heartbeat", Heartbeat{4});
    EXPECT_EQ(parse_to_radio({}).error(), MeshFault::empty);
}

TEST(StreamMessage, FromRadio_IsAsTheOfficialSoftwareHasIt) {
    const auto expect = [](const std::string& name, const decltype(FromRadio::news)& news) {
        const FromRadio message{.id = 9, .news = news};
        EXPECT_EQ(parse_from_radio(official(name)).value(), message) << name;
        EXPECT_EQ(encode(message).value(), official(name)) << name;
    };
    expect("from_packet", a_packet());
    expect("from_my_info", MyInfo{NodeNumber{77}});
    expect("from_node_info", a_node());
    expect("from_lora_config", LoraConfig{.uses_preset = true,
                                          .preset = 8,
                                          .bandwidth = 250,
                                          .spreading_factor = 11,
                                          .coding_rate = 5,
                                          .region = 3,
                                          .hop_limit = 3,
                                          .may_transmit = true});
    expect("from_config_complete", ConfigComplete{12345});
    expect("from_rebooted", Rebooted{});
    expect("from_channel", Channel{.index = 1,
                                   .psk = rising(1, 16),
                                   .name = "village",
                                   .has_uplink = true,
                                   .has_downlink = true,
                                   .role = 2});
    expect("from_queue_status",
           QueueStatus{.result = 32, .free = 12, .size = 16, .packet_id = 0x01020304});
}

TEST(StreamMessage, WhatWeDoNotLookAt_IsOtherNews) {
    const FromRadio other{.id = 9, .news = OtherNews{}};
    EXPECT_EQ(parse_from_radio(official("from_other_config")).value(), other);
    EXPECT_EQ(parse_from_radio(official("from_log_record")).value(), other);
}

/// Bytes seen to work with a real radio: broadcast on channel 1, port 300.
TEST(StreamMessage, Framed_IsWhatARealRadioTook) {
    EXPECT_EQ(base::to_hex(frame_for_stream(encode(ToRadio(WantConfig{12345})).value())),
              "94c3000318b960");
    const base::Buffer taken =
        base::from_hex("94c3001b0a1915ffffffff1801220908ac0212047171717135443322114803").value();
    StreamReader reader;
    ASSERT_EQ(reader.handle_bytes(taken), taken.size());
    const auto message = parse_to_radio(reader.poll_message().value());
    ASSERT_TRUE(message.has_value());
    const auto& packet = std::get<MeshPacket>(*message);
    EXPECT_EQ(packet.id, 0x11223344U);
    EXPECT_EQ(std::get<Content>(packet.content).port, Port{300});
    EXPECT_EQ(frame_for_stream(encode(*message).value()), taken);
}

/// All messages that a reader finds in `stream`, handed in by parts of up to `part_max` bytes.
std::vector<base::Buffer> messages_in(StreamReader& reader, base::Bytes stream,
                                      base::Random& random, std::size_t part_max) {
    std::vector<base::Buffer> found;
    while (!stream.empty()) {
        const std::size_t part = std::min(stream.size(), 1 + random.below(part_max));
        const std::size_t taken = reader.handle_bytes(stream.first(part));
        EXPECT_GT(taken, 0U);
        stream = stream.subspan(taken);
        if (const auto message = reader.poll_message()) found.push_back(base::to_buffer(*message));
    }
    return found;
}

TEST(StreamReader, MessagesBetweenNoise_AreFoundHoweverTheBytesAreCut) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        base::Random random(seed);
        base::Buffer stream;
        std::vector<base::Buffer> sent;
        for (int i = 0; i < 20; ++i) {
            // Log text of a serial port never holds the start of a message.
            for (std::uint64_t noise = random.below(9); noise > 0; --noise) {
                stream.push_back(static_cast<std::byte>(random.below(128)));
            }
            if (random.below(4) == 0) stream.push_back(std::byte{0x94});
            sent.push_back(rising(static_cast<int>(random.below(256)), random.below(513)));
            const base::Buffer frame = frame_for_stream(sent.back());
            stream.insert(stream.end(), frame.begin(), frame.end());
        }
        StreamReader reader;
        EXPECT_EQ(messages_in(reader, stream, random, 70), sent);
    }
}

TEST(StreamReader, LengthThatNoMessageHas_IsNoise) {
    base::Random random(1);
    const base::Buffer frame = frame_for_stream(rising(5, 3));
    base::Buffer stream = base::from_hex("94c3020194c3").value();
    stream.insert(stream.end(), frame.begin() + 2, frame.end());
    StreamReader reader;
    EXPECT_EQ(messages_in(reader, stream, random, 1), std::vector<base::Buffer>{rising(5, 3)});
    EXPECT_EQ(reader.skipped_bytes(), 4U);
}

TEST(StreamReader, GarbageWithoutEnd_TakesNoMemory) {
    base::Random random(3);
    StreamReader reader;
    for (int i = 0; i < 200; ++i) {
        base::Buffer garbage(1000);
        for (std::byte& byte : garbage) byte = static_cast<std::byte>(0x90 + random.below(64));
        for (const base::Buffer& message : messages_in(reader, garbage, random, 1000)) {
            EXPECT_LE(message.size(), stream_message_max);
        }
    }
    EXPECT_GT(reader.skipped_bytes(), 100'000U);
}

}  // namespace
}  // namespace meshchain::radio
