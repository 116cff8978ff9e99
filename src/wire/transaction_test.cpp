#include "wire/transaction.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;

TEST(TransactionFormatTest, Compact_Is110BytesWithOneForm) {
    test::expect_one_form(WireTransaction(test::a_compact()), test::compact_hex, parse_transaction);
    EXPECT_EQ(encode(WireTransaction(test::a_compact())).size(), 110U);
}

TEST(TransactionFormatTest, Long_HasOneForm) {
    test::expect_one_form(WireTransaction(test::a_long()), test::long_hex, parse_transaction);
}

TEST(TransactionFormatTest, OtherVersion_IsNamed_OtherForm_IsMalformed) {
    EXPECT_EQ(error_with(test::compact_hex, 0, 0x20, parse_transaction), Errc::wrong_version);
    EXPECT_EQ(error_with(test::compact_hex, 0, 0x00, parse_transaction), Errc::wrong_version);
    EXPECT_EQ(error_with(test::compact_hex, 0, 0x13, parse_transaction), Errc::malformed);
}

TEST(TransactionFormatTest, CountsOfNoneOrTooMany_AreMalformed) {
    constexpr std::size_t output_count = 2 + 2 * long_input_bytes;
    for (const int count : {0, int{inputs_max} + 1, 255}) {
        EXPECT_EQ(error_with(test::long_hex, 1, count, parse_transaction), Errc::malformed);
        EXPECT_EQ(error_with(test::long_hex, output_count, count, parse_transaction),
                  Errc::malformed);
    }
}

TEST(TransactionFormatTest, ZeroAmounts_AreMalformed) {
    const auto zeroed = [](const std::string& hex, std::size_t offset) {
        base::Buffer bytes = test::bytes_of(hex);
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), 5, std::byte{0});
        return parse_transaction(bytes).has_value();
    };
    EXPECT_FALSE(zeroed(test::compact_hex, 1 + 5 + 32));
    EXPECT_FALSE(zeroed(test::long_hex, 2 + 34));
    EXPECT_FALSE(zeroed(test::long_hex, 2 + 2 * long_input_bytes + 1 + 32));
}

TEST(TransactionFormatTest, LargestLongForm_IsAsLongAsPromised) {
    Transaction transaction = test::a_long();
    transaction.body.inputs.resize(inputs_max, transaction.body.inputs.front());
    transaction.signatures.resize(inputs_max);
    transaction.body.outputs.resize(outputs_max, transaction.body.outputs.front());
    const base::Buffer bytes = encode(WireTransaction(transaction));
    EXPECT_EQ(bytes.size(), long_bytes_max);
    EXPECT_EQ(encoded_bytes(transaction), long_bytes_max);
    EXPECT_EQ(*parse_transaction(bytes), WireTransaction(transaction));
}

// The expected values of the next three were computed outside this program.
TEST(TransactionIdTest, Preimage_IsAsSpecified) {
    EXPECT_EQ(base::to_hex(preimage(test::chain, test::a_long().body)),
              "07"
              "6d632f74782f31" +
                  test::times("cc", 32) +
                  "00"
                  "02" +
                  test::times("01", 32) +
                  "0007"
                  "00000003e8" +
                  test::times("02", 32) +
                  "ffff"
                  "ffffffffff"
                  "01" +
                  test::times("aa", 32) +
                  "00000003e7"
                  "03c0000000"
                  "01020304");
}

TEST(TransactionIdTest, Ids_AreAsSpecified) {
    const Transaction transaction = test::a_long();
    const Txid id = txid(test::chain, transaction.body);
    EXPECT_EQ(crypto::to_hex(id.hash),
              "e0d9823ce8f41b2d02484899fe9261ad9b81091e5af249b8fcf8436f207afc9f");
    EXPECT_EQ(crypto::to_hex(wtxid(id, transaction.signatures).hash),
              "c156c41a3048ca066bf238dbaa475a28c75d948e126fa4d411c6c61e62076a76");
}

TEST(TransactionIdTest, ShortOutpoint_IsAsSpecified) {
    const ShortOutpoint position = short_outpoint(test::chain, {{filled<Hash>(1)}, 7});
    EXPECT_EQ(base::to_hex(position.bytes), "d16cfc74da");
}

TEST(TransactionIdTest, AnotherChain_GivesOtherIds) {
    const TransactionBody body = test::a_long().body;
    EXPECT_NE(txid(test::chain, body), txid(filled<Hash>(0xcd), body));
    EXPECT_NE(short_outpoint(test::chain, body.inputs[0].outpoint),
              short_outpoint(filled<Hash>(0xcd), body.inputs[0].outpoint));
}

class CompactTest : public testing::Test {
protected:
    CompactTest() {
        transaction.body.inputs = {{outpoint, coin.amount}};
        transaction.body.outputs = {{filled<crypto::PublicKey>(2), Amount{700}},
                                    {coin.owner, Amount{290}}};
        transaction.body.fee.code = 10;
        transaction.body.expiry.units = 70'000;
        transaction.signatures = {filled<crypto::Signature>(3)};
    }
    std::optional<CompactTransfer> shorten() const {
        return compact(test::chain, transaction, coin);
    }

    Outpoint outpoint{{filled<Hash>(9)}, 4};
    Output coin{filled<crypto::PublicKey>(1), Amount{1000}};
    Slot near{69'500 * Expiry::slots_per_unit};
    Transaction transaction;
};

TEST_F(CompactTest, PlainPayment_ShortensAndExpandsToTheSameBody) {
    const auto shortened = shorten();
    ASSERT_TRUE(shortened.has_value());
    EXPECT_EQ(shortened->input, short_outpoint(test::chain, outpoint));
    EXPECT_EQ(expand(*shortened, outpoint, coin, near), transaction.body);
}

TEST_F(CompactTest, PaymentWithoutChange_HasOneOutput) {
    transaction.body.outputs.pop_back();
    transaction.body.outputs[0].amount.units = 990;
    const auto shortened = shorten();
    ASSERT_TRUE(shortened.has_value());
    EXPECT_EQ(expand(*shortened, outpoint, coin, near), transaction.body);
}

TEST_F(CompactTest, WhatIsNoPlainPayment_HasNoCompactForm) {
    const Transaction plain = transaction;
    transaction.body.outputs[1].owner = filled<crypto::PublicKey>(5);
    EXPECT_EQ(shorten(), std::nullopt) << "fresh change key";
    transaction = plain;
    transaction.body.outputs[1].amount.units = 289;
    EXPECT_EQ(shorten(), std::nullopt) << "sums differ";
    transaction = plain;
    std::swap(transaction.body.outputs[0], transaction.body.outputs[1]);
    EXPECT_EQ(shorten(), std::nullopt) << "change first";
    transaction = plain;
    transaction.body.inputs.push_back(transaction.body.inputs[0]);
    transaction.signatures.push_back(transaction.signatures[0]);
    EXPECT_EQ(shorten(), std::nullopt) << "two inputs";
    transaction = plain;
    transaction.body.inputs[0].amount.units = 999;
    EXPECT_EQ(shorten(), std::nullopt) << "another amount than the coin's";
}

TEST_F(CompactTest, CoinThatCannotPay_DoesNotExpand) {
    CompactTransfer transfer = *shorten();
    transfer.amount.units = 991;
    EXPECT_EQ(expand(transfer, outpoint, coin, near), std::nullopt);
    transfer.amount.units = Amount::units_max;
    EXPECT_EQ(expand(transfer, outpoint, coin, near), std::nullopt);
    transfer.amount.units = 990;
    EXPECT_EQ(expand(transfer, outpoint, coin, near)->outputs.size(), 1U);
}

}  // namespace
}  // namespace meshchain::wire
