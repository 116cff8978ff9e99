#include "wire/sync.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;
using test::times;

const std::string hashes_response_hex =
    "00"
    "00000005"
    "02" +
    times("01", 32) + times("02", 32);
const std::string block_response_hex = "01" + times("11", 32) + test::header_hex +
                                       "0009"
                                       "0007"
                                       "02" +
                                       test::compact_hex + test::long_hex;

TEST(SyncRequestTest, EachKind_HasOneForm) {
    test::expect_one_form(SyncRequest(HashesRequest{Height{5}, 32}),
                          "00"
                          "00000005"
                          "20",
                          parse_sync_request);
    test::expect_one_form(SyncRequest(BlockRequest{filled<Hash>(0x11), 7}),
                          "01" + times("11", 32) + "0007", parse_sync_request);
    test::expect_one_form(SyncRequest(CertificateRequest{}), "02", parse_sync_request);
}

TEST(SyncRequestTest, WhatIsAnsweredByItems_HasOneForm) {
    test::expect_one_form(SyncRequest(FinalRequest{7, Height{5}, Height{9}}),
                          "03"
                          "0000000000000007"
                          "00000005"
                          "00000009",
                          parse_sync_request);
    test::expect_one_form(SyncRequest(HeadersRequest{7, filled<Hash>(0x11), 256}),
                          "04"
                          "0000000000000007" +
                              times("11", 32) + "0100",
                          parse_sync_request);
    test::expect_one_form(SyncRequest(BodiesRequest{7, Height{5}, 30, filled<Hash>(0x11)}),
                          "05"
                          "0000000000000007"
                          "00000005"
                          "1e" +
                              times("11", 32),
                          parse_sync_request);
}

TEST(SyncRequestTest, RangesThatNameNothingOrTooMuch_AreMalformed) {
    const std::string final =
        "03"
        "0000000000000007"
        "00000005"
        "00000005";
    EXPECT_EQ(error_with(final, 16, 4, parse_sync_request), Errc::malformed);
    const std::string headers =
        "04"
        "0000000000000007" +
        times("11", 32) + "0100";
    EXPECT_EQ(error_with(headers, 42, 1, parse_sync_request), Errc::malformed);
    EXPECT_EQ(error_with(headers, 41, 0, parse_sync_request), Errc::malformed);
    const std::string bodies =
        "05"
        "0000000000000007"
        "00000005"
        "1e" +
        times("11", 32);
    EXPECT_EQ(error_with(bodies, 13, 31, parse_sync_request), Errc::malformed);
    EXPECT_EQ(error_with(bodies, 13, 0, parse_sync_request), Errc::malformed);
}

TEST(SyncRequestTest, UnknownKindAndCountOutOfRange_AreMalformed) {
    EXPECT_EQ(error_with("02", 0, 6, parse_sync_request), Errc::malformed);
    EXPECT_EQ(error_with("000000000520", 5, 0, parse_sync_request), Errc::malformed);
    EXPECT_EQ(error_with("000000000520", 5, 33, parse_sync_request), Errc::malformed);
}

TEST(SyncResponseTest, EachKind_HasOneForm) {
    test::expect_one_form(
        SyncResponse(HashesResponse{Height{5}, {filled<Hash>(1), filled<Hash>(2)}}),
        hashes_response_hex, parse_sync_response);
    test::expect_one_form(
        SyncResponse(BlockResponse{
            filled<Hash>(0x11), test::a_header(), 9, 7, {test::a_compact(), test::a_long()}}),
        block_response_hex, parse_sync_response);
    test::expect_one_form(SyncResponse(NotFoundResponse{filled<Hash>(0x11)}),
                          "02" + times("11", 32), parse_sync_response);
}

TEST(SyncResponseTest, AListOfItems_HasOneForm_AndNamesNoneThatIsEmptyOrTooLarge) {
    const std::string hex =
        "03"
        "0000000000000007"
        "01"
        "00010000" +
        times("22", 32);
    test::expect_one_form(SyncResponse(ItemsResponse{7, {{65536, filled<Hash>(0x22)}}}), hex,
                          parse_sync_response);
    test::expect_one_form(SyncResponse(ItemsResponse{7, {}}),
                          "03"
                          "0000000000000007"
                          "00",
                          parse_sync_response);
    EXPECT_EQ(error_with(hex, 13, 1, parse_sync_response), Errc::malformed);
    EXPECT_EQ(error_with(hex, 11, 0, parse_sync_response), Errc::malformed);
    EXPECT_EQ(error_with(hex, 9, 31, parse_sync_response), Errc::malformed);
}

TEST(SyncChunkTest, Chunk_HasOneForm_AndIsNeverEmpty) {
    const std::string hex =
        "01"
        "0000000000000007"
        "02"
        "03"
        "aabb";
    const SyncChunk chunk{7, 2, 3, {std::byte{0xaa}, std::byte{0xbb}}};
    EXPECT_EQ(base::to_hex(encode(chunk)), hex);
    EXPECT_EQ(parse_sync_chunk(test::bytes_of(hex)), chunk);
    EXPECT_EQ(parse_sync_chunk(test::bytes_of(hex.substr(0, 22))).error().code, Errc::malformed);
    EXPECT_EQ(error_with(hex, 0, 2, parse_sync_chunk), Errc::wrong_version);
    EXPECT_EQ(error_with(hex, 9, 30, parse_sync_chunk), Errc::malformed);
}

TEST(SyncChunkTest, TheChunksOfAnItem_FillTheirDatagramsAndGiveItBack) {
    base::Buffer item(2 * SyncChunk::bytes_max + 1);
    for (std::size_t i = 0; i < item.size(); ++i) item[i] = static_cast<std::byte>(i % 251);
    ASSERT_EQ(chunks_of(item.size()), 3U);
    ASSERT_EQ(chunks_of(2 * SyncChunk::bytes_max), 2U);
    base::Buffer joined;
    for (std::uint8_t i = 0; i < 3; ++i) {
        const SyncChunk chunk = chunk_of(item, 7, 0, i);
        EXPECT_LE(encode(chunk).size(), ip_payload_bytes_max);
        EXPECT_EQ(parse_sync_chunk(encode(chunk)), chunk);
        joined.insert(joined.end(), chunk.bytes.begin(), chunk.bytes.end());
    }
    EXPECT_EQ(joined, item);
}

TEST(SyncItemsTest, HeadersAndProvenFinal_ComeBackAsTheyWere) {
    const std::vector<BlockHeader> headers(3, test::a_header());
    EXPECT_EQ(parse_headers(encode(headers)), headers);
    EXPECT_EQ(parse_headers({}).error().code, Errc::malformed);
    const std::vector<BlockHeader> too_many(headers_max + 1, test::a_header());
    EXPECT_EQ(parse_headers(encode(too_many)).error().code, Errc::malformed);
    const ProvenFinal proven{test::a_header(), {{Round{3}, Slot{2}, filled<Hash>(1)}, {}}};
    EXPECT_EQ(parse_proven_final(encode(proven)), proven);
    EXPECT_EQ(parse_proven_final(base::Bytes(encode(proven)).first(100)).error().code,
              Errc::malformed);
}

TEST(SyncResponseTest, CountsThatDoNotAddUp_AreMalformed) {
    constexpr std::size_t total_low = 1 + 32 + BlockHeader::size + 1;
    EXPECT_EQ(error_with(block_response_hex, total_low, 8, parse_sync_response), Errc::malformed);
    EXPECT_EQ(error_with(block_response_hex, total_low + 3, 1, parse_sync_response),
              Errc::malformed);
    EXPECT_EQ(error_with(hashes_response_hex, 5, 33, parse_sync_response), Errc::malformed);
}

TEST(SyncResponseTest, MoreThanOneControlBody_IsTooLarge) {
    const base::Buffer bytes(control_body_bytes_max + 1);
    EXPECT_EQ(parse_sync_response(bytes).error().code, Errc::too_large);
}

TEST(BlockResponseTest, Parts_FillTheirDatagrams_AndCoverTheBlock) {
    Block block{test::a_header(), {}};
    Transaction largest = test::a_long();
    largest.body.inputs.resize(inputs_max, largest.body.inputs.front());
    largest.signatures.resize(inputs_max);
    largest.body.outputs.resize(outputs_max, largest.body.outputs.front());
    for (int i = 0; i < 20; ++i) {
        if (i % 3 == 0) {
            block.transactions.emplace_back(largest);
        } else {
            block.transactions.emplace_back(test::a_compact());
        }
    }
    const Hash hash = filled<Hash>(0x11);
    std::vector<WireTransaction> received;
    while (received.size() < block.transactions.size()) {
        const auto part = block_response(hash, block, static_cast<std::uint16_t>(received.size()));
        ASSERT_FALSE(part.transactions.empty());
        const base::Buffer bytes = encode(SyncResponse(part));
        EXPECT_EQ(parse_sync_response(bytes), SyncResponse(part));
        received.insert(received.end(), part.transactions.begin(), part.transactions.end());
    }
    EXPECT_EQ(received, block.transactions);
}

TEST(BlockResponseTest, FirstBeyondTheBlock_GivesAnEmptyPart) {
    const Block block{test::a_header(), {test::a_compact()}};
    const auto part = block_response(filled<Hash>(0x11), block, 500);
    EXPECT_TRUE(part.transactions.empty());
    EXPECT_TRUE(parse_sync_response(encode(SyncResponse(part))).has_value());
}

}  // namespace
}  // namespace meshchain::wire
