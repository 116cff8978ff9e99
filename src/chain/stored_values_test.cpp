#include "chain/stored_values.h"

#include <gtest/gtest.h>

namespace meshchain::chain {
namespace {

template <class T>
T filled(int byte) {
    T value;
    value.bytes.fill(static_cast<std::byte>(byte));
    return value;
}
std::string times(const char* byte, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += byte;
    return text;
}

const wire::Outpoint outpoint{{filled<wire::Hash>(0x11)}, 0x0203};
const wire::Output output{filled<crypto::PublicKey>(0x22), {0x0102030405}};
const std::string outpoint_hex = times("11", 32) + "0203";
const std::string output_hex = times("22", 32) + "0102030405";

/// Parses to `value`; a byte less or one more is corrupt.
template <class Value, class Parse>
void expect_one_form(const std::string& hex, const Value& value, Parse&& parse) {
    base::Buffer bytes = base::from_hex(hex).value();
    EXPECT_EQ(parse(base::Bytes(bytes)).value(), value);
    const auto code_of = [&](base::Bytes input) {
        const auto parsed = parse(input);
        return parsed ? base::Errc::io : parsed.error().code;
    };
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_EQ(code_of(base::Bytes(bytes).first(length)), base::Errc::corrupt) << length;
    }
    bytes.push_back(std::byte{0});
    EXPECT_EQ(code_of(bytes), base::Errc::corrupt);
}

TEST(StoredValuesTest, Keys_SortAsTheirNumbers) {
    EXPECT_EQ(base::to_hex(height_key({0x01020304})), "01020304");
    EXPECT_EQ(base::to_hex(validator_key({0x0102})), "0102");
}

TEST(StoredValuesTest, Tip) {
    const Tip tip{filled<wire::Hash>(0xaa), {0x01020304}, {0x05060708}};
    const std::string hex = times("aa", 32) + "0102030405060708";
    EXPECT_EQ(base::to_hex(encode_tip(tip)), hex);
    expect_one_form(hex, tip, parse_tip);
}

TEST(StoredValuesTest, LocationOfATransaction) {
    EXPECT_EQ(base::to_hex(encode_location({{0x01020304}, 0x0506})), "010203040506");
}

TEST(StoredValuesTest, OutputAndOutpoint) {
    EXPECT_EQ(base::to_hex(encode_output(output)), output_hex);
    expect_one_form(output_hex, output, parse_output);
    expect_one_form(outpoint_hex, outpoint, parse_outpoint);
}

TEST(StoredValuesTest, FeeBalance) {
    EXPECT_EQ(base::to_hex(encode_amount({0x0102030405})), "0102030405");
    expect_one_form("0102030405", wire::Amount{0x0102030405}, parse_amount);
}

TEST(StoredValuesTest, Undo) {
    const std::vector<ledger::Coin> coins(2, {outpoint, output});
    const std::string one = outpoint_hex + output_hex;
    EXPECT_EQ(base::to_hex(encode_coins(coins)), "0002" + one + one);
    EXPECT_EQ(base::to_hex(encode_coins({})), "0000");
    expect_one_form("0002" + one + one, coins, parse_coins);
    expect_one_form("0000", std::vector<ledger::Coin>{}, parse_coins);
}

TEST(StoredValuesTest, AnUndoThatClaimsMoreCoinsThanItHolds_IsCorrupt) {
    const base::Buffer bytes = base::from_hex("ffff" + outpoint_hex + output_hex).value();
    const auto parsed = parse_coins(bytes);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code, base::Errc::corrupt);
}

}  // namespace
}  // namespace meshchain::chain
