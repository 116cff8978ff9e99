#include "wire/announcement.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;
using test::times;

template <class Id>
Id id_of(int byte) {
    Id id;
    id.bytes.fill(static_cast<std::byte>(byte));
    return id;
}

Announcement an_announcement() {
    Announcement announcement;
    announcement.identity = filled<crypto::PublicKey>(0x77);
    announcement.sequence = 0x0102030405060708;
    announcement.issued = 0x11121314;
    announcement.validity = std::chrono::seconds(0x0708);
    announcement.role = Role::validator;
    announcement.name = "Zo\xC3\xAB";
    announcement.neighbours = {id_of<crypto::NodeId>(1), id_of<crypto::NodeId>(2)};
    announcement.segments = {id_of<SegmentId>(9)};
    announcement.signature = filled<crypto::Signature>(0x55);
    return announcement;
}
const std::string announcement_hex = "01" + times("77", 32) +
                                     "0102030405060708"
                                     "11121314"
                                     "0708"
                                     "00"
                                     "04"
                                     "5a6fc3ab"
                                     "02" +
                                     times("01", 8) + times("02", 8) + "01" + times("09", 8) +
                                     times("55", 64);
constexpr std::size_t validity_at = 45;
constexpr std::size_t role_at = 47;
constexpr std::size_t name_at = 49;
constexpr std::size_t neighbours_at = 53;

TEST(AnnouncementFormatTest, Announcement_HasOneForm) {
    test::expect_one_form(an_announcement(), announcement_hex, parse_announcement);
    EXPECT_EQ(error_with(announcement_hex, 0, 2, parse_announcement), Errc::wrong_version);
}

TEST(AnnouncementFormatTest, Sizes_AreWhatTheRuleSays) {
    Announcement announcement;
    announcement.validity = std::chrono::seconds(1);
    EXPECT_EQ(encode(announcement).size(), announcement_bytes_min);
    announcement.name.assign(Announcement::name_bytes_max, 'n');
    for (std::size_t i = 0; i < Announcement::neighbours_max; ++i) {
        announcement.neighbours.push_back(id_of<crypto::NodeId>(static_cast<int>(i)));
    }
    for (std::size_t i = 0; i < Announcement::segments_max; ++i) {
        announcement.segments.push_back(id_of<SegmentId>(static_cast<int>(i)));
    }
    const base::Buffer bytes = encode(announcement);
    EXPECT_EQ(bytes.size(), announcement_bytes_max);
    EXPECT_EQ(parse_announcement(bytes), announcement);
}

TEST(AnnouncementFormatTest, NameThatCouldMoveACursor_IsMalformed) {
    for (const int byte : {0x00, 0x0A, 0x1B, 0x7F, 0x80, 0xFF}) {
        EXPECT_EQ(error_with(announcement_hex, name_at, byte, parse_announcement), Errc::malformed);
    }
    // U+009B, a control sequence introducer in one character.
    base::Buffer bytes = test::bytes_of(announcement_hex);
    bytes[name_at + 2] = std::byte{0xC2};
    bytes[name_at + 3] = std::byte{0x9B};
    EXPECT_FALSE(parse_announcement(bytes));
}

TEST(AnnouncementFormatTest, NeighbourTwiceOrOutOfOrder_IsMalformed) {
    EXPECT_EQ(error_with(announcement_hex, neighbours_at + 1, 3, parse_announcement),
              Errc::malformed);
    base::Buffer twice = test::bytes_of(announcement_hex);
    for (std::size_t i = 0; i < 8; ++i) twice[neighbours_at + 1 + i] = std::byte{2};
    EXPECT_FALSE(parse_announcement(twice));
}

TEST(AnnouncementFormatTest, ValidityRoleAndCountsOutOfRange_AreMalformed) {
    EXPECT_EQ(error_with(announcement_hex, validity_at, 0x1D, parse_announcement), Errc::malformed);
    base::Buffer none = test::bytes_of(announcement_hex);
    none[validity_at] = none[validity_at + 1] = std::byte{0};
    EXPECT_FALSE(parse_announcement(none));
    EXPECT_EQ(error_with(announcement_hex, role_at, 3, parse_announcement), Errc::malformed);
    EXPECT_EQ(error_with(announcement_hex, role_at + 1, 33, parse_announcement), Errc::malformed);
    EXPECT_EQ(error_with(announcement_hex, neighbours_at, 21, parse_announcement), Errc::malformed);
}

TEST(AnnouncementFormatTest, Preimage_CoversEveryFieldChainAndType) {
    const base::Buffer preimage = announcement_preimage(test::chain, an_announcement());
    EXPECT_EQ(base::to_hex(preimage),
              base::to_hex(crypto::preimage("mc/peer/1", test::chain, 6)) +
                  announcement_hex.substr(0, announcement_hex.size() - 128));
}

}  // namespace
}  // namespace meshchain::wire
