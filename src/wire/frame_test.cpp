#include "wire/frame.h"

#include "wire/service.h"
#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;

FrameHeader a_frame_header() {
    FrameHeader header;
    header.type = MessageType::vote_request;
    base::Reader id(base::as_bytes("\x01\x02\x03\x04\x05\x06\x07\x08"));
    header.sender.bytes = id.array<8>();
    header.timestamp = 0x11121314;
    header.sequence = 0x21222324;
    header.hop_limit = 7;
    return header;
}
const std::string frame_hex =
    "11"
    "0102030405060708"
    "11121314"
    "21222324"
    "07"
    "0003"
    "616263";

Errc error_of(const std::string& hex) { return parse_frame(test::bytes_of(hex)).error().code; }

TEST(FrameTest, Header_Is20BytesExactly) {
    EXPECT_EQ(base::to_hex(encode_frame(a_frame_header(), base::as_bytes("abc"))), frame_hex);
    const base::Buffer bytes = test::bytes_of(frame_hex);
    const auto frame = parse_frame(bytes);
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->header.type, MessageType::vote_request);
    EXPECT_EQ(frame->header.sender, a_frame_header().sender);
    EXPECT_EQ(frame->header.control_sequence(), 0x1112131421222324U);
    EXPECT_EQ(frame->header.hop_limit, 7);
    EXPECT_EQ(base::as_text(frame->payload), "abc");
}

TEST(FrameTest, LengthFieldAndDatagramThatDiffer_AreMalformed) {
    const base::Buffer bytes = test::bytes_of(frame_hex);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(parse_frame(base::Bytes(bytes).first(length)).has_value()) << length;
    }
    EXPECT_EQ(error_of(frame_hex + "00"), Errc::malformed);
}

TEST(FrameTest, HopLimitOverSeven_IsMalformed) {
    std::string hex = frame_hex;
    hex.replace(34, 2, "08");
    EXPECT_EQ(error_of(hex), Errc::malformed);
}

TEST(FrameTest, Payload_OfTheLargestSizeFits_OneMoreIsTooLarge) {
    const base::Buffer most(ip_payload_bytes_max, std::byte{7});
    const base::Buffer bytes = encode_frame(a_frame_header(), most);
    ASSERT_TRUE(parse_frame(bytes).has_value());
    std::string hex = base::to_hex(bytes) + "07";
    hex.replace(36, 4, "049d");
    EXPECT_EQ(error_of(hex), Errc::too_large);
}

TEST(FrameTest, UnknownType_IsAFrame) {
    std::string hex = frame_hex;
    hex.replace(0, 2, "ef");
    EXPECT_EQ(parse_frame(test::bytes_of(hex))->header.type, static_cast<MessageType>(0xef));
}

TEST(VerdictTest, EveryVerdict_HasAName) {
    EXPECT_EQ(name(Verdict::relay), "relay");
    EXPECT_EQ(name(Verdict::keep), "keep");
    EXPECT_EQ(name(Verdict::ignore), "ignore");
    EXPECT_EQ(name(Verdict::punish), "punish");
}

}  // namespace
}  // namespace meshchain::wire
