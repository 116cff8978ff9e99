#include "radio/packet.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/cursor.h"
#include "radio/outbox.h"

namespace meshchain::radio {
namespace {

using Fault = PacketFault;

base::Buffer from_hex(std::string_view text) { return base::from_hex(text).value(); }

PacketFault fault_of(std::string_view hex) {
    const auto packet = parse_packet(from_hex(hex));
    EXPECT_FALSE(packet.has_value()) << hex;
    return packet ? PacketFault{} : packet.error();
}

TEST(RadioPacket, WhatIsNotOurs_IsRefusedByItsReason) {
    EXPECT_EQ(fault_of(""), Fault::foreign);
    EXPECT_EQ(fault_of("7b226964223a317d"), Fault::foreign);  // JSON
    EXPECT_EQ(fault_of("00"), Fault::foreign);
    EXPECT_EQ(fault_of("fa0000"), Fault::version);
    EXPECT_EQ(fault_of("f8"), Fault::version);
    EXPECT_EQ(fault_of("f9"), Fault::length);
    EXPECT_EQ(fault_of("f901"), Fault::length);
    EXPECT_EQ(fault_of("f90010"), Fault::flags);
    EXPECT_EQ(fault_of("f900ff"), Fault::flags);
    EXPECT_EQ(fault_of("f90006"), Fault::flags);  // a piece and a wish at once
    EXPECT_EQ(fault_of("f90005"), Fault::flags);  // a wish with an origin
    EXPECT_EQ(fault_of("f9000c"), Fault::flags);  // a wish for one alone
    EXPECT_EQ(fault_of("f90008010203"), Fault::length);
    EXPECT_EQ(fault_of("f90001"
                       "0102030405060708"
                       "010203"),
              Fault::length);
    EXPECT_EQ(fault_of("f90004"
                       "00000001"
                       "00000002"),
              Fault::length);
    EXPECT_EQ(fault_of("f90004"
                       "00000001"
                       "00000002"
                       "0100"),
              Fault::length);
    EXPECT_EQ(fault_of("f90004"
                       "00000001"
                       "00000002"
                       "00"),
              Fault::cut);
}

TEST(RadioPacket, LongerThanAnyRadioSends_IsRefused) {
    base::Buffer bytes(payload_bytes_max + 1);
    bytes[0] = std::byte{0xF9};
    EXPECT_EQ(parse_packet(bytes).error(), Fault::length);
    bytes.pop_back();
    EXPECT_TRUE(parse_packet(bytes).has_value());
}

TEST(RadioPacket, PiecesThatNoMessageIsCutInto_AreRefused) {
    EXPECT_EQ(fault_of("f90002"
                       "aabbccdd"
                       "0004"
                       "00"),
              Fault::length);
    EXPECT_EQ(fault_of("f90002"
                       "aabbccdd"
                       "0004"
                       "0000"),
              Fault::cut);  // no piece
    EXPECT_EQ(fault_of("f90002"
                       "aabbccdd"
                       "0000"
                       "0000"
                       "01"),
              Fault::cut);  // no message
    EXPECT_EQ(fault_of("f90002"
                       "aabbccdd"
                       "0002"
                       "0000"
                       "0102"),
              Fault::cut);  // one piece
    EXPECT_EQ(fault_of("f90002"
                       "aabbccdd"
                       "0004"
                       "0000"
                       "010203"),
              Fault::cut);  // 2 and 2
    EXPECT_EQ(fault_of("f90002"
                       "aabbccdd"
                       "0100"
                       "0000"
                       "01"),
              Fault::cut);  // 256 pieces
    EXPECT_TRUE(parse_packet(from_hex("f90002"
                                      "aabbccdd"
                                      "00ff"
                                      "0000"
                                      "01"))
                    .has_value());
    EXPECT_TRUE(parse_packet(from_hex("f90002"
                                      "aabbccdd"
                                      "0003"
                                      "ffff"
                                      "0102"))
                    .has_value());
}

/// The payload of a line of the vectors.
base::Buffer payload_of(std::size_t bytes) {
    base::Buffer payload(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        payload[i] = static_cast<std::byte>(i * i + 7 * i + bytes);
    return payload;
}

TEST(RadioPacket, KnownPackets_AreMadeAsTheFormatSays) {
    std::ifstream file(MESHCHAIN_VECTORS "/radio_packet.txt");
    std::string line;
    std::size_t lines = 0;
    std::string message_before;
    Outbox outbox({});
    TransferId transfer{};
    while (std::getline(file, line)) {
        if (line.starts_with('#') || line.starts_with("wish")) continue;
        std::istringstream in(line);
        unsigned type = 0;
        std::string origin_hex;
        std::size_t bytes = 0;
        std::size_t index = 0;
        std::string hex;
        ASSERT_TRUE(in >> type >> origin_hex >> bytes >> index >> hex) << line;
        Message message{.type = static_cast<wire::MessageType>(type), .origin = {}, .payload = {}};
        const base::Buffer payload = payload_of(bytes);
        message.payload = payload;
        if (origin_hex != "-") {
            const base::Buffer origin_bytes = from_hex(origin_hex);
            base::Reader reader(origin_bytes);
            message.origin.emplace().node.bytes = reader.array<crypto::NodeId::size>();
            message.origin->timestamp = reader.u32();
            message.origin->sequence = reader.u32();
        }
        const std::string key = std::to_string(type) + origin_hex + std::to_string(bytes);
        if (key != message_before) {
            message_before = key;
            ASSERT_TRUE(outbox.submit({}, Priority::block, 3, message).has_value());
            transfer = transfer_id(message.type, head_of(message), join(message));
        }
        base::Instant now{};
        if (!outbox.next(now)) {
            ASSERT_TRUE(outbox.handle_wish(now, transfer, 1));
            now = outbox.poll_timeout(now);
        }
        EXPECT_EQ(base::to_hex(outbox.take(now).packet), hex) << line;
        ++lines;
    }
    EXPECT_EQ(lines, 11U);
}

TEST(RadioPacket, KnownWish_IsMadeAsTheFormatSays) {
    std::ifstream file(MESHCHAIN_VECTORS "/radio_packet.txt");
    std::string line;
    std::string hex;
    while (std::getline(file, line)) {
        if (line.starts_with("wish ")) hex = line.substr(5);
    }
    const Wish wish{.type = wire::MessageType::block,
                    .sender = NodeNumber{0xA1B2C3D4},
                    .transfer = transfer_id(wire::MessageType::block, {}, payload_of(229)),
                    .missing = 2};
    EXPECT_EQ(base::to_hex(encode(wish)), hex);
    const auto packet = parse_packet(from_hex(hex));
    ASSERT_TRUE(packet.has_value());
    EXPECT_EQ(std::get<Wish>(*packet), wish);
}

TEST(RadioPacket, CompactTransfer_IsOnePacketWithThreeBytesOfOurs) {
    const base::Buffer payload(110);
    const Message message{.type = wire::MessageType::transaction, .origin = {}, .payload = payload};
    EXPECT_EQ(encode(message).size(), 113U);
}

TEST(RadioPacket, OriginAndPayload_AreReadBack) {
    const base::Buffer payload = payload_of(60);
    const Message message{
        .type = wire::MessageType::routed,
        .origin = Origin{.node = {.bytes = {std::byte{7}}}, .timestamp = 8, .sequence = 9},
        .payload = payload};
    const base::Buffer packet_bytes = encode(message);
    const auto packet = parse_packet(packet_bytes);
    ASSERT_TRUE(packet.has_value());
    const auto& got = std::get<Message>(*packet);
    EXPECT_EQ(got.type, message.type);
    EXPECT_EQ(got.origin, message.origin);
    EXPECT_TRUE(base::equal(got.payload, payload));
    EXPECT_EQ(packet_bytes.size(), 3U + 16U + 60U);
}

TEST(RadioPacket, WhomItIsFor_IsReadBack_AndPartOfItsName) {
    const base::Buffer payload = payload_of(60);
    Message message{.type = wire::MessageType::sync_request,
                    .to = wire::Addressee{0x01020304},
                    .origin = Origin{.node = {.bytes = {std::byte{7}}}},
                    .payload = payload};
    const base::Buffer packet_bytes = encode(message);
    EXPECT_EQ(base::to_hex(base::Bytes(packet_bytes).first(7)), "f9030901020304");
    const auto packet = parse_packet(packet_bytes);
    ASSERT_TRUE(packet.has_value());
    EXPECT_EQ(std::get<Message>(*packet).to, message.to);
    const auto id = transfer_id(message.type, head_of(message), join(message));
    message.to = wire::Addressee{0x01020305};
    EXPECT_NE(transfer_id(message.type, head_of(message), join(message)), id);
}

TEST(RadioPacket, JoinedMessageTooShortForItsOrigin_IsRefused) {
    const base::Buffer joined(Origin::size - 1);
    EXPECT_EQ(split(wire::MessageType::block, {.has_origin = true}, joined).error(), Fault::length);
    EXPECT_TRUE(split(wire::MessageType::block, {}, joined).has_value());
}

}  // namespace
}  // namespace meshchain::radio
