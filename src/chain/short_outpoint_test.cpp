// Two coins that really share a short outpoint (PROTOCOL.md P2.2), through block rules, store and
// mempool. What they pay was found by trying: four million payments on each side give four pairs.

#include <gtest/gtest.h>

#include "chain/mempool.h"
#include "chain/test_history.h"

namespace meshchain::chain {
namespace {

using ledger::Coin;

constexpr std::uint64_t units_each = 10'000'000;
constexpr ledger::test::Payment first_payment{.from = 1, .to = 3, .units = 105'601};
constexpr ledger::test::Payment second_payment{.from = 2, .to = 3, .units = 1'131'858};

class ShortOutpointTest : public testing::Test {
protected:
    ShortOutpointTest() {
        apply({ledger::test::pay(chain_id_, coin_of(1), first_payment),
               ledger::test::pay(chain_id_, coin_of(2), second_payment)});
        shared_ = ledger::test::coins_of(coins_, 3);
        std::erase_if(shared_, [](const Coin& coin) {
            return coin.output.amount.units == units_each;  // of genesis
        });
    }
    Coin coin_of(std::uint32_t person) const {
        return ledger::test::coins_of(coins_, person).at(0);
    }
    wire::ShortOutpoint position() const {
        return wire::short_outpoint(chain_id_, shared_[0].outpoint);
    }
    /// All of it to somebody else, in the compact form, which names the position alone.
    wire::CompactTransfer spend(const Coin& coin) const {
        const std::uint64_t units = coin.output.amount.units;
        return ledger::test::pay_compact(chain_id_, coin, {.from = 3, .to = 0, .units = units});
    }
    std::vector<wire::Outpoint> candidates() {
        const auto found = disk_.chain().candidates(position());
        EXPECT_TRUE(found.has_value());
        return {found->begin(), found->end()};
    }
    void apply(const std::vector<wire::WireTransaction>& transactions) {
        ChainStore& chain = disk_.chain();
        const wire::Slot slot{chain.tip().slot.value + 1};
        const auto block = ledger::test::block_of(chain.context(), chain, slot, transactions);
        const auto effects = ledger::execute(chain.context(), block, chain, none_);
        ASSERT_TRUE(effects.has_value()) << base::sentence(effects.error());
        const auto hash = wire::block_hash(chain_id_, block.header, genesis_.validators[0].key);
        ASSERT_TRUE(chain.apply(hash, block, *effects).has_value());
        coins_.apply(*effects);
        EXPECT_EQ(chain.state().digest(), coins_.state());
    }

    ledger::Genesis genesis_ = ledger::test::genesis_with(4, 1, units_each);
    wire::ChainId chain_id_ = ledger::chain_id(genesis_);
    ledger::CoinSet coins_{genesis_};
    ledger::NothingVerified none_;
    test::Disk disk_{genesis_};
    std::vector<Coin> shared_;
};

TEST_F(ShortOutpointTest, TwoCoinsOfOne_AreBothFound_AndEachIsSpentByWhatSignsIt) {
    ASSERT_EQ(shared_.size(), 2U);
    ASSERT_EQ(position(), wire::short_outpoint(chain_id_, shared_[1].outpoint))
        << "the ledger changed: look for two other payments";
    EXPECT_EQ(candidates(), (std::vector{shared_[0].outpoint, shared_[1].outpoint}));
    for (const std::size_t spent : {std::size_t{0}, std::size_t{1}}) {
        const test::Dump before = disk_.dump();
        const ledger::CoinSet coins_before = coins_;
        apply({spend(shared_[spent])});
        EXPECT_EQ(candidates(), std::vector{shared_[1 - spent].outpoint});
        EXPECT_EQ(disk_.chain().coin(shared_[spent].outpoint).value(), std::nullopt);
        disk_.open();
        EXPECT_EQ(candidates(), std::vector{shared_[1 - spent].outpoint});
        ASSERT_TRUE(disk_.chain().revert().has_value());
        EXPECT_TRUE(test::same_rows(disk_.dump(), before));
        coins_ = coins_before;
    }
}

TEST_F(ShortOutpointTest, OneBlock_SpendsBoth_AndNoneSpendsOneOfThemTwice) {
    ASSERT_EQ(shared_.size(), 2U);
    ChainStore& chain = disk_.chain();
    ledger::BlockBuilder builder(chain.context(), {2}, chain, none_);
    ASSERT_TRUE(builder.add(spend(shared_[1])).has_value());
    EXPECT_FALSE(builder.add(spend(shared_[1])).has_value());
    const auto other =
        ledger::test::pay_compact(chain_id_, shared_[1], {.from = 3, .to = 2, .units = 100});
    EXPECT_EQ(builder.add(other).error().code, base::Errc::bad_signature)
        << "the one that is left is not what it signs";
    ASSERT_TRUE(builder.add(spend(shared_[0])).has_value());
    apply({spend(shared_[1]), spend(shared_[0])});
    EXPECT_TRUE(candidates().empty());
    ASSERT_TRUE(disk_.chain().revert().has_value());
    EXPECT_EQ(candidates(), (std::vector{shared_[0].outpoint, shared_[1].outpoint}));
}

TEST_F(ShortOutpointTest, Mempool_TakesBoth_AndASecondSpenderOfEitherIsAConflict) {
    ASSERT_EQ(shared_.size(), 2U);
    Mempool pool(chain_id_, disk_.chain());
    for (const Coin& coin : shared_) {
        const auto taken = pool.submit(spend(coin), {2}, {});
        ASSERT_TRUE(taken.has_value()) << base::sentence(taken.error());
        EXPECT_EQ((*taken)->transaction.body.inputs[0].outpoint, coin.outpoint);
        pool.check_invariants();
    }
    for (const Coin& coin : shared_) {
        const std::uint64_t units = coin.output.amount.units;
        const auto second = ledger::test::pay_compact(
            chain_id_, coin, {.from = 3, .to = 1, .units = units - 1, .fee_code = 0});
        EXPECT_EQ(pool.submit(second, {2}, {}).error().code, base::Errc::conflict);
    }
    EXPECT_EQ(pool.size(), 2U);
}

}  // namespace
}  // namespace meshchain::chain
