#include "wire/short_vote.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::bytes_of;
using test::times;

Hash named(std::uint32_t name, int rest) {
    Hash hash = test::filled<Hash>(rest);
    base::FixedWriter(std::span(hash.bytes).first<4>()).u32(name);
    return hash;
}

Vote a_vote() {
    Vote vote;
    vote.validator = {5};
    vote.round = {0x00021234};
    vote.source = {{0x00021231}, {77}, named(0xa1a2a3a4, 0x11)};
    vote.target = named(0xb1b2b3b4, 0x22);
    vote.signature = test::filled<crypto::Signature>(0x55);
    return vote;
}
const std::string short_hex =
    "01"
    "05"
    "1234"
    "03"
    "a1a2a3a4"
    "b1b2b3b4" +
    times("55", 64);

Vote expanded(const ShortVote& vote, std::uint32_t now) {
    const Vote whole = a_vote();
    return expand(vote, round_of(vote, {now}), whole.source.slot, whole.source.block, whole.target);
}
Errc error_of(const std::string& hex) {
    const auto parsed = parse_short_vote(bytes_of(hex));
    EXPECT_FALSE(parsed.has_value()) << hex;
    return parsed ? Errc::io : parsed.error().code;
}

TEST(ShortVote, KnownOne_IsMadeAsTheFormatSays) {
    test::expect_one_form(shorten(a_vote()).value(), short_hex, parse_short_vote);
    Vote vote = a_vote();
    vote.heard = 0x0201;
    EXPECT_EQ(base::to_hex(encode(*shorten(vote))), short_hex + "0102");
    EXPECT_EQ(parse_short_vote(bytes_of(short_hex + "0102")).value(), *shorten(vote));
    vote.heard = UINT64_MAX;
    EXPECT_EQ(encode(*shorten(vote)).size(), ShortVote::bytes_max);
    EXPECT_EQ(encode(*shorten(a_vote())).size(), ShortVote::bytes_min);
}

TEST(ShortVote, WithTheBlocksThatItNames_IsTheVoteAgain) {
    for (const std::uint32_t now : {0x00021234U, 0x00021235U, 0x00021233U, 0x00029233U}) {
        EXPECT_EQ(expanded(*shorten(a_vote()), now), a_vote()) << now;
    }
}

// Where the lower bits wrap a round before the receiver's is not one 65,536 rounds later.
TEST(ShortVote, RoundThatIsMeant_IsTheNearest) {
    Vote vote = a_vote();
    vote.round = {0x0002fffe};
    vote.source.round = {0x0002fffd};
    EXPECT_EQ(round_of(*shorten(vote), {0x00030001}).value, 0x0002fffeU);
    vote.round = {0x00030001};
    EXPECT_EQ(round_of(*shorten(vote), {0x0002fffe}).value, 0x00030001U);
}

TEST(ShortVote, SourceTooFarBack_HasNoShortForm) {
    Vote vote = a_vote();
    vote.source.round = {vote.round.value - 255};
    EXPECT_TRUE(shorten(vote).has_value());
    --vote.source.round.value;
    EXPECT_FALSE(shorten(vote).has_value());
}

TEST(ShortVote, WhatNobodyWrites_IsMalformed) {
    EXPECT_EQ(error_of("02" + short_hex.substr(2)), Errc::wrong_version);
    EXPECT_EQ(error_of(""), Errc::malformed);
    EXPECT_EQ(error_of(short_hex.substr(0, short_hex.size() - 2)), Errc::malformed);
    EXPECT_EQ(error_of(short_hex + "00"), Errc::malformed) << "two forms of one bitmap";
    EXPECT_EQ(error_of(short_hex + times("ff", 9)), Errc::malformed);
    EXPECT_EQ(error_of("0140" + short_hex.substr(4)), Errc::malformed) << "validator 64";
    std::string no_distance = short_hex;
    no_distance.replace(8, 2, "00");
    EXPECT_EQ(error_of(no_distance), Errc::malformed) << "a source in its own round";
}

}  // namespace
}  // namespace meshchain::wire
