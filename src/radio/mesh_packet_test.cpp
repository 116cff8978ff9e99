#include "radio/mesh_packet.h"

#include "radio/test_vectors.h"

namespace meshchain::radio {
namespace {

using test::official;
using test::rising;

Content a_content() {
    return {.port = Port{300},
            .payload = rising(1, 5),
            .wants_response = true,
            .destination = NodeNumber{9},
            .source = NodeNumber{8},
            .request_id = 7,
            .reply_id = 6,
            .bitfield = 3};
}

MeshPacket encrypted_packet() {
    MeshPacket packet;
    packet.from = NodeNumber{0x0a0b0c0d};
    packet.channel = 8;
    packet.content = Ciphertext{rising(0x40, 20)};
    packet.id = 0x01020304;
    packet.rx_time = 1'700'000'000;
    packet.rx_snr = 6.25F;
    packet.rx_rssi = -91;
    packet.hop_limit = 3;
    packet.hop_start = 5;
    packet.wants_ack = true;
    packet.came_by_mqtt = true;
    return packet;
}

MeshPacket decoded_packet() {
    MeshPacket packet;
    packet.from = NodeNumber{1};
    packet.to = NodeNumber{2};
    packet.channel = 1;
    packet.content = a_content();
    packet.id = 3;
    packet.hop_limit = 7;
    packet.hop_start = 7;
    packet.is_pki = true;
    packet.public_key = rising(0x80, 32);
    return packet;
}

User a_user() {
    return {.id = "!0a0b0c0d",
            .long_name = "MeshChain node",
            .short_name = "MC01",
            .hardware = 255,
            .role = 1,
            .public_key = rising(0x20, 32)};
}

/// Read as the value, and written as the same bytes.
template <class Value, class Parse>
void expect_official(const std::string& name, const Value& value, Parse&& parse) {
    const base::Buffer bytes = official(name);
    const auto parsed = parse(base::Bytes(bytes));
    ASSERT_TRUE(parsed.has_value()) << name;
    EXPECT_EQ(*parsed, value) << name;
    const auto encoded = encode(value);
    ASSERT_TRUE(encoded.has_value()) << name;
    EXPECT_EQ(base::to_hex(*encoded), base::to_hex(bytes)) << name;
}

TEST(MeshPacket, WhatTheOfficialSoftwareWrites_IsReadAndWrittenTheSame) {
    expect_official("data", a_content(), parse_content);
    expect_official("data_without_bitfield",
                    Content{.port = Port::text, .payload = rising(0x61, 3), .bitfield = {}},
                    parse_content);
    expect_official("packet_encrypted", encrypted_packet(), parse_mesh_packet);
    expect_official("packet_decoded", decoded_packet(), parse_mesh_packet);
    expect_official("envelope",
                    ServiceEnvelope{.packet = encrypted_packet(),
                                    .channel_id = "LongFast",
                                    .gateway_id = to_text(NodeNumber{0x0a0b0c0d})},
                    parse_service_envelope);
    expect_official("user", a_user(), parse_user);
}

TEST(MeshPacket, RoutingAndTelemetry_AreAsTheOfficialSoftwareHasThem) {
    EXPECT_EQ(parse_routing(official("routing_ack")).value(), 0U);
    EXPECT_EQ(parse_routing(official("routing_too_large")).value(), 7U);
    EXPECT_EQ(encode_routing(0), official("routing_ack"));
    EXPECT_EQ(encode_routing(7), official("routing_too_large"));
    EXPECT_EQ(parse_routing({}).value(), std::nullopt);
    const DeviceMetrics metrics{.channel_utilization = 12.5F, .air_util_tx = 0.75F};
    EXPECT_EQ(parse_telemetry(official("telemetry")).value(), metrics);
    EXPECT_EQ(encode_telemetry(metrics), official("telemetry"));
    EXPECT_EQ(parse_telemetry({}).value(), std::nullopt);
}

TEST(MeshPacket, FieldsThatWeDoNotKnow_AreSkipped) {
    const DeviceMetrics metrics{.channel_utilization = 12.5F, .air_util_tx = 0.75F};
    EXPECT_EQ(parse_telemetry(official("telemetry_with_unknown_fields")).value(), metrics);
    base::Buffer bytes = official("packet_encrypted");
    // Field 200 as text, 201 as varint.
    const base::Buffer unknown = base::from_hex("c20c03616263c80c8101").value();
    bytes.insert(bytes.end(), unknown.begin(), unknown.end());
    EXPECT_EQ(parse_mesh_packet(bytes).value(), encrypted_packet());
}

TEST(MeshPacket, CutAnywhere_IsMalformedOrASmallerMessage_AndNeverMore) {
    const base::Buffer bytes = official("envelope");
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto parsed = parse_service_envelope(base::Bytes(bytes).first(length));
        EXPECT_FALSE(parsed.has_value()) << length;
    }
}

TEST(MeshPacket, EnvelopeThatLacksAPart_IsEmpty) {
    ServiceEnvelope envelope{.packet = encrypted_packet(), .channel_id = "a", .gateway_id = "!1"};
    ASSERT_TRUE(parse_service_envelope(encode(envelope).value()).has_value());
    for (const auto lack : {&ServiceEnvelope::channel_id, &ServiceEnvelope::gateway_id}) {
        ServiceEnvelope lacking = envelope;
        (lacking.*lack).clear();
        EXPECT_EQ(parse_service_envelope(encode(lacking).value()).error(), MeshFault::empty);
    }
    EXPECT_EQ(parse_service_envelope(base::from_hex("12016118").value()).error(),
              MeshFault::malformed);
    EXPECT_EQ(parse_service_envelope(base::from_hex("1201611a0162").value()).error(),
              MeshFault::empty);
}

TEST(MeshPacket, PacketsThatNoRadioRelays_AreRefusedWithTheReason) {
    MeshPacket packet = encrypted_packet();
    packet.id = 0;
    EXPECT_EQ(parse_mesh_packet(encode(packet).value()).error(), MeshFault::id);
    packet = encrypted_packet();
    packet.hop_limit = 8;
    EXPECT_EQ(parse_mesh_packet(encode(packet).value()).error(), MeshFault::hops);
    // id 1 and nothing else.
    EXPECT_EQ(parse_mesh_packet(base::from_hex("3501000000").value()).error(), MeshFault::empty);
    // A hop limit of 2^32.
    EXPECT_FALSE(
        parse_mesh_packet(base::from_hex("2a0101350100000048808080801001").value()).has_value());
}

TEST(MeshPacket, LongestPayloadOnAPrivatePort_Is231Bytes) {
    Content content{.port = Port{300}, .payload = base::Buffer(231), .bitfield = 0};
    EXPECT_EQ(encode(content).value().size(), Content::encoded_bytes_max);
    content.payload.resize(232);
    EXPECT_EQ(encode(content).error().code, base::Errc::too_large);
    content.payload.resize(300);
    EXPECT_EQ(encode(content).error().code, base::Errc::too_large);
}

TEST(MeshPacket, FieldsLongerThanTheirRoom_AreRefusedBothWays) {
    MeshPacket packet = encrypted_packet();
    packet.content = Ciphertext{base::Buffer(257)};
    EXPECT_EQ(encode(packet).error().code, base::Errc::too_large);
    User user = a_user();
    user.short_name = "toolong";
    EXPECT_EQ(encode(user).error().code, base::Errc::too_large);
    user.short_name = std::string("a\0b", 3);
    EXPECT_EQ(encode(user).error().code, base::Errc::too_large);
    // A key of 33 bytes.
    base::Buffer bytes = base::from_hex("4221").value();
    bytes.resize(bytes.size() + 33);
    EXPECT_EQ(parse_user(bytes).error(), MeshFault::malformed);
}

TEST(NodeNumber, IsTheChecksumOfTheKey_AndWrittenAsPeopleKnowIt) {
    EXPECT_EQ(node_number_of(base::as_bytes("123456789")), NodeNumber{0xcbf43926});
    EXPECT_EQ(to_text(NodeNumber{0x0a0b0c0d}), "!0a0b0c0d");
}

}  // namespace
}  // namespace meshchain::radio
