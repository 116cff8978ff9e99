#include "base/link.h"

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

TEST(LinkAddress, TextThatIsNoLiteralWithPort_IsMalformed) {
    const std::string_view hostile[] = {"",
                                        ":",
                                        ":1",
                                        "1.2.3.4",
                                        "1.2.3.4:",
                                        "1.2.3.4:x",
                                        "1.2.3.4:-1",
                                        "1.2.3.4:65536",
                                        "1.2.3.4: 1",
                                        "1.2.3.4:99999999999999999999",
                                        "1.2.3:1",
                                        "1.2.3.4.5:1",
                                        "1.2.3.256:1",
                                        "1.2.3.:1",
                                        ".1.2.3:1",
                                        "1..2.3:1",
                                        "+1.2.3.4:1",
                                        "localhost:1",
                                        "1.2.3.4 :1",
                                        "[]:1",
                                        "[:]:1",
                                        "[:::]:1",
                                        "[1]:1",
                                        "[::1]",
                                        "[::1]:",
                                        "::1:1",
                                        "[::1:1",
                                        "::1]:1",
                                        "[1:2:3:4:5:6:7]:1",
                                        "[1:2:3:4:5:6:7:8:9]:1",
                                        "[1:2:3:4:5:6:7:8::]:1",
                                        "[::1:2:3:4:5:6:7:8]:1",
                                        "[1::2::3]:1",
                                        "[12345::]:1",
                                        "[g::]:1",
                                        "[1:]:1",
                                        "[:1]:1",
                                        "[::1:]:1",
                                        "[:1::]:1",
                                        "[fe80::1%eth0]:1",
                                        "[::ffff:1.2.3.4]:1"};
    for (const std::string_view text : hostile) {
        const auto address = parse_link_address(text);
        ASSERT_FALSE(address) << text;
        EXPECT_EQ(address.error().code, Errc::malformed) << text;
        EXPECT_NE(address.error().what.find(text), std::string::npos) << text;
    }
}

TEST(LinkAddress, IPv4_IsMappedIntoIPv6) {
    const auto address = parse_link_address("192.0.2.7:4000").value();
    EXPECT_EQ(to_hex(address.host), "00000000000000000000ffffc0000207");
    EXPECT_EQ(address.port, 4000);
    EXPECT_EQ(to_string(address), "192.0.2.7:4000");
    EXPECT_EQ(parse_link_address("[::ffff:c000:207]:4000").value(), address);
}

TEST(LinkAddress, IPv6Gap_MayStandAnywhere) {
    const auto host = [](std::string_view text) {
        return to_hex(parse_link_address(text).value().host);
    };
    EXPECT_EQ(host("[::]:1"), "00000000000000000000000000000000");
    EXPECT_EQ(host("[::1]:1"), "00000000000000000000000000000001");
    EXPECT_EQ(host("[fe80::]:1"), "fe800000000000000000000000000000");
    EXPECT_EQ(host("[FE80::a:1]:1"), "fe8000000000000000000000000a0001");
    EXPECT_EQ(host("[1:2:3:4:5:6:7::]:1"), "00010002000300040005000600070000");
    EXPECT_EQ(host("[1:2:3:4:5:6:7:8]:1"), "00010002000300040005000600070008");
}

TEST(LinkAddress, WhatIsPrinted_ParsesBack) {
    for (const std::string_view text :
         {"0.0.0.0:0", "255.255.255.255:65535", "[::]:0", "[fe80::1]:4000", "[1:2:3:4:5:6:7:8]:1",
          "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"}) {
        const LinkAddress address = parse_link_address(text).value();
        EXPECT_EQ(parse_link_address(to_string(address)).value(), address) << text;
    }
}

TEST(LinkAddress, SameHostOnTwoPorts_AreTwoAddresses) {
    EXPECT_NE(parse_link_address("10.0.0.1:1").value(), parse_link_address("10.0.0.1:2").value());
}

}  // namespace
}  // namespace meshchain::base
