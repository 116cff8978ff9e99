#include "ledger/election.h"

#include <gtest/gtest.h>

#include "ledger/stake_rules.h"
#include "ledger/test_stakes.h"

namespace meshchain::ledger {
namespace {

/// Epochs of a chain with two validators last four slots.
class ElectionTest : public testing::Test {
protected:
    BlockContext context() const {
        BlockContext at = context_after(genesis);
        at.parent_state = coins.state();
        return at;
    }
    /// A block of this slot that raises the epoch, with a header that fits.
    wire::Block raising(std::uint32_t slot) const {
        const NothingVerified none;
        BlockBuilder builder(context(), {slot}, coins, none);
        EXPECT_TRUE(builder.raise_epoch().has_value());
        wire::Block block = test::block_of(context(), coins, {slot}, {});
        block.header.epoch = (*builder.epoch_claim())->epoch;
        block.header.certificate = (*builder.epoch_claim())->next;
        return block;
    }
    std::expected<BlockEffects, base::Error> judge(const wire::Block& block) const {
        return execute(context(), block, coins, NothingVerified());
    }

    const Genesis genesis = test::genesis_with_stakes(2, 2, 1000, 2);
    const wire::ChainId chain = chain_id(genesis);
    CoinSet coins{genesis};
};

TEST_F(ElectionTest, AForgedRoster_AnEpochTooFarOrTooEarly_MakesTheBlockInvalid) {
    EXPECT_TRUE(judge(raising(4)).has_value());
    wire::Block forged = raising(4);
    forged.header.certificate.bytes[0] ^= std::byte{1};
    EXPECT_FALSE(judge(forged).has_value());
    wire::Block far = raising(4);
    far.header.epoch = 2;
    EXPECT_FALSE(judge(far).has_value());
    wire::Block early = raising(4);
    early.header.slot = {3};
    EXPECT_FALSE(judge(early).has_value());
    wire::Block silent = test::block_of(context(), coins, {4}, {});
    EXPECT_TRUE(judge(silent).has_value()) << "it may, and need not, rise";
    silent.header.certificate = {};
    EXPECT_FALSE(judge(silent).has_value()) << "every header names the next roster";
}

TEST_F(ElectionTest, WhoStakesInABlock_IsElectedByTheNextRise_NotByItsOwn) {
    const auto before = judge(raising(4));
    ASSERT_TRUE(before.has_value());
    ASSERT_TRUE(before->elected.has_value());
    EXPECT_EQ(before->elected->epoch, 2U);
    EXPECT_EQ(before->elected->elected, wire::Slot{4});
    EXPECT_TRUE(is_same_set(*before->elected, genesis_roster(genesis, 1)));
    EXPECT_NE(before->elected->seed, genesis.seed);

    StakeBook book(coins);
    ASSERT_TRUE(
        run(chain,
            wire::Register{
                test::public_key(1010), test::public_key(2010), test::public_key(3010), {150}},
            book)
            .has_value());
    const auto first = raise_epoch(chain, {4}, book);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->members.size(), 3U);
    EXPECT_EQ(first->members.back().stake.units, 150U);
    EXPECT_EQ((*book.economy())->epoch, 1U);
    EXPECT_EQ((*book.economy())->next, wire::roster_hash(chain, *first));
    EXPECT_FALSE(raise_epoch(chain, {7}, book).has_value()) << "four slots each";
    EXPECT_TRUE(raise_epoch(chain, {8}, book).has_value());
}

TEST_F(ElectionTest, TheLastStakeOfAChain_CannotBeTakenBack) {
    StakeBook book(coins);
    const auto unbond = [&](std::uint32_t number) {
        return run(
            chain,
            wire::Unbond{test::public_key(2000 + number), test::public_key(3000 + number), {100}},
            book);
    };
    EXPECT_TRUE(unbond(0).has_value());
    const auto refused = unbond(1);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::Errc::conflict);
}

}  // namespace
}  // namespace meshchain::ledger
