#include "wire/control.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;
using test::times;

Hello a_hello() {
    Hello hello;
    hello.version_max = 2;
    hello.chain = test::chain;
    hello.identity = filled<crypto::PublicKey>(0x77);
    hello.role = Role::light;
    hello.accepted = true;
    hello.cookie.fill(std::byte{0x99});
    hello.status.slot.value = 1;
    hello.status.height.value = 2;
    hello.status.final_height.value = 3;
    hello.status.justified = {Round{4}, Slot{5}, filled<Hash>(0x11)};
    hello.status.final = {Round{6}, Slot{7}, filled<Hash>(0x22)};
    hello.status.slot_phase = 0x8001;
    return hello;
}
const std::string hello_hex =
    "01"
    "02" +
    times("cc", 32) + times("77", 32) +
    "02"
    "01" +
    times("99", 24) +
    "00000001"
    "00000002"
    "00000003"
    "00000004"
    "00000005" +
    times("11", 32) +
    "00000006"
    "00000007" +
    times("22", 32) + "8001";
const std::string heartbeat_hex =
    "03"
    "00000001"
    "00000002"
    "00000003"
    "4000";
const std::string request_hex =
    "01"
    "01020304"
    "8000000000000001";

TEST(HelloFormatTest, Hello_HasOneForm) {
    test::expect_one_form(a_hello(), hello_hex, parse_hello);
}

TEST(HelloFormatTest, EmptyVersionRange_IsMalformed) {
    EXPECT_EQ(error_with(hello_hex, 0, 0, parse_hello), Errc::malformed);
    EXPECT_EQ(error_with(hello_hex, 0, 3, parse_hello), Errc::malformed);
}

TEST(HelloFormatTest, UnknownRoleAndOtherThanYesOrNo_AreMalformed) {
    EXPECT_EQ(error_with(hello_hex, 66, 3, parse_hello), Errc::malformed);
    EXPECT_EQ(error_with(hello_hex, 67, 2, parse_hello), Errc::malformed);
}

TEST(HeartbeatFormatTest, Heartbeat_HasOneForm) {
    const Heartbeat heartbeat{3, Slot{1}, Height{2}, Height{3}, 0x4000};
    test::expect_one_form(heartbeat, heartbeat_hex, parse_heartbeat);
    EXPECT_EQ(encode(heartbeat).size(), Heartbeat::size);
}

TEST(VoteRequestFormatTest, Request_HasOneForm_OtherVersionIsNamed) {
    test::expect_one_form(VoteRequest{Round{0x01020304}, 0x8000000000000001}, request_hex,
                          parse_vote_request);
    EXPECT_EQ(error_with(request_hex, 0, 2, parse_vote_request), Errc::wrong_version);
}

TEST(CookieFormatTest, Cookie_IsVersionedAndShorterThanTheHelloItAnswers) {
    const base::Buffer bytes = encode_cookie(a_hello().cookie);
    EXPECT_EQ(base::to_hex(bytes), "01" + times("99", 24));
    EXPECT_EQ(parse_cookie(bytes), a_hello().cookie);
    EXPECT_FALSE(parse_cookie(base::Bytes(bytes).first(24)).has_value());
    EXPECT_EQ(error_with(base::to_hex(bytes), 0, 2, parse_cookie), Errc::wrong_version);
    EXPECT_LT(bytes.size(), hello_hex.size() / 2);
}

TEST(ControlTest, Preimage_IsAsSpecified) {
    EXPECT_EQ(base::to_hex(control_preimage(test::chain, MessageType::vote_request,
                                            filled<crypto::PublicKey>(0x77), 0x1112131421222324,
                                            test::bytes_of(request_hex))),
              "08"
              "6d632f63746c2f31" +
                  times("cc", 32) + "11" + times("77", 32) + "1112131421222324" + request_hex);
}

TEST(ControlTest, Payload_ShorterThanASignature_IsUnsigned) {
    const base::Buffer payload = test::bytes_of("abcd" + times("66", 64));
    const auto split = split_control(payload);
    ASSERT_TRUE(split.has_value());
    EXPECT_EQ(base::to_hex(split->body), "abcd");
    EXPECT_EQ(split->signature, filled<crypto::Signature>(0x66));
    EXPECT_FALSE(split_control(base::Bytes(payload).first(63)).has_value());
    EXPECT_TRUE(split_control(base::Bytes(payload).first(64))->body.empty());
}

TEST(NamesTest, EveryTypeRoleAndVerdict_HasAName) {
    EXPECT_EQ(name(MessageType::transaction), "TRANSACTION");
    EXPECT_EQ(name(MessageType::vote_request), "VOTE_REQ");
    EXPECT_EQ(name(static_cast<MessageType>(0x7b)), "UNKNOWN");
    EXPECT_EQ(name(Role::light), "light");
}

}  // namespace
}  // namespace meshchain::wire
