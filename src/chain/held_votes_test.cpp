#include "chain/held_votes.h"

#include <gtest/gtest.h>

namespace meshchain::chain {
namespace {

constexpr base::Instant start{std::chrono::hours(1)};
constexpr base::Duration turn = std::chrono::seconds(8);
constexpr wire::BlockName name{7};

wire::ShortVote vote(std::uint16_t validator, std::uint16_t round, std::uint32_t target = 1) {
    wire::ShortVote vote;
    vote.validator = {validator};
    vote.round_low = round;
    vote.target = {target};
    return vote;
}

// Nothing of them was checked: a forged one must not take the place of what its victim said.
TEST(HeldVotes, OfOneValidator_AFewAreHeld_WhateverTheySay) {
    HeldVotes held;
    held.hold(vote(1, 4, 10));
    held.hold(vote(1, 4, 11));
    held.hold(vote(1, 4, 11));
    held.hold(vote(2, 4, 10));
    EXPECT_EQ(held.take().size(), 3U);
    EXPECT_TRUE(held.empty());
    held.hold(vote(2, 4, 10));
    for (std::uint16_t round = 0; round < 1000; ++round) held.hold(vote(1, round));
    const auto votes = held.take();
    ASSERT_EQ(votes.size(), 1U + HeldVotes::of_validator_max);
    EXPECT_EQ(votes.front(), vote(2, 4, 10)) << "one cannot push out another's";
    EXPECT_EQ(votes.back(), vote(1, 999));
}

TEST(HeldVotes, OfAnyNumberOfValidators_TheNewestAreHeld) {
    HeldVotes held;
    for (std::uint16_t i = 0; i < 64 * 4; ++i) held.hold(vote(i % 64, i));
    const auto votes = held.take();
    EXPECT_EQ(votes.size(), HeldVotes::votes_max);
    EXPECT_EQ(votes.back().round_low, 64 * 4 - 1);
}

TEST(NamedWishes, AName_IsAskedForAFewTimes_EachLater) {
    NamedWishes wishes(base::Random(3));
    wishes.want(start, {name, 0}, turn);
    EXPECT_TRUE(wishes.take_due(start).empty());
    std::vector<base::Instant> asked;
    while (!wishes.is_resting()) {
        const base::Instant now = wishes.poll_timeout();
        ASSERT_NE(now, base::never);
        for (const NamedWishes::Due& due : wishes.take_due(now)) {
            EXPECT_EQ(due.wish, (wire::BlockWish{name, 0}));
            asked.push_back(now);
        }
        ASSERT_LT(asked.size(), 10U);
    }
    ASSERT_EQ(asked.size(), std::size_t{NamedWishes::tries_max});
    EXPECT_GE(asked[0], start + turn / 4);
    EXPECT_LE(asked[0], start + 2 * turn);
    for (std::size_t i = 1; i < asked.size(); ++i) EXPECT_GE(asked[i], asked[i - 1] + 4 * turn);
    EXPECT_EQ(wishes.poll_timeout(), base::never);
}

TEST(NamedWishes, WhatSomebodyElseAskedFor_WaitsForThatAnswer) {
    NamedWishes wishes(base::Random(3));
    wishes.want(start, {name, 0}, turn);
    wishes.note_asked(start, {{8}, 0});
    EXPECT_LE(wishes.poll_timeout(), start + 2 * turn);
    const base::Instant heard = wishes.poll_timeout();
    wishes.note_asked(heard, {name, 0});
    EXPECT_TRUE(wishes.take_due(heard).empty());
    const base::Instant later = wishes.poll_timeout();
    EXPECT_GE(later, heard + 2 * turn);
    wishes.note_asked(later - turn, {name, 0});
    EXPECT_EQ(wishes.take_due(later).size(), 1U) << "it is silent once, not for ever";
}

TEST(NamedWishes, WhetherANameWillBeAskedFor_IsKnown) {
    NamedWishes wishes(base::Random(3));
    EXPECT_FALSE(wishes.is_asking(name));
    int asked = 0;
    while (asked < NamedWishes::tries_max) {
        EXPECT_TRUE(wishes.want(start, {name, 0}, turn));
        EXPECT_TRUE(wishes.is_asking(name));
        asked += static_cast<int>(wishes.take_due(wishes.poll_timeout()).size());
    }
    EXPECT_FALSE(wishes.is_asking(name));
    EXPECT_FALSE(wishes.want(start, {name, 0}, turn)) << "only the last answer is awaited";
    const base::Instant rests = wishes.poll_timeout();
    EXPECT_TRUE(wishes.take_due(rests).empty());
    EXPECT_TRUE(wishes.is_resting());
    EXPECT_FALSE(wishes.empty());
    EXPECT_FALSE(wishes.want(rests, {name, 0}, turn));
    EXPECT_TRUE(wishes.want(rests, {name, wire::BlockWish::whole}, turn)) << "that is more";
    EXPECT_TRUE(wishes.is_asking(name));
}

TEST(NamedWishes, WholeOneAfterTheLastQuestion_IsAskedForAnew) {
    NamedWishes wishes(base::Random(3));
    wishes.want(start, {name, 0}, turn);
    base::Instant now = start;
    for (int asked = 0; asked < NamedWishes::tries_max;) {
        now = wishes.poll_timeout();
        asked += static_cast<int>(wishes.take_due(now).size());
    }
    EXPECT_TRUE(wishes.want(now, {name, wire::BlockWish::whole}, turn));
    const auto due = wishes.take_due(now + 2 * turn);
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due[0].wish.missing, wire::BlockWish::whole);
}

TEST(NamedWishes, WhatHasCome_IsNotAskedFor) {
    NamedWishes wishes(base::Random(3));
    wishes.want(start, {name, 0}, turn);
    wishes.forget(name);
    EXPECT_TRUE(wishes.take_due(start + 9 * turn).empty());
}

TEST(NamedWishes, AnyNumberOfNames_IsLimited) {
    NamedWishes wishes(base::Random(3));
    for (std::uint32_t i = 0; i < 1000; ++i) wishes.want(start, {{i}, 0}, turn);
    const auto due = wishes.take_due(start + 9 * turn);
    EXPECT_EQ(due.size(), NamedWishes::names_max);
    EXPECT_EQ(due.back().wish.block, wire::BlockName{999}) << "the oldest give way";
}

}  // namespace
}  // namespace meshchain::chain
