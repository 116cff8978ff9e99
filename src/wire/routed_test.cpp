#include "wire/routed.h"

#include "wire/service.h"
#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;
using test::times;

SegmentId a_segment() {
    SegmentId segment;
    segment.bytes.fill(std::byte{0x99});
    return segment;
}

RoutedMessage a_message(Destination destination) {
    RoutedMessage message;
    message.origin = filled<crypto::PublicKey>(0x77);
    message.issued = 0x11121314;
    message.sequence = 0x0102030405060708;
    message.attempt = 2;
    message.hop_limit = 7;
    message.receipt_wanted = std::holds_alternative<crypto::PublicKey>(destination);
    message.destination = destination;
    message.type = MessageType::probe;
    message.payload = base::to_buffer(base::as_bytes("hi"));
    message.signature = filled<crypto::Signature>(0x55);
    return message;
}
std::string message_hex(const std::string& flags, const std::string& destination) {
    return "01" + times("77", 32) + "11121314" + "0102030405060708" + "02" + "07" + flags +
           destination + "15" + "6869" + times("55", 64);
}
const std::string to_one_hex = message_hex("01", "00" + times("aa", 32));
const std::string receipt_hex =
    "01"
    "0102030405060708"
    "01"
    "08"
    "01";
constexpr std::size_t attempt_at = 45;

/// Bytes cut off the end of the payload leave a shorter message that parses: what is inside has no
/// length of its own. So only what comes before it is cut here.
void expect_form(const RoutedMessage& message, const std::string& hex) {
    EXPECT_EQ(base::to_hex(encode(message)), hex);
    const base::Buffer bytes = test::bytes_of(hex);
    EXPECT_EQ(parse_routed(bytes), message);
    const std::size_t shortest = bytes.size() - message.payload.size();
    for (std::size_t length = 0; length < shortest; ++length) {
        EXPECT_FALSE(parse_routed(base::Bytes(bytes).first(length))) << length << " bytes";
    }
}

TEST(RoutedFormatTest, EveryDestination_HasOneForm) {
    expect_form(a_message(filled<crypto::PublicKey>(0xaa)), to_one_hex);
    expect_form(a_message(Everybody{}), message_hex("00", "01"));
    expect_form(a_message(a_segment()), message_hex("00", "02" + times("99", 8)));
    EXPECT_EQ(error_with(to_one_hex, 0, 2, parse_routed), Errc::wrong_version);
}

TEST(RoutedFormatTest, AttemptHopLimitFlagOrDestinationThatCannotBe_IsMalformed) {
    EXPECT_EQ(error_with(to_one_hex, attempt_at, 3, parse_routed), Errc::malformed);
    EXPECT_EQ(error_with(to_one_hex, attempt_at + 1, 8, parse_routed), Errc::malformed);
    EXPECT_EQ(error_with(to_one_hex, attempt_at + 2, 2, parse_routed), Errc::malformed);
    EXPECT_EQ(error_with(to_one_hex, attempt_at + 3, 3, parse_routed), Errc::malformed);
}

TEST(RoutedFormatTest, ReceiptOfEverybody_CannotBeAskedFor) {
    EXPECT_FALSE(parse_routed(test::bytes_of(message_hex("01", "01"))));
    EXPECT_FALSE(parse_routed(test::bytes_of(message_hex("01", "02" + times("99", 8)))));
}

TEST(RoutedFormatTest, LargestPayload_FillsADatagramAndNoMore) {
    RoutedMessage message = a_message(filled<crypto::PublicKey>(0xaa));
    message.payload.resize(routed_payload_bytes_max);
    const base::Buffer bytes = encode(message);
    EXPECT_EQ(bytes.size(), ip_payload_bytes_max);
    EXPECT_EQ(parse_routed(bytes), message);
    // To all there would be room for 32 more; the limit is one, whatever the destination.
    base::Buffer to_all = encode(a_message(Everybody{}));
    to_all.insert(to_all.begin() + 50, routed_payload_bytes_max, std::byte{1});
    ASSERT_FALSE(parse_routed(to_all));
    EXPECT_EQ(parse_routed(to_all).error().code, Errc::too_large);
}

TEST(RoutedFormatTest, Preimage_CoversEveryFieldChainAndType) {
    const RoutedMessage message = a_message(filled<crypto::PublicKey>(0xaa));
    EXPECT_EQ(base::to_hex(routed_preimage(test::chain, message)),
              base::to_hex(crypto::preimage("mc/route/1", test::chain, 20)) +
                  to_one_hex.substr(0, to_one_hex.size() - 128));
}

TEST(RoutedFormatTest, Segment_FollowsFromNameAndChain) {
    EXPECT_EQ(base::to_hex(segment_id(test::chain, "kitchen").bytes), "c48fb73be5654480");
    EXPECT_NE(segment_id(test::chain, "kitchen"), segment_id(test::chain, "Kitchen"));
    EXPECT_NE(segment_id(test::chain, "kitchen"), segment_id(ChainId{}, "kitchen"));
}

TEST(ReceiptFormatTest, Receipt_HasOneForm) {
    const Receipt receipt{0x0102030405060708, 1, 8, Receipt::Outcome::refused};
    test::expect_one_form(receipt, receipt_hex, parse_receipt);
    EXPECT_EQ(error_with(receipt_hex, 0, 2, parse_receipt), Errc::wrong_version);
    EXPECT_EQ(error_with(receipt_hex, 9, 3, parse_receipt), Errc::malformed);
    EXPECT_EQ(error_with(receipt_hex, 10, 0, parse_receipt), Errc::malformed);
    EXPECT_EQ(error_with(receipt_hex, 10, 9, parse_receipt), Errc::malformed);
    EXPECT_EQ(error_with(receipt_hex, 11, 2, parse_receipt), Errc::malformed);
}

TEST(RoutedFormatTest, Reply_GoesBackToTheOrigin) {
    const Ingress from{.peer = filled<crypto::PublicKey>(1),
                       .routed = RoutedFrom{filled<crypto::PublicKey>(2), 3, Everybody{}}};
    const Outgoing reply = reply_to(from, MessageType::probe, {std::byte{7}});
    EXPECT_EQ(reply.destination, Destination(filled<crypto::PublicKey>(2)));
    EXPECT_EQ(reply.type, MessageType::probe);
    EXPECT_FALSE(reply.to);
}

}  // namespace
}  // namespace meshchain::wire
