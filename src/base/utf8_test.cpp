#include "base/utf8.h"

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

TEST(Utf8, OverlongCutSurrogateAndTooLarge_AreNone) {
    for (const std::string_view bad :
         {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98",
          "\xC3(", "a\xE2(\x82"}) {
        EXPECT_FALSE(is_utf8(as_bytes(bad))) << to_hex(as_bytes(bad));
        EXPECT_FALSE(is_displayable(bad)) << to_hex(as_bytes(bad));
    }
}

TEST(Utf8, EveryLength_IsAccepted) {
    for (const std::string_view good : {"", "a", "\xC2\xA2", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                        "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBD", "Zo\xC3\xAB's node"}) {
        EXPECT_TRUE(is_utf8(as_bytes(good)));
        EXPECT_TRUE(is_displayable(good)) << good;
    }
}

TEST(Utf8, WhatMovesTheCursorOrTurnsText_IsNotDisplayable) {
    using namespace std::string_view_literals;
    for (const std::string_view bad :
         {"\0"sv, "\x1b[2J"sv, "a\nb"sv, "\x7f"sv, "\xC2\x80"sv, "\xC2\x9B"sv, "\xE2\x80\xA8"sv,
          "\xE2\x80\xAE"sv, "\xE2\x81\xA6"sv, "\xE2\x80\x8F"sv, "\xD8\x9C"sv}) {
        EXPECT_TRUE(is_utf8(as_bytes(bad)));
        EXPECT_FALSE(is_displayable(bad)) << to_hex(as_bytes(bad));
    }
}

TEST(Utf8, Prefix_CutsBetweenCharacters) {
    EXPECT_EQ(utf8_prefix("abc", 5), "abc");
    EXPECT_EQ(utf8_prefix("abc", 2), "ab");
    EXPECT_EQ(utf8_prefix("a\xE2\x82\xAC", 3), "a");
    EXPECT_EQ(utf8_prefix("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
    EXPECT_EQ(utf8_prefix("\xE2\x82\xAC", 2), "");
}

}  // namespace
}  // namespace meshchain::base
