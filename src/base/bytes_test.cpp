#include "base/bytes.h"

#include <cctype>

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

TEST(Hex, TextOfOddLength_IsMalformed) {
    const auto result = from_hex("abc");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::malformed);
    EXPECT_NE(result.error().what.find("length 3"), std::string::npos);
}

TEST(Hex, CharacterThatIsNoDigit_IsNamedByItsPosition) {
    for (const std::string_view text :
         {"0g", "0x", "1 ", "1-", "\xc3\xa9", "0/", "0:", "0@", "0`"}) {
        const auto result = from_hex(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code, Errc::malformed) << text;
    }
    EXPECT_NE(from_hex("00112z").error().what.find("position 5"), std::string::npos);
}

TEST(Hex, EmptyText_IsNoBytes) {
    EXPECT_EQ(from_hex("").value(), Buffer{});
    EXPECT_EQ(to_hex({}), "");
}

TEST(Hex, EveryByte_ComesBackFromBothCases) {
    Buffer all(256);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
    std::string upper = to_hex(all);
    EXPECT_EQ(upper.substr(0, 8), "00010203");
    EXPECT_EQ(upper.substr(upper.size() - 4), "feff");
    EXPECT_EQ(from_hex(upper).value(), all);
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(from_hex(upper).value(), all);
}

TEST(Bytes, Order_IsUnsignedAndPutsPrefixesFirst) {
    const auto bytes = [](std::string_view hex) { return from_hex(hex).value(); };
    EXPECT_TRUE(less(bytes("7f"), bytes("80"))) << "a signed comparison would turn this around";
    EXPECT_TRUE(less(bytes("01"), bytes("0100")));
    EXPECT_TRUE(less(bytes(""), bytes("00")));
    EXPECT_TRUE(less(bytes("01ff"), bytes("02")));
    EXPECT_FALSE(less(bytes("0102"), bytes("0102")));
}

TEST(Bytes, Equality_LooksAtLengthAndContent) {
    EXPECT_TRUE(equal({}, {}));
    EXPECT_TRUE(equal(as_bytes("ab"), as_bytes("ab")));
    EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("ac")));
    EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("abc")));
}

TEST(Bytes, Text_KeepsEmbeddedZeros) {
    const std::string_view text("a\0b", 3);
    EXPECT_EQ(as_bytes(text).size(), 3U);
    EXPECT_EQ(as_text(to_buffer(as_bytes(text))), text);
}

}  // namespace
}  // namespace meshchain::base
