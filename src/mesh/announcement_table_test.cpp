// What is kept of what strangers say about themselves, and what a flood of them cannot push out.

#include "mesh/announcement_table.h"

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

using Result = AnnouncementTable::Result;

crypto::PublicKey key(std::uint32_t number) {
    crypto::PublicKey key;
    base::FixedWriter(key.bytes).u32(number);
    return key;
}

class AnnouncementTableTest : public testing::Test {
protected:
    static constexpr std::size_t capacity = 64;

    base::Now now() const { return {base::Instant{1h} + passed_, wall_ + to_ms(passed_)}; }
    static base::Milliseconds to_ms(base::Duration duration) {
        return std::chrono::duration_cast<base::Milliseconds>(duration);
    }
    wire::Announcement from(const crypto::PublicKey& origin, std::uint64_t sequence = 1) const {
        wire::Announcement announcement;
        announcement.identity = origin;
        announcement.sequence = sequence;
        announcement.issued = static_cast<std::uint32_t>(base::unix_ms(now().wall) / 1000);
        announcement.validity = std::chrono::minutes(25);
        return announcement;
    }
    Result take(const wire::Announcement& announcement, const crypto::PublicKey& ingress) {
        const Result result =
            table_.take(now(), announcement, wire::encode(announcement), ingress, 3);
        table_.check_invariants();
        return result;
    }

    const std::vector<ValidatorIdentity> validators_{{key(90'001), {}}};
    AnnouncementTable table_{capacity, validators_};
    base::Duration passed_{};
    base::WallTime wall_{std::chrono::hours(480'000)};
};

TEST_F(AnnouncementTableTest, OlderOrEqualSequence_IsStale) {
    EXPECT_EQ(take(from(key(1), 5), key(2)), Result::taken);
    EXPECT_EQ(take(from(key(1), 5), key(2)), Result::stale);
    EXPECT_EQ(take(from(key(1), 4), key(2)), Result::stale);
    EXPECT_EQ(take(from(key(1), 6), key(3)), Result::taken);
    EXPECT_EQ(table_.find(key(1))->announcement.sequence, 6U);
    EXPECT_EQ(table_.find(key(1))->ingress, key(3));
}

TEST_F(AnnouncementTableTest, ExpiredOnArrivalOrFromTheFuture_IsStale) {
    wire::Announcement old = from(key(1));
    old.issued -= 31 * 60;
    EXPECT_EQ(take(old, key(2)), Result::stale);
    wire::Announcement early = from(key(1));
    early.issued += 6 * 60;
    EXPECT_EQ(take(early, key(2)), Result::stale);
    wire::Announcement skewed = from(key(1));
    skewed.issued += 4 * 60;
    EXPECT_EQ(take(skewed, key(2)), Result::taken);
}

TEST_F(AnnouncementTableTest, WhatNobodyRepeats_IsForgottenWhenItsTimeIsUp) {
    ASSERT_EQ(take(from(key(1)), key(2)), Result::taken);
    passed_ = 24min;
    EXPECT_FALSE(table_.expire(now().instant));
    passed_ = 25min;
    EXPECT_EQ(table_.next_expiry(), now().instant);
    EXPECT_TRUE(table_.expire(now().instant));
    EXPECT_EQ(table_.find(key(1)), nullptr);
}

TEST_F(AnnouncementTableTest, ReplayAfterItWasForgotten_BringsNobodyBackForLong) {
    const wire::Announcement ghost = from(key(1));
    ASSERT_EQ(take(ghost, key(2)), Result::taken);
    passed_ = 26min;
    table_.expire(now().instant);
    ASSERT_EQ(take(ghost, key(2)), Result::taken);  // within the grace for clocks
    passed_ = 30min;
    EXPECT_TRUE(table_.expire(now().instant));
    EXPECT_EQ(take(ghost, key(2)), Result::stale);
}

TEST_F(AnnouncementTableTest, OneWhoAnnouncesAllTheTime_IsSlowedDown) {
    std::size_t taken = 0;
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
        taken += take(from(key(1), i), key(2)) == Result::taken ? 1U : 0U;
    }
    EXPECT_EQ(taken, AnnouncementTable::updates.burst);
}

TEST_F(AnnouncementTableTest, FloodOfMadeUpIdentities_PushesOutNobodyThatOthersBrought) {
    for (std::uint32_t i = 1; i <= 20; ++i) ASSERT_EQ(take(from(key(i)), key(500)), Result::taken);
    for (std::uint32_t i = 1'000; i < 3'000; ++i) take(from(key(i)), key(600));
    for (std::uint32_t i = 1; i <= 20; ++i) EXPECT_NE(table_.find(key(i)), nullptr) << i;
    // And those that come later through others find room.
    for (std::uint32_t i = 21; i <= 30; ++i) EXPECT_EQ(take(from(key(i)), key(501)), Result::taken);
    EXPECT_EQ(table_.size(), capacity);
}

TEST_F(AnnouncementTableTest, ValidatorsNeighboursAndThoseWeTalkWith_StayAndFindRoomInAFlood) {
    table_.set_neighbour(key(2), true);
    table_.note_talk(key(3));
    for (std::uint32_t i = 1'000; i < 3'000; ++i) take(from(key(i)), key(600));
    // All through the very peer that floods.
    EXPECT_EQ(take(from(validators_[0].key), key(600)), Result::taken);
    EXPECT_EQ(take(from(key(2)), key(600)), Result::taken);
    EXPECT_EQ(take(from(key(3)), key(600)), Result::taken);
    EXPECT_EQ(take(from(key(4)), key(600)), Result::crowded);
    for (std::uint32_t i = 3'000; i < 5'000; ++i) take(from(key(i)), key(601 + i % 40));
    EXPECT_NE(table_.find(validators_[0].key), nullptr);
    EXPECT_NE(table_.find(key(2)), nullptr);
    EXPECT_NE(table_.find(key(3)), nullptr);
}

TEST_F(AnnouncementTableTest, FullOfThoseThatStay_RefusesTheRest) {
    for (std::uint32_t i = 1; i <= capacity; ++i) {
        table_.set_neighbour(key(i), true);
        ASSERT_EQ(take(from(key(i)), key(i)), Result::taken);
    }
    EXPECT_EQ(take(from(key(1'000)), key(1)), Result::crowded);
    EXPECT_EQ(take(from(validators_[0].key), key(1)), Result::crowded);
}

}  // namespace
}  // namespace meshchain::mesh::test
