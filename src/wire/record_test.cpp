#include "wire/record.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;
using test::times;

Record a_record() {
    Record record;
    record.kind = RecordKind::registry;
    record.origin = filled<crypto::PublicKey>(0x77);
    record.sequence = 0x0102030405060708;
    record.stamp = {0x111213141516, 0x1718};
    record.expires = 0x21222324;
    record.segment = SegmentId{};
    record.segment->bytes.fill(std::byte{9});
    record.key = base::to_buffer(base::as_bytes("bag"));
    record.body = base::to_buffer(base::as_bytes("blue"));
    record.signature = filled<crypto::Signature>(0x55);
    return record;
}
const std::string record_hex =
    "01"
    "02"
    "02" +
    times("77", 32) +
    "0102030405060708"
    "1112131415161718"
    "21222324" +
    times("09", 8) +
    "03"
    "626167"
    "0004"
    "626c7565" +
    times("55", 64);
constexpr std::size_t flags_at = 1;
constexpr std::size_t kind_at = 2;
constexpr std::size_t key_size_at = 63;

TEST(RecordFormatTest, Record_HasOneForm) {
    test::expect_one_form(a_record(), record_hex, parse_record);
    Record plain = a_record();
    plain.segment.reset();
    plain.tombstone = true;
    plain.body.clear();
    plain.key.clear();
    EXPECT_EQ(parse_record(encode(plain)).value(), plain);
    EXPECT_EQ(encode(plain).size(), record_overhead_bytes);
}

TEST(RecordFormatTest, WhatCannotBe_IsMalformed) {
    EXPECT_EQ(error_with(record_hex, 0, 2, parse_record), Errc::wrong_version);
    EXPECT_EQ(error_with(record_hex, flags_at, 6, parse_record), Errc::malformed);
    EXPECT_EQ(error_with(record_hex, flags_at, 3, parse_record), Errc::malformed)
        << "a tombstone with a body";
    EXPECT_EQ(error_with(record_hex, kind_at, 0, parse_record), Errc::malformed);
    EXPECT_EQ(error_with(record_hex, key_size_at, 65, parse_record), Errc::malformed);
    Record record = a_record();
    base::Buffer zero = encode(record);
    std::fill_n(zero.begin() + 3 + 32, 8, std::byte{0});
    EXPECT_EQ(parse_record(zero).error().code, Errc::malformed) << "sequence 0";
}

TEST(RecordFormatTest, LargestRecord_FitsOneFrame) {
    Record record = a_record();
    record.key.assign(Record::key_bytes_max, std::byte{1});
    record.body.assign(record_body_bytes_max(record.key.size(), true), std::byte{2});
    base::Buffer bytes = encode(record);
    EXPECT_EQ(bytes.size(), ip_payload_bytes_max);
    EXPECT_EQ(parse_record(bytes).value(), record);
    bytes.push_back(std::byte{0});
    EXPECT_EQ(parse_record(bytes).error().code, Errc::too_large);
}

TEST(RecordFormatTest, Id_NamesTheContentOnItsChain_WhateverTheSignature) {
    const Record record = a_record();
    Record other = record;
    other.signature = filled<crypto::Signature>(0x56);
    EXPECT_EQ(record_id(test::chain, record), record_id(test::chain, other));
    other.body.push_back(std::byte{0});
    EXPECT_NE(record_id(test::chain, record), record_id(test::chain, other));
    EXPECT_NE(record_id(test::chain, record), record_id(filled<Hash>(0xcd), record));
}

TEST(RecordFormatTest, Kinds_HaveNames) {
    EXPECT_EQ(name(RecordKind::alert), "alert");
    EXPECT_EQ(name(RecordKind{200}), "kind-200");
}

}  // namespace
}  // namespace meshchain::wire
