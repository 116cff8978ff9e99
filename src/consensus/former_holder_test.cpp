// A seat goes to somebody else once nothing of its former holder is left; his key is still his.

#include <gtest/gtest.h>

#include "consensus/certificate.h"
#include "consensus/engine.h"
#include "consensus/test_network.h"

namespace meshchain::consensus::test {
namespace {

constexpr std::uint16_t seats = 6;  ///< that have two holders, one after the other
constexpr std::uint32_t former = 20;
constexpr std::uint32_t present = 40;
constexpr std::uint32_t steady = 6;  ///< on the seat behind them, always
constexpr std::uint32_t last_epoch = 8;

/// The former ones left after epoch 1, the present ones came with epoch 7.
wire::Roster roster_of(std::uint32_t epoch) {
    wire::Roster roster{epoch, {epoch < 2 ? 0 : epoch}, {}, {}};
    const auto seat = [&](std::uint16_t index, std::uint32_t holder) {
        roster.members.push_back(
            {{index}, test_identity(holder), test_key(holder).public_key(), {100}});
    };
    const bool is_empty = epoch >= 2 && epoch < 7;
    for (std::uint16_t i = 0; i < seats && !is_empty; ++i) {
        seat(i, (epoch < 2 ? former : present) + i);
    }
    seat(seats, steady);
    return roster;
}

struct Source final : EpochSource {
    std::expected<std::optional<wire::Roster>, base::Error> roster(
        std::uint32_t epoch) const override {
        ++read;
        return roster_of(epoch);
    }
    std::expected<std::optional<std::uint32_t>, base::Error> epoch_of(
        const wire::Hash&) const override {
        return 0U;
    }
    std::expected<std::optional<crypto::PublicKey>, base::Error> liable(
        wire::ValidatorIndex seat) const override {
        return seat.value == seats + 1 ? std::optional(test_key(former).public_key())
                                       : std::nullopt;
    }
    mutable std::size_t read = 0;
};

wire::Hash block(std::uint32_t number) {
    wire::Hash hash;
    hash.bytes[0] = static_cast<std::byte>(number);
    hash.bytes[1] = std::byte{77};
    return hash;
}

class FormerHolders : public testing::Test {
protected:
    void SetUp() override {
        store_ = std::move(kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(),
                                                 {.tables = tables}))
                     .value();
        params_.chain.bytes[0] = std::byte{1};
        params_.start = base::wall_from_unix_ms(1'000'000);
        params_.block_time = base::Milliseconds{1000};
        params_.rank_delay = base::Milliseconds{100};
        params_.epoch_slots = 4;
        params_.unbond_epochs = 4;
        now_ = params_.start + base::Milliseconds{100'500};  // slot 100
        engine_ = std::make_unique<Engine>(params_, set_of(roster_of(0)), *store_,
                                           VoteTables(kv::Table{8}, kv::Table{11}), std::nullopt,
                                           base::Random(1), base::Log{}, Limits{}, &source_);
        ASSERT_TRUE(engine_->load(now_).has_value());
    }

    wire::Vote vote(std::uint16_t seat, std::uint32_t holder,
                    const wire::Checkpoint& source) const {
        wire::Vote made;
        made.validator = {seat};
        made.round = {source.round.value + 1};
        made.source = source;
        made.target = source.block;
        const crypto::SigningKey key = test_key(holder);
        made.signature = key.sign(wire::preimage(params_.chain, made, key.public_key()));
        return made;
    }

    /// FINAL goes through every epoch up to the last, as those proved it who held the seats.
    void catch_up() {
        for (std::uint32_t epoch = 1; epoch <= last_epoch; ++epoch) {
            const wire::Checkpoint final{{epoch * 4 + 1}, {epoch * 4}, block(epoch)};
            wire::Certificate certificate{final, {}};
            for (std::uint16_t i = 0; i < seats && (epoch <= 2 || epoch >= 7); ++i) {
                certificate.votes.push_back(vote(i, (epoch <= 2 ? former : present) + i, final));
            }
            certificate.votes.push_back(vote(seats, steady, final));
            BlockRef reference;
            reference.hash = final.block;
            reference.parent = parent_;
            reference.height = {epoch};
            reference.slot = final.slot;
            reference.epoch = epoch;
            reference.executed = true;
            const auto adopted = engine_->adopt(now_, certificate, reference);
            ASSERT_TRUE(adopted.has_value()) << epoch << ": " << base::sentence(adopted.error());
            parent_ = final.block;
        }
    }

    static constexpr std::array<kv::TableInfo, 2> tables{
        {{kv::Table{8}, "consensus"}, {kv::Table{11}, "certificates"}}};
    Source source_;
    Params params_;
    base::WallTime now_;
    std::unique_ptr<kv::Store> store_;
    std::unique_ptr<Engine> engine_;
    wire::Hash parent_ = params_.chain;
};

TEST_F(FormerHolders, WhatTheyVoteWhileANodeLags_CountsForNobodyOnceItHasCaughtUp) {
    parent_ = params_.chain;
    // Keys without any stake left speak for a block of the present that one validator wants.
    const wire::Checkpoint forged{{100}, {60}, block(99)};
    for (std::uint16_t i = 0; i < seats; ++i) {
        engine_->handle_vote(now_, vote(i, former + i, forged));
    }
    ASSERT_NO_FATAL_FAILURE(catch_up());
    ASSERT_EQ(engine_->epochs().now(), last_epoch);
    ASSERT_EQ(engine_->validators()[{0}].key, test_key(present).public_key());

    BlockRef reference;
    reference.hash = forged.block;
    reference.parent = parent_;
    reference.height = {last_epoch + 1};
    reference.slot = forged.slot;
    reference.epoch = last_epoch;
    reference.proposer = {seats};
    ASSERT_TRUE(engine_->add_block(now_, reference).has_value());
    engine_->mark_executed(reference.hash);
    engine_->handle_vote(now_, vote(seats, steady, forged));
    EXPECT_NE(engine_->final().block, forged.block) << "100 of 700 have voted for it";

    // The present holders decide.
    for (std::uint16_t i = 0; i < seats; ++i) {
        engine_->handle_vote(now_, vote(i, present + i, forged));
    }
    EXPECT_EQ(engine_->final().block, forged.block);
    ASSERT_TRUE(engine_->certificate().has_value());
    EXPECT_TRUE(
        verify_certificate(params_.chain, engine_->epochs(), last_epoch, *engine_->certificate()));
}

TEST_F(FormerHolders, EvidenceAgainstASeatThatNobodyHasNow_CostsOneLookUpAndNoSearch) {
    parent_ = params_.chain;
    ASSERT_NO_FATAL_FAILURE(catch_up());
    const auto evidence = [&](std::uint16_t seat) {
        wire::Vote one = vote(seat, former, {{9}, {9}, block(9)});
        wire::Vote other = vote(seat, former, {{9}, {9}, block(8)});
        if (other.target < one.target) std::swap(one, other);
        return wire::Evidence{wire::VoteEvidence{one, other}};
    };
    const std::size_t before = source_.read;
    EXPECT_EQ(engine_->handle_evidence(now_, evidence(63)), wire::Verdict::ignore);
    EXPECT_EQ(engine_->handle_evidence(now_, evidence(seats + 1)), wire::Verdict::relay)
        << "he has left, and his stake still waits";
    EXPECT_EQ(source_.read, before);
}

/// Six of nine seats leave for good with epoch 2; the other three stay.
struct LeaversSource final : EpochSource {
    std::expected<std::optional<wire::Roster>, base::Error> roster(
        std::uint32_t epoch) const override {
        wire::Roster roster{epoch, {epoch < 2 ? 0 : 4 * epoch}, {}, {}};
        for (std::uint16_t seat = epoch < 2 ? 0 : 6; seat < 9; ++seat) {
            roster.members.push_back(
                {{seat}, test_identity(seat), test_key(seat).public_key(), {100}});
        }
        return roster;
    }
    std::expected<std::optional<std::uint32_t>, base::Error> epoch_of(
        const wire::Hash&) const override {
        return 2U;
    }
    std::expected<std::optional<crypto::PublicKey>, base::Error> liable(
        wire::ValidatorIndex) const override {
        return std::nullopt;
    }
};

TEST_F(FormerHolders, ARestartWhileMostHaveLeft_NeedsTheTimeOfThoseWhoSignNow) {
    const LeaversSource source;
    Engine engine(params_, set_of(*source.roster(0).value()), *store_,
                  VoteTables(kv::Table{8}, kv::Table{11}), test_key(6), base::Random(1),
                  base::Log{}, Limits{}, &source);
    ASSERT_TRUE(engine.load(now_).has_value());
    ASSERT_EQ(engine.epochs().now(), 2U);
    ASSERT_EQ(engine.validators().total().units, 900U) << "those who left are still heard";
    EXPECT_FALSE(engine.is_clock_checked());
    engine.handle_clock_sample(now_, test_identity(0), wire::Slot{100});
    EXPECT_FALSE(engine.is_clock_checked()) << "who has left says nothing that counts";
    engine.handle_clock_sample(now_, test_identity(7), wire::Slot{100});
    EXPECT_FALSE(engine.is_clock_checked()) << "a third is not more than a third";
    engine.handle_clock_sample(now_, test_identity(8), wire::Slot{100});
    EXPECT_TRUE(engine.is_clock_checked());
}

}  // namespace
}  // namespace meshchain::consensus::test
