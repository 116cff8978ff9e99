#include "wire/block.h"

#include "wire/frame.h"
#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;

const auto proposer = filled<crypto::PublicKey>(0x77);
const std::string block_hex = test::header_hex + "0002" + test::compact_hex + test::long_hex;
const std::string announcement_hex = test::header_hex +
                                     "0002"
                                     "01020304"
                                     "fffefdfc";

TEST(BlockFormatTest, Block_HasOneForm) {
    const Block block{test::a_header(), {test::a_compact(), test::a_long()}};
    test::expect_one_form(block, block_hex, parse_block);
    EXPECT_EQ(encoded_bytes(block), encode(block).size());
    test::expect_one_form(Block{test::a_header(), {}}, test::header_hex + "0000", parse_block);
}

TEST(BlockFormatTest, Announcement_HasOneForm) {
    test::expect_one_form(BlockAnnouncement{test::a_header(), {0x01020304, 0xfffefdfc}},
                          announcement_hex, parse_block_announcement);
}

TEST(BlockFormatTest, OtherVersion_IsNamed) {
    EXPECT_EQ(error_with(block_hex, 0, 2, parse_block), Errc::wrong_version);
    EXPECT_EQ(error_with(announcement_hex, 0, 0, parse_block_announcement), Errc::wrong_version);
}

TEST(BlockFormatTest, RankAndProposerOutOfRange_AreMalformed) {
    constexpr std::size_t rank = 1 + 4 + 32 + 4;
    EXPECT_EQ(error_with(block_hex, rank, 3, parse_block), Errc::malformed);
    EXPECT_EQ(error_with(block_hex, rank + 2, 64, parse_block), Errc::malformed);
    EXPECT_EQ(error_with(block_hex, rank + 1, 1, parse_block), Errc::malformed);
}

TEST(BlockFormatTest, CountBeyondTheBytes_AllocatesNothing) {
    EXPECT_EQ(error_with(block_hex, BlockHeader::size, 0xff, parse_block), Errc::malformed);
    EXPECT_EQ(error_with(block_hex, BlockHeader::size + 1, 3, parse_block), Errc::malformed);
    EXPECT_EQ(error_with(block_hex, BlockHeader::size + 1, 1, parse_block), Errc::malformed);
    EXPECT_EQ(error_with(announcement_hex, BlockHeader::size, 1, parse_block_announcement),
              Errc::too_large);
}

TEST(BlockFormatTest, MoreBytesThanAnyGenesisAllows_AreTooLarge) {
    const base::Buffer bytes(block_bytes_limit_max + 1, std::byte{1});
    EXPECT_EQ(parse_block(bytes).error().code, Errc::too_large);
}

TEST(BlockFormatTest, LargestAnnouncement_FitsADatagram) {
    BlockAnnouncement announcement{test::a_header(), {}};
    announcement.short_ids.resize(BlockAnnouncement::transactions_max);
    EXPECT_LE(encode(announcement).size(), ip_payload_bytes_max);
}

// The expected values of the next two were computed outside this program.
TEST(BlockHashTest, Preimage_HasTheFullKey_AndNoSignature) {
    EXPECT_EQ(base::to_hex(preimage(test::chain, test::a_header(), proposer)),
              "0a"
              "6d632f626c6f636b2f31" +
                  test::times("cc", 32) +
                  "01"
                  "01020304" +
                  test::times("11", 32) +
                  "05060708"
                  "02" +
                  test::times("77", 32) + test::times("22", 32) + test::times("33", 32) +
                  "00000009" + test::times("44", 32));
}

TEST(BlockHashTest, Hash_IsAsSpecified_WhateverTheSignature) {
    BlockHeader header = test::a_header();
    const Hash name = block_hash(test::chain, header, proposer);
    EXPECT_EQ(crypto::to_hex(name),
              "54e6a4df1be27f02ce32009ddb0051f3d0fb9d98c96396b1100c0f628f8ef75b");
    header.signature = {};
    EXPECT_EQ(block_hash(test::chain, header, proposer), name);
    header.rank = 1;
    EXPECT_NE(block_hash(test::chain, header, proposer), name);
}

TEST(ShortIdTest, Id_DependsOnTheBlock) {
    const Wtxid id{filled<Hash>(1)};
    EXPECT_EQ(short_id(filled<Hash>(2), id), short_id(filled<Hash>(2), id));
    EXPECT_NE(short_id(filled<Hash>(2), id), short_id(filled<Hash>(3), id));
    EXPECT_NE(short_id(filled<Hash>(2), id), short_id(filled<Hash>(2), {filled<Hash>(4)}));
}

}  // namespace
}  // namespace meshchain::wire
