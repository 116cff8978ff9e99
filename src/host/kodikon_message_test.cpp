// Kodikon's datagrams: what is refused first, then that nothing is lost of what is taken.

#include "host/kodikon_message.h"

#include <gmock/gmock.h>

#include "host/json_document.h"

namespace meshchain::host {
namespace {

using base::Errc;
using testing::HasSubstr;

std::expected<KodikonMessage, base::Error> parse(std::string_view text) {
    return parse_kodikon(base::as_bytes(text));
}
std::string with_payload(const std::string& payload) {
    return R"({"type": 5, "source": "cam", "timestamp": 1.5, "seq": 1, "payload": )" + payload +
           R"(, "path": []})";
}
std::string nested(std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "{\"a\":";
    return text + "1" + std::string(depth, '}');
}

struct Bad {
    const char* test_name;
    std::string text;
    const char* what;
    Errc code = Errc::malformed;
};
class BadKodikonMessage : public testing::TestWithParam<Bad> {};

TEST_P(BadKodikonMessage, Datagram_IsRefusedWithItsReason) {
    const auto message = parse(GetParam().text);
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().code, GetParam().code);
    EXPECT_THAT(sentence(message.error()), HasSubstr(GetParam().what));
}

INSTANTIATE_TEST_SUITE_P(
    Hostile, BadKodikonMessage,
    testing::Values(
        Bad{"Empty", "", "no JSON"}, Bad{"Garbage", "\x01\x02\x03", "no JSON"},
        Bad{"CutShort", R"({"type": 1, "sour)", "no JSON"}, Bad{"TwoObjects", "{} {}", "no JSON"},
        Bad{"List", "[1]", "no object"},
        Bad{"NoUtf8", with_payload("{\"a\": \"\xff\"}"), "no JSON"},
        Bad{"LoneSurrogate", with_payload(R"({"a": "\ud800"})"), "no JSON"},
        Bad{"Infinity", with_payload("{\"version\": Infinity}"), "no JSON"},
        Bad{"MinusInfinity", with_payload("{\"version\": -Infinity}"), "no JSON"},
        Bad{"NaN", with_payload("{\"version\": NaN}"), "no JSON"},
        Bad{"TooLargeForADouble", with_payload("{\"version\": 1e999}"), "no JSON"},
        Bad{"TooLargeForAnInteger", with_payload("{\"version\": 99999999999999999999}"), "64 bits"},
        Bad{"Deep", with_payload(nested(kodikon_depth_max)), "deeper"},
        Bad{"VeryDeep", with_payload(std::string(60'000, '[')), "deeper"},
        Bad{"FieldTwice", with_payload(R"({"a": 1, "a": 2})"), "twice"},
        Bad{"NoType", R"({"source": "a", "timestamp": 1, "payload": {}})", "type: missing"},
        Bad{"NoSource", R"({"type": 1, "timestamp": 1, "payload": {}})", "source: missing"},
        Bad{"EmptySource", R"({"type": 1, "source": "", "timestamp": 1, "payload": {}})", "source"},
        Bad{"SourceIsNumber", R"({"type": 1, "source": 5, "timestamp": 1, "payload": {}})",
            "source"},
        Bad{"TimestampIsText", R"({"type": 1, "source": "a", "timestamp": "1", "payload": {}})",
            "timestamp"},
        Bad{"SeqIsNegative",
            R"({"type": 1, "source": "a", "timestamp": 1, "seq": -1, "payload": {}})", "seq"},
        Bad{"PayloadIsList", with_payload("[]"), "payload"},
        Bad{"PathOfNumbers",
            R"({"type": 1, "source": "a", "timestamp": 1, "payload": {}, "path": [1]})", "path"},
        Bad{"TypeIsFraction", R"({"type": 1.5, "source": "a", "timestamp": 1, "payload": {}})",
            "type"},
        Bad{"UnknownNumber", R"({"type": 14, "source": "a", "timestamp": 1, "payload": {}})",
            "type", Errc::unsupported},
        Bad{"UnknownName", R"({"type": "PING", "source": "a", "timestamp": 1, "payload": {}})",
            "type", Errc::unsupported},
        Bad{"LongerThanADatagram", std::string(kodikon_bytes_max + 1, ' '), "bytes",
            Errc::too_large}),
    [](const auto& bad) { return bad.param.test_name; });

TEST(KodikonMessageTest, TenThousandFields_AreRefusedBeforeTheyCostTime) {
    std::string payload = "{\"a\": 1";
    for (int i = 0; i < 5'000; ++i) payload += ",\"" + std::to_string(i) + "\":1";
    const auto message = parse(with_payload(payload + "}"));
    ASSERT_FALSE(message);
    EXPECT_THAT(message.error().what, HasSubstr("too many fields"));
}

TEST(KodikonMessageTest, MetadataThatTheOriginalNested_IsRead) {
    EXPECT_TRUE(parse(with_payload(nested(300))));
}

TEST(KodikonMessageTest, EveryType_IsKnownByNumberAndByNameInAnyCase) {
    const char* names[] = {"heartbeat",
                           "Peer_Discovery",
                           "NODE_STATE_SYNC",
                           "search_query",
                           "ALERT",
                           "hash_registry",
                           "ROUTE_BROADCAST",
                           "ack",
                           "transfer_event",
                           "ownership_vote",
                           "location_signature",
                           "FACE_SEARCH_REQUEST",
                           "face_search_Result"};
    for (unsigned number = 1; number <= kodikon_types_count; ++number) {
        const std::string rest = R"(, "source": "a", "timestamp": 1, "payload": {}})";
        const auto by_number = parse(R"({"type": )" + std::to_string(number) + rest);
        const auto by_name = parse(std::string(R"({"type": ")") + names[number - 1] + "\"" + rest);
        ASSERT_TRUE(by_number && by_name) << number;
        EXPECT_EQ(static_cast<unsigned>(by_number->type), number);
        EXPECT_EQ(*by_number, *by_name);
    }
    EXPECT_EQ(name(KodikonType::face_search_result), "FACE_SEARCH_RESULT");
    EXPECT_EQ(name(KodikonNodeState::offline), "OFFLINE");
}

TEST(KodikonMessageTest, WhatWasRead_IsWrittenAgainWithEveryFieldAndBit) {
    const std::string text =
        R"({"type":6,"source":"Eingang-Süd 入口","timestamp":1763211234.1234567,"seq":)"
        R"(18446744073709551615,"payload":{"version":-9223372036854775808,"entries":{"h":{)"
        R"("embedding":[0.1,-2.2250738585072014e-308,1.7976931348623157e+308,5e-324,-0.0],)"
        R"("empty":{},"none":null,"yes":true,"text":"\u0001\"\\ \ud83d\ude00"}}},)"
        R"("path":["a","b"],"priority_hint":"later","nested":{"x":[1,2.5]}})";
    const auto message = parse(text);
    ASSERT_TRUE(message) << sentence(message.error());
    EXPECT_EQ(message->timestamp, 1763211234.1234567);
    EXPECT_EQ(message->extra, R"({"priority_hint":"later","nested":{"x":[1,2.5]}})");
    const auto written = encode(*message);
    ASSERT_TRUE(written);
    const auto before = parse_json(text, "text");
    const auto after = parse_json(base::as_text(*written), "written");
    ASSERT_TRUE(before && after);
    EXPECT_EQ(*before, *after);
    EXPECT_EQ(*parse_kodikon(*written), *message);
}

TEST(KodikonMessageTest, Bytes_AreAsTheFormatPageSays) {
    const KodikonMessage message{.type = KodikonType::alert,
                                 .source = "cam-1",
                                 .timestamp = 1763211234.5,
                                 .seq = 7,
                                 .payload = R"({"alert":"bag","priority":"high"})",
                                 .path = {"cam-1"}};
    EXPECT_EQ(base::as_text(encode(message).value()),
              R"({"type":5,"source":"cam-1","timestamp":1763211234.5,"seq":7,)"
              R"("payload":{"alert":"bag","priority":"high"},"path":["cam-1"]})");
}

TEST(KodikonMessageTest, MessageLongerThanADatagram_IsNotWritten) {
    const KodikonMessage message{.type = KodikonType::alert,
                                 .source = "cam-1",
                                 .payload = "{\"a\":\"" + std::string(65'500, 'x') + "\"}"};
    EXPECT_EQ(encode(message).error().code, Errc::too_large);
}

}  // namespace
}  // namespace meshchain::host
