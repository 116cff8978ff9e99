#include "wire/air_question.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::bytes_of;
using test::error_with;
using test::times;

const std::string wish_hex =
    "01"
    "01"
    "a1b2c3d4"
    "02";
const std::string votes_hex =
    "01"
    "02"
    "01020304"
    "05"
    "80";
const std::string row_hex =
    "01"
    "a1b2c3d4"
    "07"
    "ff00";

Errc error_of(const std::string& hex) {
    const auto parsed = parse_air_question(bytes_of(hex));
    EXPECT_FALSE(parsed.has_value()) << hex;
    return parsed ? Errc::io : parsed.error().code;
}
std::string votes_with(std::uint64_t held) {
    return base::to_hex(encode(AirQuestion(VoteRequest{Round{0x01020304}, held})));
}
BlockRow a_row(base::Bytes bytes) { return {{0xa1b2c3d4}, 7, bytes}; }

TEST(AirQuestionFormatTest, BlockName_IsTheFirstFourBytesOfTheHash) {
    Hash hash = test::filled<Hash>(0x99);
    base::FixedWriter(std::span(hash.bytes).first<4>()).u32(0xa1b2c3d4);
    EXPECT_EQ(name_of(hash), BlockName{0xa1b2c3d4});
}

TEST(AirQuestionFormatTest, BlockWish_HasOneForm) {
    test::expect_one_form(AirQuestion(BlockWish{{0xa1b2c3d4}, 2}), wish_hex, parse_air_question);
}

TEST(AirQuestionFormatTest, VoteRequest_HasAsManyBytesAsItsHighestVote_AndOneForm) {
    EXPECT_EQ(votes_with(0), "010201020304");
    EXPECT_EQ(votes_with(1), "01020102030401");
    EXPECT_EQ(votes_with(0x8005), votes_hex);
    EXPECT_EQ(votes_with(0x8000000000000001), "0102010203040100000000000080");
    for (const std::uint64_t held :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x8005}, std::uint64_t{1} << 56,
          std::uint64_t{0x8000000000000001}, UINT64_MAX}) {
        const VoteRequest request{Round{0x01020304}, held};
        const auto parsed = parse_air_question(encode(AirQuestion(request)));
        ASSERT_TRUE(parsed.has_value()) << base::sentence(parsed.error());
        EXPECT_EQ(std::get<VoteRequest>(*parsed), request);
    }
}

TEST(AirQuestionFormatTest, NextBlockWish_HasOneForm) {
    test::expect_one_form(AirQuestion(NextBlockWish{{0xa1b2c3d4}, {0x01020304}}),
                          "0103a1b2c3d401020304", parse_air_question);
}

TEST(AirQuestionFormatTest, LengthsOfQuestions_AreWithinTheLimits) {
    EXPECT_EQ(bytes_of(votes_with(0)).size(), air_question_bytes_min);
    EXPECT_EQ(bytes_of(votes_with(UINT64_MAX)).size(), air_question_bytes_max);
    EXPECT_LE(air_question_bytes_max, air_payload_bytes_max);
    EXPECT_LE(bytes_of(wish_hex).size(), air_question_bytes_max);
}

TEST(AirQuestionFormatTest, OtherVersion_IsNamed_AndUnknownKindIsMalformed) {
    EXPECT_EQ(error_with(wish_hex, 0, 2, parse_air_question), Errc::wrong_version);
    EXPECT_EQ(error_with(votes_hex, 0, 0, parse_air_question), Errc::wrong_version);
    for (const int kind : {0, 4, 255}) {
        EXPECT_EQ(error_with(wish_hex, 1, kind, parse_air_question), Errc::malformed) << kind;
        EXPECT_EQ(error_with(votes_hex, 1, kind, parse_air_question), Errc::malformed) << kind;
    }
}

// Otherwise there were two ways to write the same.
TEST(AirQuestionFormatTest, VotesThatEndInAZeroByte_AreMalformed) {
    EXPECT_EQ(error_of("010201020304"
                       "00"),
              Errc::malformed);
    EXPECT_EQ(error_of(votes_hex + "00"), Errc::malformed);
    EXPECT_EQ(error_of("010201020304" + times("00", 8)), Errc::malformed);
}

TEST(AirQuestionFormatTest, VotesOfMoreThan64Validators_AreMalformed) {
    EXPECT_TRUE(parse_air_question(bytes_of("010201020304" + times("01", 8))).has_value());
    EXPECT_EQ(error_of("010201020304" + times("01", 9)), Errc::malformed);
}

TEST(AirQuestionFormatTest, TruncatedOrTooLong_IsMalformed) {
    for (const std::string& hex : {wish_hex, votes_with(0)}) {
        for (std::size_t bytes = 2; bytes * 2 < hex.size(); ++bytes) {
            EXPECT_EQ(error_of(hex.substr(0, 2 * bytes)), Errc::malformed) << bytes;
        }
    }
    EXPECT_EQ(error_of(wish_hex + "01"), Errc::malformed);
    EXPECT_FALSE(parse_air_question({}).has_value());
}

TEST(BlockRowFormatTest, Row_IsWrittenAsItWasRead) {
    const base::Buffer content = bytes_of("ff00");
    EXPECT_EQ(base::to_hex(encode(a_row(content))), row_hex);
    const base::Buffer whole = bytes_of(row_hex);
    const auto parsed = parse_block_row(whole);
    ASSERT_TRUE(parsed.has_value()) << base::sentence(parsed.error());
    EXPECT_EQ(parsed->block, BlockName{0xa1b2c3d4});
    EXPECT_EQ(parsed->row, 7U);
    EXPECT_EQ(base::to_hex(parsed->bytes), "ff00");
}

TEST(BlockRowFormatTest, OtherVersion_IsNamed) {
    EXPECT_EQ(error_with(row_hex, 0, 2, parse_block_row), Errc::wrong_version);
}

TEST(BlockRowFormatTest, TruncatedEmptyOrTooLong_IsMalformed) {
    const base::Buffer longest(BlockRow::bytes_max, std::byte{1});
    const base::Buffer whole = encode(a_row(longest));
    EXPECT_EQ(whole.size(), BlockRow::overhead_bytes + BlockRow::bytes_max);
    EXPECT_LE(whole.size(), air_payload_bytes_max);
    EXPECT_TRUE(parse_block_row(whole).has_value());
    for (std::size_t length = 1; length <= BlockRow::overhead_bytes; ++length) {
        const auto parsed = parse_block_row(base::Bytes(whole).first(length));
        ASSERT_FALSE(parsed.has_value()) << length;
        EXPECT_EQ(parsed.error().code, Errc::malformed) << length;
    }
    base::Buffer longer = whole;
    longer.push_back(std::byte{1});
    ASSERT_FALSE(parse_block_row(longer).has_value());
    EXPECT_EQ(parse_block_row(longer).error().code, Errc::malformed);
}

}  // namespace
}  // namespace meshchain::wire
