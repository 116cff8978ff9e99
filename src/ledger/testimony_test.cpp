// What validators say once an epoch, and what becomes of it: who leads a little more often, and the
// seed of the epoch after next.

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "ledger/election.h"
#include "ledger/proximity.h"
#include "ledger/stake_rules.h"
#include "ledger/test_stakes.h"

namespace meshchain::ledger {
namespace {

wire::Hash secret(std::uint8_t seat, std::uint8_t number) {
    wire::Hash hash;
    hash.bytes[0] = std::byte{seat};
    hash.bytes[1] = std::byte{number};
    return hash;
}

/// Four validators of 100 each, in seats 0 to 3; epochs last four slots.
class TestimonyTest : public testing::Test {
protected:
    /// Bound to secret `next`, and true to secret `now` where it was bound before.
    static wire::Testimony said(std::uint8_t seat, std::uint32_t epoch, std::uint8_t next,
                                std::optional<std::uint8_t> now = {}) {
        wire::Testimony made{
            {seat}, epoch, {}, wire::commitment_to(secret(seat, next)), wire::Hash{}};
        if (now) made.reveal = secret(seat, *now);
        return made;
    }
    std::expected<void, base::Error> say(const wire::Testimony& testimony) {
        return run(chain, testimony, book);
    }
    wire::Roster rise() { return raise_epoch(chain, {slot += 4}, book).value(); }
    static wire::WireTransaction transaction(const wire::Testimony& testimony) {
        wire::Transaction made;
        made.body.operation = testimony;
        made.body.expiry.units = 10;
        return made;
    }

    const Genesis genesis = test::genesis_with_stakes(2, 4, 1000, 4);
    const wire::ChainId chain = chain_id(genesis);
    CoinSet coins{genesis};
    StakeBook book{coins};
    std::uint32_t slot = 0;
};

TEST_F(TestimonyTest, OnceAnEpoch_TrueToWhatItWasBoundTo) {
    EXPECT_FALSE(say(said(0, 1, 1)).has_value()) << "of an epoch that is not now";
    EXPECT_FALSE(say(said(9, 0, 1)).has_value()) << "of nobody";
    EXPECT_FALSE(say(said(0, 0, 1, 7)).has_value()) << "a secret that nobody was bound to";
    EXPECT_TRUE(say(said(0, 0, 1)).has_value());
    EXPECT_FALSE(say(said(0, 0, 2, 1)).has_value()) << "twice";
    rise();
    EXPECT_FALSE(say(said(0, 1, 2)).has_value()) << "keeps the secret, and would be bound anew";
    EXPECT_FALSE(say(said(0, 1, 2, 5)).has_value()) << "another secret";
    EXPECT_TRUE(say(said(0, 1, 2, 1)).has_value());
}

TEST_F(TestimonyTest, InABlockOfAnother_OrTwiceInOne_ItMakesTheBlockInvalid) {
    const auto block_by = [&](std::uint16_t proposer) {
        wire::Block block =
            test::block_of(context_after(genesis), coins, {2}, {transaction(said(1, 0, 1))});
        block.header.proposer = {proposer};
        return execute(context_after(genesis), block, coins, NothingVerified());
    };
    EXPECT_TRUE(block_by(1).has_value());
    const auto refused = block_by(2);
    ASSERT_FALSE(refused.has_value());
    EXPECT_TRUE(is_rule_violation(refused.error()));
    const NothingVerified none;
    BlockBuilder builder(context_after(genesis), {2}, coins, none);
    EXPECT_TRUE(builder.add(transaction(said(1, 0, 1))).has_value());
    EXPECT_FALSE(builder.add(transaction(said(2, 0, 1))).has_value());
}

/// Whatever the last proposer of an epoch puts into his block, and in whatever order.
TEST_F(TestimonyTest, AWithholdingLeader_ChoosesBetweenTwoSeeds_AndNoMore) {
    for (std::uint8_t seat = 0; seat < 4; ++seat) ASSERT_TRUE(say(said(seat, 0, 1)).has_value());
    rise();
    for (std::uint8_t seat = 1; seat < 4; ++seat) ASSERT_TRUE(say(said(seat, 1, 2, 1)).has_value());
    const Economy before = **book.economy();
    std::set<wire::Hash> seeds;
    for (int choice = 0; choice < 64; ++choice) {
        StakeBook block = book;
        const auto next = static_cast<std::uint8_t>(choice);
        const auto stake = [&] {
            static_cast<void>(run(
                chain, wire::Delegate{test::public_key(2000), test::public_key(1), {100U + next}},
                block));
        };
        wire::Testimony own = said(0, 1, next, 1);
        own.heard.set_rounds({2}, static_cast<std::uint8_t>(next % 9));
        own.reveal.bytes[5] = std::byte{static_cast<std::uint8_t>(choice / 16)};  // true if zero
        if (choice % 2 == 0) stake();
        if (choice % 8 < 6) static_cast<void>(run(chain, own, block));
        if (choice % 4 == 1) stake();
        seeds.insert(elect(chain, **block.economy(), {slot + 4U + next}, block)->seed);
    }
    EXPECT_EQ(seeds.size(), 2U);
    EXPECT_EQ(before.epoch, 1U);
}

TEST_F(TestimonyTest, AChainOnWhichNobodyReveals_GoesOn_AndSaysWhoWithheld) {
    ASSERT_TRUE(say(said(2, 0, 1)).has_value());
    std::set<wire::Hash> seeds;
    using Standing = wire::Roster::Standing;
    EXPECT_EQ(rise().members[2].standing, Standing::unbound) << "it was bound in that epoch only";
    for (int epoch = 0; epoch < 5; ++epoch) {
        const wire::Roster roster = rise();
        seeds.insert(roster.seed);
        EXPECT_EQ(roster.members[2].standing, Standing::withheld);
        EXPECT_EQ(roster.members[1].standing, Standing::unbound);
    }
    EXPECT_EQ(seeds.size(), 5U);
    ASSERT_TRUE(say(said(2, 6, 2, 1)).has_value()) << "late is not never";
    EXPECT_EQ(rise().members[2].standing, Standing::revealed);
}

TEST_F(TestimonyTest, WhoCopiesACommitment_TakesNobodysShareAway) {
    wire::Testimony copied = said(1, 0, 1);
    copied.commitment = said(0, 0, 1).commitment;
    ASSERT_TRUE(say(said(0, 0, 1)).has_value());
    ASSERT_TRUE(say(copied).has_value());
    rise();
    wire::Testimony revealing = said(1, 1, 2);
    revealing.reveal = secret(0, 1);
    ASSERT_TRUE(say(said(0, 1, 2, 1)).has_value());
    ASSERT_TRUE(say(revealing).has_value());
    EXPECT_NE((*book.economy())->mix, wire::Hash{});
}

TEST_F(TestimonyTest, WhatIsReported_WeighsInTheEpochAfterNext_UntilItIsOld) {
    for (std::uint8_t seat = 1; seat < 4; ++seat) {
        wire::Testimony testimony = said(seat, 0, 1);
        testimony.heard.set_rounds({0}, seat == 3 ? 0 : 8);
        testimony.heard.set_rounds({seat}, 8);  // of itself: counts for nothing
        ASSERT_TRUE(say(testimony).has_value());
    }
    const wire::Roster elected = rise();
    EXPECT_EQ(elected.members[0].proximity, 255) << "two of three heard it always";
    for (std::size_t seat = 1; seat < 4; ++seat) EXPECT_EQ(elected.members[seat].proximity, 0);
    for (std::uint32_t epoch = 1; epoch < testimony_epochs; ++epoch) {
        EXPECT_EQ(rise().members[0].proximity, 255) << epoch;
    }
    EXPECT_EQ(rise().members[0].proximity, 0) << "nobody said so lately";
}

TEST(ProximityTest, LiarsWithLessThanHalfOfTheStake_CannotMoveItBeyondWhatHonestOnesSay) {
    base::Random random(7);
    const auto expressed = [](unsigned rounds) {
        return rounds * 255 / wire::Reception::rounds_max;
    };
    for (int attempt = 0; attempt < 2000; ++attempt) {
        std::vector<Hearer> others(1 + random.below(20));
        std::uint64_t honest = 0;
        std::uint64_t lying = 0;
        unsigned low = 8;
        unsigned high = 0;
        for (Hearer& other : others) {
            other.stake.units = 1 + random.below(1000);
            const auto rounds = static_cast<std::uint8_t>(random.below(9));
            if (lying + other.stake.units < honest && random.chance(1, 2)) {
                lying += other.stake.units;
                other.rounds = random.chance(1, 2) ? 8 : 0;
                continue;
            }
            honest += other.stake.units;
            other.rounds = rounds;
            low = std::min<unsigned>(low, rounds);
            high = std::max<unsigned>(high, rounds);
        }
        ASSERT_LT(lying, honest);
        EXPECT_GE(proximity(others), expressed(low)) << attempt;
        EXPECT_LE(proximity(others), expressed(high)) << attempt;
    }
    EXPECT_EQ(proximity({}), 0) << "the only one has nobody to be heard by";
    const std::vector<Hearer> split{{{100}, 8}, {{100}, 0}};
    EXPECT_EQ(proximity(split), 0) << "half is not more than half";
}

}  // namespace
}  // namespace meshchain::ledger
