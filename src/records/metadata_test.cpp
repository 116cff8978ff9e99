#include "records/metadata.h"

#include <gtest/gtest.h>

#include <string>

namespace meshchain::records {
namespace {

using Members = std::vector<std::string_view>;

TEST(Metadata, PlainMembersOfAnyDepth_AreFoundInOrder) {
    EXPECT_EQ(metadata_members(R"({"a":1,"b":{"c":"x,}","d":true},"e":[1,"f"],"g":null})", 9),
              (Members{R"("a":1)", R"("c":"x,}")", R"("d":true)", R"("g":null)"}));
    EXPECT_EQ(metadata_members(R"({"q\"":"\\","r":-1.5e3})", 9),
              (Members{R"("q\"":"\\")", R"("r":-1.5e3)"}));
    EXPECT_EQ(metadata_members(R"({"a":1,"b":2,"c":3})", 2), (Members{R"("a":1)", R"("b":2)"}));
}

TEST(Metadata, WhatIsNoJson_HasNoMembersThatItDoesNotShow) {
    for (const char* text : {"", "blue", "\"", R"("a)", R"("a":)", R"({"a":"b)", R"({"a" :1})",
                             R"("a":"b\)", R"(["a","b"])"}) {
        EXPECT_EQ(metadata_members(text, 9), Members{}) << text;
    }
    const std::string longest = "\"a\":\"" + std::string(metadata_member_bytes_max - 6, 'x') + "\"";
    EXPECT_EQ(metadata_members(longest, 9), Members{longest});
    const std::string longer = "\"a\":\"" + std::string(metadata_member_bytes_max - 5, 'x') + "\"";
    EXPECT_EQ(metadata_members("{" + longer + ",\"b\":1}", 9), Members{R"("b":1)"});
}

TEST(Metadata, OneMember_IsThatAndNothingElse) {
    EXPECT_TRUE(is_metadata_member(R"("a":1)"));
    EXPECT_TRUE(is_metadata_member(R"("a":"b c")"));
    for (const char* text :
         {"", "a", R"("a")", R"("a":)", R"("a":1,)", R"("a":[])", R"("a":"b"c)", R"("a":1 )"}) {
        EXPECT_FALSE(is_metadata_member(text)) << text;
    }
}

}  // namespace
}  // namespace meshchain::records
