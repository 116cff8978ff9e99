#pragma once
// Values with telling bytes, and the checks every format has to stand, for the tests of this
// folder.

#include <gtest/gtest.h>

#include <string>

#include "wire/sync.h"

namespace meshchain::wire::test {

/// A Hash, PublicKey or Signature of one byte repeated.
template <class T>
T filled(int byte) {
    T value;
    value.bytes.fill(static_cast<std::byte>(byte));
    return value;
}
inline const ChainId chain = filled<Hash>(0xcc);

/// Hexadecimal text of one byte repeated.
inline std::string times(const char* byte, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += byte;
    return text;
}
inline base::Buffer bytes_of(const std::string& hex) { return base::from_hex(hex).value(); }

inline CompactTransfer a_compact() {
    CompactTransfer transfer;
    base::Reader position(base::as_bytes("\x01\x02\x03\x04\x05"));
    transfer.input.bytes = position.array<5>();
    transfer.payee = filled<crypto::PublicKey>(0xaa);
    transfer.amount.units = 0x0102030405;
    transfer.fee.code = 19;
    transfer.expiry_low = 0xbeef;
    transfer.signature = filled<crypto::Signature>(0x55);
    return transfer;
}
inline const std::string compact_hex =
    "10"
    "0102030405" +
    times("aa", 32) +
    "0102030405"
    "13"
    "beef" +
    times("55", 64);

inline Transaction a_long() {
    Transaction transaction;
    transaction.body.inputs = {{{{filled<Hash>(1)}, 7}, Amount{1000}},
                               {{{filled<Hash>(2)}, 65535}, Amount{Amount::units_max}}};
    transaction.body.outputs = {{filled<crypto::PublicKey>(0xaa), Amount{999}}};
    transaction.body.fee.code = 255;
    transaction.body.expiry.units = 0x01020304;
    transaction.signatures = {filled<crypto::Signature>(0x51), filled<crypto::Signature>(0x52)};
    return transaction;
}
inline const std::string long_hex =
    "11"
    "02" +
    times("01", 32) +
    "0007"
    "00000003e8" +
    times("51", 64) + times("02", 32) +
    "ffff"
    "ffffffffff" +
    times("52", 64) + "01" + times("aa", 32) +
    "00000003e7"
    "ff"
    "01020304";

inline BlockHeader a_header() {
    BlockHeader header;
    header.height.value = 0x01020304;
    header.parent = filled<Hash>(0x11);
    header.slot.value = 0x05060708;
    header.rank = 2;
    header.proposer.value = 63;
    header.transaction_root = filled<Hash>(0x22);
    header.parent_state = filled<Hash>(0x33);
    header.epoch = 9;
    header.certificate = filled<Hash>(0x44);
    header.signature = filled<crypto::Signature>(0x66);
    return header;
}
inline const std::string header_hex =
    "01"
    "01020304" +
    times("11", 32) +
    "05060708"
    "02"
    "003f" +
    times("22", 32) + times("33", 32) + "00000009" + times("44", 32) + times("66", 64);

/// Encodes to exactly `hex`, parses back to the same, and neither a byte less nor one more parses.
template <class Value, class Parse>
void expect_one_form(const Value& value, const std::string& hex, Parse&& parse) {
    const base::Buffer bytes = bytes_of(hex);
    EXPECT_EQ(base::to_hex(encode(value)), hex);
    const auto parsed = parse(base::Bytes(bytes));
    ASSERT_TRUE(parsed.has_value()) << base::sentence(parsed.error());
    EXPECT_EQ(*parsed, value);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(parse(base::Bytes(bytes).first(length)).has_value()) << length << " bytes";
    }
    base::Buffer longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(parse(base::Bytes(longer)).has_value());
}

/// The error of parsing `bytes` with byte `offset` set to `value`.
template <class Parse>
base::Errc error_with(const std::string& hex, std::size_t offset, int value, Parse&& parse) {
    base::Buffer bytes = bytes_of(hex);
    bytes.at(offset) = static_cast<std::byte>(value);
    const auto parsed = parse(base::Bytes(bytes));
    EXPECT_FALSE(parsed.has_value()) << "byte " << offset << " = " << value;
    return parsed ? base::Errc::io : parsed.error().code;
}

}  // namespace meshchain::wire::test
