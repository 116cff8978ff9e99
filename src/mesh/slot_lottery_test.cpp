#include "mesh/slot_lottery.h"

#include <gtest/gtest.h>

namespace meshchain::mesh {
namespace {

using std::chrono::seconds;

crypto::PublicKey key_of(std::uint8_t number) {
    crypto::PublicKey key;
    key.bytes[0] = std::byte{number};
    return key;
}

class Lottery : public testing::Test {
protected:
    static crypto::ShortHashKey secret(std::uint8_t number) {
        crypto::ShortHashKey key{};
        key[0] = std::byte{number};
        return key;
    }
    void pass_draw() { now_ += SlotLottery::draw_every; }

    base::Instant now_{std::chrono::hours(1)};
    SlotLottery lottery_{secret(1)};
};

TEST_F(Lottery, NewcomerAlone_IsDrawnWhenItAsksAgain) {
    EXPECT_FALSE(lottery_.enter(now_, key_of(1)));
    EXPECT_FALSE(lottery_.enter(now_ + seconds(1), key_of(1))) << "the draw is not over";
    pass_draw();
    EXPECT_TRUE(lottery_.enter(now_, key_of(1)));
    EXPECT_FALSE(lottery_.enter(now_, key_of(1))) << "it was drawn once";
}

TEST_F(Lottery, OneDraw_HasOneWinner) {
    for (std::uint8_t i = 0; i < 40; ++i) EXPECT_FALSE(lottery_.enter(now_, key_of(i)));
    pass_draw();
    int winners = 0;
    for (int round = 0; round < 3; ++round) {
        for (std::uint8_t i = 0; i < 40; ++i) winners += lottery_.enter(now_, key_of(i));
    }
    EXPECT_EQ(winners, 1);
}

TEST_F(Lottery, WhoAsksAHundredTimes_WinsNoMoreOften) {
    constexpr int draws = 300;
    int greedy_wins = 0;
    int modest_wins = 0;
    for (int draw = 0; draw < draws; ++draw) {
        for (int i = 0; i < 100; ++i) greedy_wins += lottery_.enter(now_, key_of(1));
        for (int i = 0; i < 2; ++i) modest_wins += lottery_.enter(now_, key_of(2));
        pass_draw();
    }
    EXPECT_GT(modest_wins, draws * 2 / 5);
    EXPECT_GT(greedy_wins, draws * 2 / 5);
}

TEST_F(Lottery, WinnerThatStaysAway_CostsOneDrawOnly) {
    lottery_.enter(now_, key_of(1));
    pass_draw();
    lottery_.enter(now_, key_of(2));  // 1 was drawn and does not come
    pass_draw();
    EXPECT_TRUE(lottery_.enter(now_, key_of(2)));
    EXPECT_FALSE(lottery_.enter(now_, key_of(1))) << "its chance has passed";
}

TEST_F(Lottery, AnotherSecret_DrawsOthers) {
    SlotLottery other(secret(2));
    int same = 0;
    for (int draw = 0; draw < 50; ++draw) {
        for (std::uint8_t i = 0; i < 10; ++i) {
            const bool here = lottery_.enter(now_, key_of(i));
            same += other.enter(now_, key_of(i)) && here;
        }
        pass_draw();
    }
    EXPECT_LT(same, 25);
}

}  // namespace
}  // namespace meshchain::mesh
