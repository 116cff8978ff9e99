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
    wishes.want(start, name, turn);
    EXPECT_TRUE(wishes.take_due(start).empty());
    std::vector<base::Instant> asked;
    while (!wishes.empty()) {
        const base::Instant now = wishes.poll_timeout();
        ASSERT_NE(now, base::never);
        for (const wire::BlockName& due : wishes.take_due(now)) {
            EXPECT_EQ(due, name);
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
    wishes.want(start, name, turn);
    wishes.note_asked(start, {8});
    EXPECT_LE(wishes.poll_timeout(), start + 2 * turn);
    const base::Instant heard = wishes.poll_timeout();
    wishes.note_asked(heard, name);
    EXPECT_TRUE(wishes.take_due(heard).empty());
    const base::Instant later = wishes.poll_timeout();
    EXPECT_GE(later, heard + 2 * turn);
    wishes.note_asked(later - turn, name);
    EXPECT_EQ(wishes.take_due(later).size(), 1U) << "it is silent once, not for ever";
}

TEST(NamedWishes, WhatHasCome_IsNotAskedFor) {
    NamedWishes wishes(base::Random(3));
    wishes.want(start, name, turn);
    wishes.forget(name);
    EXPECT_TRUE(wishes.take_due(start + 9 * turn).empty());
}

TEST(NamedWishes, AnyNumberOfNames_IsLimited) {
    NamedWishes wishes(base::Random(3));
    for (std::uint32_t i = 0; i < 1000; ++i) wishes.want(start, {i}, turn);
    const auto due = wishes.take_due(start + 9 * turn);
    EXPECT_EQ(due.size(), NamedWishes::names_max);
    EXPECT_EQ(due.back(), wire::BlockName{999}) << "the oldest give way";
}

}  // namespace
}  // namespace meshchain::chain
