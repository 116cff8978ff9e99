#include "wire/operation.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::filled;

const auto key_a = filled<crypto::PublicKey>(0xa1);
const auto key_b = filled<crypto::PublicKey>(0xb2);
const auto key_c = filled<crypto::PublicKey>(0xc3);

/// A transaction of one coin that does `operation`.
Transaction with(const Operation& operation) {
    Transaction transaction;
    transaction.body.operation = operation;
    if (!is_free(operation)) {
        transaction.body.inputs = {{{{filled<Hash>(1)}, 7}, Amount{1000}}};
        transaction.body.fee.code = 3;
    }
    transaction.body.expiry.units = 0x01020304;
    transaction.signatures.resize(transaction.body.inputs.size() + authority_count(operation),
                                  filled<crypto::Signature>(0x55));
    return transaction;
}
const std::string front =
    "12"
    "01" +
    test::times("01", 32) +
    "0007"
    "00000003e8" +
    test::times("55", 64) +
    "00"
    "03"
    "01020304";
const std::string signature = test::times("55", 64);
const std::string a = test::times("a1", 32);
const std::string b = test::times("b2", 32);
const std::string c = test::times("c3", 32);

TEST(OperationFormatTest, EachKind_HasOneForm) {
    const auto expect = [](const Operation& operation, const std::string& hex) {
        const WireTransaction whole = with(operation);
        test::expect_one_form(whole, hex, parse_transaction);
        EXPECT_EQ(encoded_bytes(whole), hex.size() / 2);
    };
    expect(Register{key_a, key_b, key_c, {9}},
           front + "01" + a + b + c + "0000000009" + signature + signature);
    expect(Delegate{key_a, key_b, {9}}, front + "02" + a + b + "0000000009" + signature);
    expect(Unbond{key_a, key_b, {9}}, front + "03" + a + b + "0000000009" + signature);
    expect(Withdraw{key_a, key_b, 5, {9}}, front + "04" + a + b +
                                               "00000005"
                                               "0000000009" +
                                               signature);
    expect(Claim{key_a, key_b, {9}}, front + "05" + a + b + "0000000009" + signature);
    expect(Report{base::Buffer(3, std::byte{0xee})},
           "120000"
           "00"
           "01020304"
           "06"
           "0003"
           "eeeeee");
    Testimony testimony{{3}, 7, {}, test::filled<Hash>(0xcc), test::filled<Hash>(0xdd)};
    testimony.heard.set_rounds({1}, 8);
    expect(testimony,
           "120000"
           "00"
           "01020304"
           "07"
           "0003"
           "00000007"
           "08" +
               test::times("00", 31) + test::times("cc", 32) + test::times("dd", 32));
}

TEST(OperationFormatTest, ATestimonyOfNoSeatOrOfTooManyRounds_IsMalformed) {
    const auto parses = [](const std::string& seat, const std::string& heard) {
        return parse_transaction(test::bytes_of("120000"
                                                "00"
                                                "01020304"
                                                "07" +
                                                seat + "00000007" + heard +
                                                test::times("00", 31 + 64)))
            .has_value();
    };
    EXPECT_TRUE(parses("003f", "88"));
    EXPECT_FALSE(parses("0040", "88"));
    EXPECT_FALSE(parses("003f", "90"));
    EXPECT_FALSE(parses("003f", "09"));
}

TEST(OperationFormatTest, ZeroAmountsUnknownKindsAndTooMuchEvidence_AreMalformed) {
    const std::string claim = front + "05" + a + b;
    const auto parses = [](const std::string& hex) {
        return parse_transaction(test::bytes_of(hex)).has_value();
    };
    EXPECT_TRUE(parses(claim + "0000000001" + signature));
    EXPECT_FALSE(parses(claim + "0000000000" + signature));
    EXPECT_FALSE(parses(front + "00" + a + b + "0000000001" + signature));
    EXPECT_FALSE(parses(front + "07" + a + b + "0000000001" + signature));
    EXPECT_FALSE(parses(front + "08" + a + b + "0000000001" + signature));
    const std::string report =
        "120000"
        "00"
        "01020304"
        "06";
    EXPECT_TRUE(parses(report + "0200" + test::times("ee", 512)));
    EXPECT_FALSE(parses(report + "0201" + test::times("ee", 513)));
    EXPECT_FALSE(parses(report + "0000"));
}

TEST(OperationFormatTest, OnlyAReportComesWithoutACoin_AndItPaysNothing) {
    const auto parses = [](Transaction transaction, const Operation& operation) {
        transaction.body.operation = operation;
        transaction.signatures.resize(transaction.body.inputs.size() + authority_count(operation));
        return parse_transaction(encode(WireTransaction(transaction))).has_value();
    };
    const Operation report = Report{base::Buffer(3)};
    const Operation claim = Claim{key_a, key_b, {9}};
    EXPECT_TRUE(parses(with(report), report));
    EXPECT_FALSE(parses(with(report), claim));
    EXPECT_FALSE(parses(with(claim), report));
    Transaction paying = with(report);
    paying.body.outputs = {{key_a, {1}}};
    EXPECT_FALSE(parses(paying, report));
    Transaction generous = with(report);
    generous.body.fee.code = 1;
    EXPECT_FALSE(parses(generous, report));
}

TEST(OperationFormatTest, FourInputsAndOutputs_AndNoMore) {
    Transaction transaction = with(Register{key_a, key_b, key_c, {9}});
    const auto parses = [&](std::size_t inputs, std::size_t outputs) {
        transaction.body.inputs.resize(inputs, transaction.body.inputs.front());
        transaction.body.outputs.assign(outputs, {key_a, {1}});
        transaction.signatures.resize(inputs + 2);
        const base::Buffer bytes = encode(WireTransaction(transaction));
        EXPECT_LE(bytes.size(), long_bytes_max + 103);
        return parse_transaction(bytes).has_value();
    };
    EXPECT_TRUE(parses(4, 4));
    EXPECT_FALSE(parses(5, 4));
    EXPECT_FALSE(parses(4, 5));
}

TEST(OperationIdTest, AnOperation_IsPartOfWhatIsSigned_AndAPaymentIsNone) {
    const Transaction plain = test::a_long();
    Transaction one = plain;
    one.body.operation = Delegate{key_a, key_b, {9}};
    Transaction other = plain;
    other.body.operation = Unbond{key_a, key_b, {9}};
    EXPECT_NE(txid(test::chain, plain.body), txid(test::chain, one.body));
    EXPECT_NE(txid(test::chain, other.body), txid(test::chain, one.body));
    const base::Buffer signed_bytes = preimage(test::chain, one.body);
    EXPECT_EQ(base::to_hex(base::Bytes(signed_bytes).last(70)), "02" + a + b + "0000000009");
    EXPECT_FALSE(compact(test::chain, one, {key_a, {1000}}).has_value());
}

TEST(OperationFormatTest, Authorities_AreThoseWhoseMoneyOrNameItIs) {
    using Keys = std::vector<crypto::PublicKey>;
    const Keys none;
    EXPECT_EQ(authorities(Register{key_a, key_b, key_c, {9}}), (Keys{key_a, key_b}));
    EXPECT_EQ(authorities(Delegate{key_a, key_b, {9}}), (Keys{key_b}));
    EXPECT_EQ(authorities(Unbond{key_a, key_b, {9}}), (Keys{key_b}));
    EXPECT_EQ(authorities(Withdraw{key_a, key_b, 4, {9}}), (Keys{key_b}));
    EXPECT_EQ(authorities(Claim{key_a, key_b, {9}}), (Keys{key_b}));
    EXPECT_EQ(authorities(Report{base::Buffer(20)}), none);
}

}  // namespace
}  // namespace meshchain::wire
