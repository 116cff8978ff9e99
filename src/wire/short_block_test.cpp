#include "wire/short_block.h"

#include "base/random.h"
#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::bytes_of;
using test::error_with;
using test::filled;
using test::times;

Hash named(std::uint32_t name, int rest) {
    Hash hash = filled<Hash>(rest);
    base::FixedWriter(std::span(hash.bytes).first<4>()).u32(name);
    return hash;
}

const BlockParent parent{.hash = named(0xb1b2b3b4, 0x22),
                         .height = {6},
                         .epoch = 4,
                         .certificate = filled<Hash>(0x33),
                         .state = filled<Hash>(0x44)};
const Hash hash = named(0xa1a2a3a4, 0x11);

BlockAnnouncement an_announcement() {
    BlockHeader header;
    header.height = {7};
    header.parent = parent.hash;
    header.slot = {0x01020304};
    header.rank = 2;
    header.proposer = {5};
    header.transaction_root = filled<Hash>(0x66);
    header.parent_state = parent.state;
    header.epoch = parent.epoch;
    header.certificate = parent.certificate;
    header.signature = filled<crypto::Signature>(0x55);
    return {header, {0x01020304, 0xfffefdfc}};
}
std::optional<ShortBlock> shortened(const BlockAnnouncement& announcement) {
    return shorten(announcement, hash, parent.epoch, parent.certificate);
}

constexpr std::size_t leader_at = 1 + 4 + 4 + 4;
const std::string front_hex =
    "01"
    "a1a2a3a4"
    "b1b2b3b4"
    "01020304"
    "85";
const std::string ids_hex =
    "01020304"
    "fffefdfc";
const std::string short_hex = front_hex + "02" + times("66", 32) + times("55", 64) + ids_hex;

TEST(ShortBlock, KnownOne_IsMadeAsTheFormatSays) {
    test::expect_one_form(shortened(an_announcement()).value(), short_hex, parse_short_block);
}

TEST(ShortBlock, WithACertificateAndANewEpoch_SaysSo) {
    BlockAnnouncement announcement = an_announcement();
    announcement.header.certificate = filled<Hash>(0x77);
    announcement.header.epoch = parent.epoch + 1;
    test::expect_one_form(
        shortened(announcement).value(),
        front_hex + "c2" + times("66", 32) + times("77", 32) + times("55", 64) + ids_hex,
        parse_short_block);
}

TEST(ShortBlock, WhatNobodyWrites_IsMalformed) {
    EXPECT_EQ(error_with(short_hex, 0, 2, parse_short_block), Errc::wrong_version);
    EXPECT_EQ(error_with(short_hex, leader_at, 0xc5, parse_short_block), Errc::malformed) << "rank";
    for (const int flags : {0x00, 0x01, 0x03, 0x42, 0x3f, 0xff}) {
        EXPECT_EQ(error_with(short_hex, leader_at + 1, flags, parse_short_block), Errc::malformed)
            << flags;
    }
    EXPECT_EQ(parse_short_block({}).error().code, Errc::malformed);
}

// A certificate that is not said makes no room for more.
TEST(ShortBlock, MoreTransactionsThanFitOnePacket_AreTooMany) {
    BlockAnnouncement announcement = an_announcement();
    announcement.header.certificate = filled<Hash>(0x77);
    announcement.short_ids.resize(ShortBlock::ids_max);
    const base::Buffer largest = encode(shortened(announcement).value());
    EXPECT_LE(largest.size(), ShortBlock::bytes_max);
    EXPECT_GT(largest.size() + BlockAnnouncement::short_id_bytes, ShortBlock::bytes_max);
    EXPECT_GE(ShortBlock::ids_max, 20U);

    announcement.header.certificate = parent.certificate;
    EXPECT_TRUE(shortened(announcement).has_value());
    announcement.short_ids.push_back(1);
    EXPECT_FALSE(shortened(announcement).has_value());
    constexpr auto count = static_cast<int>(ShortBlock::ids_max + 1);
    const std::string full = short_hex + times("00000001", ShortBlock::ids_max - 1);
    EXPECT_EQ(error_with(full, leader_at + 1, count, parse_short_block), Errc::malformed);
}

TEST(ShortBlock, EpochThatDoesNotFollowItsParents_HasNoShortForm) {
    BlockAnnouncement announcement = an_announcement();
    for (const std::uint32_t epoch : {0U, parent.epoch - 1, parent.epoch + 2, UINT32_MAX}) {
        announcement.header.epoch = epoch;
        EXPECT_FALSE(shortened(announcement).has_value()) << epoch;
    }
    announcement.header.epoch = 0;
    EXPECT_TRUE(shorten(announcement, hash, 0, {}).has_value());
}

// Whatever the announcement: with its parent the short form is the announcement again, and with
// another one it is not.
TEST(ShortBlock, WithItsParent_IsTheAnnouncementAgain) {
    base::Random random(17);
    const auto any_hash = [&] { return filled<Hash>(static_cast<int>(random.below(256))); };
    for (int round = 0; round < 500; ++round) {
        BlockParent one{any_hash(),
                        {static_cast<std::uint32_t>(random.below(1U << 30))},
                        static_cast<std::uint32_t>(random.below(9)),
                        any_hash(),
                        any_hash()};
        BlockAnnouncement whole = an_announcement();
        whole.header.height = {one.height.value + 1};
        whole.header.parent = one.hash;
        whole.header.slot = {static_cast<std::uint32_t>(random.below(UINT32_MAX))};
        whole.header.rank = static_cast<std::uint8_t>(random.below(3));
        whole.header.proposer = {static_cast<std::uint16_t>(random.below(validators_max))};
        whole.header.transaction_root = any_hash();
        whole.header.parent_state = one.state;
        whole.header.epoch = one.epoch + static_cast<std::uint32_t>(random.below(2));
        whole.header.certificate = random.chance(1, 2) ? one.certificate : any_hash();
        whole.short_ids.resize(random.below(ShortBlock::ids_max + 1), 7);
        const auto said = shorten(whole, any_hash(), one.epoch, one.certificate);
        ASSERT_TRUE(said.has_value());
        const auto heard = parse_short_block(encode(*said));
        ASSERT_TRUE(heard.has_value());
        EXPECT_EQ(expand(*heard, one), whole);
        one.state.bytes[5] ^= std::byte{1};
        EXPECT_NE(expand(*heard, one), whole);
    }
}

}  // namespace
}  // namespace meshchain::wire
