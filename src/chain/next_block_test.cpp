// Who is behind where air is all there is gets one FINAL block after the other.

#include "chain/next_block.h"

#include <gtest/gtest.h>

#include "chain/test_air.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::OneOnAirTest;
using test::seconds;
using test::SlowAir;
using Type = wire::MessageType;
using wire::Verdict;

constexpr base::Duration turn = seconds(1);

class NextBlockTest : public testing::Test {
protected:
    /// The instants of all questions within an hour.
    std::vector<base::Instant> questions(wire::Height tip, bool is_coming = false) {
        std::vector<base::Instant> asked;
        const base::Instant end = now_ + std::chrono::hours(1);
        while (next_.poll_timeout() < end) {
            now_ = std::max(now_, next_.poll_timeout());
            next_.note_tip(now_, tip, turn);
            if (next_.take_due(now_, is_coming, turn) > 0) asked.push_back(now_);
        }
        now_ = end;
        return asked;
    }
    base::Instant now_{};
    NextBlock next_{base::Random(1)};
};

TEST_F(NextBlockTest, WithoutAClaimAboveOurTip_NothingIsAsked) {
    next_.note_claim(now_, {7}, {7}, turn);
    next_.note_claim(now_, {6}, {7}, turn);
    EXPECT_FALSE(next_.is_behind());
    EXPECT_TRUE(questions({7}).empty());
}

TEST_F(NextBlockTest, FalseClaim_CostsAFewQuestions_FartherAndFartherApart) {
    next_.note_claim(now_, {UINT32_MAX}, {7}, turn);
    const auto asked = questions({7});
    ASSERT_EQ(asked.size(), NextBlock::tries_max);
    EXPECT_GE(asked[0], base::Instant{} + 4 * turn) << "it may be on its way";
    EXPECT_GT(asked[7] - asked[6], 4 * (asked[1] - asked[0]));
    EXPECT_FALSE(next_.is_behind());
    next_.note_claim(now_, {8}, {7}, turn);
    EXPECT_TRUE(next_.is_behind()) << "another may be true";
}

TEST_F(NextBlockTest, EachNewBlock_IsFollowedByAQuestionSoon_UntilTheClaimIsReached) {
    next_.note_claim(now_, {9}, {7}, turn);
    now_ = next_.poll_timeout();
    EXPECT_EQ(next_.take_due(now_, false, turn), 1U);
    EXPECT_EQ(next_.take_due(now_, false, turn), 0U) << "once";
    next_.note_tip(now_, {8}, turn);
    EXPECT_LE(next_.poll_timeout(), now_ + 2 * turn);
    now_ = next_.poll_timeout();
    EXPECT_EQ(next_.take_due(now_, false, turn), 1U) << "it starts anew";
    next_.note_tip(now_, {9}, turn);
    EXPECT_FALSE(next_.is_behind());
}

TEST_F(NextBlockTest, WhileTheBlockIsComing_NothingIsAsked_AndNoTryIsUsedUp) {
    next_.note_claim(now_, {9}, {7}, turn);
    EXPECT_TRUE(questions({7}, true).empty());
    EXPECT_TRUE(next_.is_behind());
    EXPECT_EQ(questions({7}).size(), NextBlock::tries_max);
}

TEST_F(NextBlockTest, WhoHearsTheSameQuestion_LetsThatBeAnsweredFirst_Once) {
    next_.note_claim(now_, {9}, {7}, turn);
    now_ = next_.poll_timeout();
    next_.note_asked(now_, turn);
    const base::Instant later = next_.poll_timeout();
    EXPECT_GE(later, now_ + 2 * turn);
    next_.note_asked(now_ + turn, turn);
    EXPECT_EQ(next_.poll_timeout(), later) << "whoever asks without end keeps nobody quiet";
}

std::vector<wire::NextBlockWish> wishes_in(const std::vector<wire::Outgoing>& frames) {
    std::vector<wire::NextBlockWish> wishes;
    for (const wire::Outgoing& frame : frames) {
        if (frame.type != Type::air_ask) continue;
        const auto question = wire::parse_air_question(frame.payload);
        if (!question) continue;
        if (const auto* wish = std::get_if<wire::NextBlockWish>(&*question))
            wishes.push_back(*wish);
    }
    return wishes;
}

class NextBlockAnswerTest : public OneOnAirTest {
protected:
    NextBlockAnswerTest() : OneOnAirTest(0, 24) {}

    void make_final(std::size_t blocks) {
        for (std::size_t coin = 0; coin < blocks; ++coin) {
            net_.pay(0, coin, 0, 100);
            const std::uint32_t height = static_cast<std::uint32_t>(coin) + 1;
            ASSERT_TRUE(net_.run_until([&] { return chain().final_height().value == height; },
                                       seconds(40)));
        }
        frames();
    }
    wire::Hash block_at(std::uint32_t height) {
        return chain().store().hash_at({height}).value().value();
    }
    wire::NextBlockWish after(std::uint32_t height) {
        return {wire::name_of(block_at(height)), {height}};
    }
};

TEST_F(NextBlockAnswerTest, BlockAfterAnyThatIsFinal_IsSaid_HoweverOld) {
    make_final(22);
    for (const std::uint32_t height : {0U, 1U, 20U}) {
        net_.advance(seconds(2));
        frames();
        EXPECT_EQ(ask(after(height)), Verdict::keep);
        const auto said = frames_of(Type::short_block);
        ASSERT_EQ(said.size(), 1U) << height;
        const auto block = wire::parse_short_block(said[0].payload);
        ASSERT_TRUE(block.has_value());
        EXPECT_EQ(block->name, wire::name_of(block_at(height + 1)));
        EXPECT_EQ(block->short_ids.size(), 1U);
        EXPECT_EQ(ask(wire::BlockWish{block->name, 1}), Verdict::keep);
        EXPECT_EQ(rows().size(), 1U) << "and its transactions";
    }
}

TEST_F(NextBlockAnswerTest, AfterWhatIsNotFinal_OrNotHere_NothingIsSaid) {
    make_final(3);
    wire::NextBlockWish wrong_height = after(1);
    wrong_height.height = {2};
    wire::NextBlockWish wrong_name = after(1);
    wrong_name.after.value ^= 1;
    for (const wire::NextBlockWish& wish :
         {after(3), wrong_height, wrong_name, wire::NextBlockWish{{0}, {UINT32_MAX}}}) {
        EXPECT_EQ(ask(wish), Verdict::keep);
        net_.advance(seconds(2));
        EXPECT_TRUE(frames_of(Type::short_block).empty());
    }
}

TEST_F(NextBlockAnswerTest, WhoAsksForOldBlocksWithoutEnd_PushesOutNoneOfTheNewest) {
    make_final(22);
    for (std::uint32_t height = 0; height < 6; ++height) {
        EXPECT_EQ(ask(after(height)), Verdict::keep);
        net_.advance(seconds(2));
    }
    frames();
    for (std::uint32_t height = 7; height <= 22; ++height) {
        EXPECT_EQ(ask(wire::BlockWish{wire::name_of(block_at(height)), 0}), Verdict::keep);
        EXPECT_EQ(frames_of(Type::short_block).size(), 1U) << height;
    }
}

class NextBlockQuestionTest : public OneOnAirTest {
protected:
    void claim_final(std::uint32_t height) {
        chain().handle_peer(net_.now(), net_.identity(puppet), wire::Slot{net_.slot()},
                            {{height}, {height}});
    }
    std::vector<wire::NextBlockWish> wishes_within(base::Duration time) {
        std::vector<wire::NextBlockWish> wishes;
        for (base::Duration passed{}; passed < time; passed += milliseconds(100)) {
            net_.advance(milliseconds(100));
            for (const auto& wish : wishes_in(frames())) wishes.push_back(wish);
        }
        return wishes;
    }
};

TEST_F(NextBlockQuestionTest, WhoIsBehind_AsksForTheBlockAfterItsTip_AndAgainOnceThatIsHere) {
    claim_final(0);
    EXPECT_TRUE(wishes_within(seconds(5)).empty());
    const wire::Block block = make_block(payments(1));
    frames();
    claim_final(2);
    const auto first = wishes_within(seconds(2));
    ASSERT_FALSE(first.empty());
    EXPECT_EQ(first[0], (wire::NextBlockWish{wire::name_of(net_.chain_id()), {0}}));
    hear_all_but(0, block);
    ASSERT_TRUE(is_tip(block));
    const auto second = wishes_within(seconds(1));
    ASSERT_FALSE(second.empty());
    EXPECT_EQ(second[0], (wire::NextBlockWish{name_of(block), {1}}));
}

TEST(NextBlockOfSome, WhoSleptForThirtyBlocks_CatchesUp_ThoughPaymentsHaveExpired) {
    SlowAir air;
    Network net({.seed = 5, .coins_each = 40, .has_air_alone = true, .choice = &air});
    net.start_all();
    bool sleeps = true;
    constexpr std::size_t sleeper = 2;
    net.drop_if([&](std::size_t from, std::size_t to, const Network::Frame& frame) {
        // What one asks of another is the first that a busy channel leaves no air for.
        if (frame.type == Type::sync_request) return true;
        return sleeps && (from == sleeper || to == sleeper);
    });
    net.run_for(seconds(3));
    for (std::size_t coin = 0; coin < 30; ++coin) {
        net.pay(0, coin, 1, 500);
        const auto height = static_cast<std::uint32_t>(coin) + 1;
        ASSERT_TRUE(
            net.run_until([&] { return net[0].final_height().value >= height; }, seconds(60)));
    }
    ASSERT_EQ(net[sleeper].store().tip().height.value, 0U);
    const std::uint32_t expired = wire::expiry_units({net.slot()}) + 22;
    net.run_until([&] { return wire::expiry_units({net.slot()}) > expired; }, seconds(10'000));
    ASSERT_GT(wire::expiry_units({net.slot()}), expired);
    sleeps = false;
    net.set_loss(10);
    EXPECT_TRUE(net.run_until([&] { return net[sleeper].final_height() == net[0].final_height(); },
                              seconds(600)));
    net.check();
}

}  // namespace
}  // namespace meshchain::chain
