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

TEST(SyncRequestTest, UnknownKindAndCountOutOfRange_AreMalformed) {
    EXPECT_EQ(error_with("02", 0, 3, parse_sync_request), Errc::malformed);
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
