#include "mesh/rules.h"

#include <gtest/gtest.h>

#include <array>

namespace meshchain::mesh {
namespace {

using base::Errc;
using wire::MessageRule;
using wire::MessageType;

class Rules : public testing::Test {
protected:
    static std::expected<std::vector<MessageRule>, base::Error> build(MessageRule rule) {
        const std::array<MessageRule, 1> own{rule};
        const std::array<std::span<const MessageRule>, 2> parts{mesh_rules(), own};
        return build_rule_table(parts);
    }
    static Errc refusal(MessageRule rule) {
        const auto table = build(rule);
        EXPECT_FALSE(table.has_value());
        return table ? Errc::io : table.error().code;
    }
    MessageRule rule_{MessageType::block, wire::MessageClass::object, 4, 100, 60, 3, true};
};

TEST_F(Rules, SecondRuleForOneType_IsRefused) {
    rule_.type = MessageType::status;
    EXPECT_EQ(refusal(rule_), Errc::exists);
}

TEST_F(Rules, NumbersThatAreNeverAssigned_AreRefused) {
    for (const int number : {0x7B, 240, 255}) {
        rule_.type = static_cast<MessageType>(number);
        EXPECT_EQ(refusal(rule_), Errc::invalid_argument) << number;
    }
}

TEST_F(Rules, ImpossibleLimits_AreRefused) {
    MessageRule rule = rule_;
    rule.payload_bytes_min = 101;
    EXPECT_EQ(refusal(rule), Errc::invalid_argument);
    rule = rule_;
    rule.payload_bytes_max = 1'181;
    EXPECT_EQ(refusal(rule), Errc::invalid_argument);
    rule = rule_;
    rule.frames_per_minute_max = 0;
    EXPECT_EQ(refusal(rule), Errc::invalid_argument);
    rule = rule_;
    rule.frames_at_once_max = 61;
    EXPECT_EQ(refusal(rule), Errc::invalid_argument);
}

TEST_F(Rules, JoinedTable_FindsEveryTypeAndNoOther) {
    const auto table = build(rule_);
    ASSERT_TRUE(table.has_value());
    EXPECT_EQ(table->size(), mesh_rules().size() + 1);
    EXPECT_EQ(find_rule(*table, MessageType::block)->payload_bytes_max, 100);
    EXPECT_EQ(find_rule(*table, MessageType::cookie)->payload_bytes_max, cookie_payload_bytes);
    EXPECT_EQ(find_rule(*table, MessageType::evidence), nullptr);
}

TEST_F(Rules, OwnSizes_AreThoseTheCodecsWrite) {
    EXPECT_EQ(wire::encode(wire::Hello{}).size() + crypto::Signature::size, hello_payload_bytes);
    EXPECT_EQ(wire::encode(wire::Heartbeat{}).size() + crypto::Signature::size,
              status_payload_bytes);
    EXPECT_EQ(wire::encode_cookie({}).size(), cookie_payload_bytes);
}

}  // namespace
}  // namespace meshchain::mesh
