#include "radio/channel_key.h"

#include <gtest/gtest.h>

namespace meshchain::radio {
namespace {

std::string expanded(const char* hex) {
    return base::to_hex(channel_key_of(base::from_hex(hex).value()).value().bytes);
}

TEST(ChannelKey, SettingsBecomeKeysAsInTheFirmware) {
    EXPECT_EQ(expanded(""), "");
    EXPECT_EQ(expanded("00"), "");
    EXPECT_EQ(expanded("01"), "d4f1bb3a20290759f0bcffabcf4e6901");
    EXPECT_EQ(expanded("0a"), "d4f1bb3a20290759f0bcffabcf4e690a");
    EXPECT_EQ(expanded("ff"), "d4f1bb3a20290759f0bcffabcf4e69ff");
    EXPECT_EQ(expanded("0102"), "01020000000000000000000000000000");
    EXPECT_EQ(expanded("000102030405060708090a0b0c0d0e0f"), "000102030405060708090a0b0c0d0e0f");
    EXPECT_EQ(expanded("000102030405060708090a0b0c0d0e0f10").size(), 64U);
    EXPECT_EQ(channel_key_of(base::Buffer(33)).error().code, base::Errc::too_large);
}

TEST(ChannelKey, HashOfTheChannelEveryRadioComesWith_Is8) {
    const base::Buffer psk{std::byte{1}};
    EXPECT_EQ(channel_hash("LongFast", channel_key_of(psk).value()), 8);
    EXPECT_EQ(channel_hash("", ChannelKey{}), 0);
}

TEST(ChannelKey, CountersAndNonces_AreLittleEndianAsOnTheAir) {
    const NodeNumber from{0x0a0b0c0d};
    EXPECT_EQ(base::to_hex(counter_block(from, 0x01020304)), "04030201000000000d0c0b0a00000000");
    EXPECT_EQ(base::to_hex(direct_nonce(from, 0x01020304, 0x55667788)),
              "04030201887766550d0c0b0a00");
}

TEST(ChannelKey, TextOfAKey_IsWhatMeshtasticsProgramsShow) {
    EXPECT_EQ(parse_psk("").value(), base::Buffer{});
    EXPECT_EQ(parse_psk("AQ==").value(), base::Buffer{std::byte{1}});
    EXPECT_EQ(base::to_hex(parse_psk("1PG7OiApB1nwvP+rz05pAQ==").value()),
              "d4f1bb3a20290759f0bcffabcf4e6901");
    EXPECT_EQ(parse_psk("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").value(), base::Buffer(32));
    for (const char* text : {"AQ", "A", "AQ==AQ==", "1PG7-_==", "AQ== ", "default"}) {
        EXPECT_EQ(parse_psk(text).error().code, base::Errc::malformed) << text;
    }
    EXPECT_EQ(parse_psk("AQID").error().code, base::Errc::invalid_argument);
    EXPECT_EQ(parse_psk(std::string(48, 'A')).error().code, base::Errc::too_large);
    EXPECT_EQ(base::sentence(parse_psk("c2VjcmV0IQ==").error()).find("c2VjcmV0"),
              std::string::npos);
}

}  // namespace
}  // namespace meshchain::radio
