#include "ledger/block_rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "crypto/merkle.h"
#include "ledger/test_payments.h"

namespace meshchain::ledger {
namespace {

using base::Errc;

class EverythingVerified final : public VerifiedSet {
public:
    bool contains(const wire::Wtxid&) const override { return true; }
};

/// Real coins, but every short outpoint has its four unspent outputs already.
class CrowdedView final : public CoinView {
public:
    explicit CrowdedView(const CoinView& coins) : coins_(&coins) {}
    std::expected<std::optional<wire::Output>, base::Error> coin(
        const wire::Outpoint& outpoint) const override {
        return coins_->coin(outpoint);
    }
    std::expected<Candidates, base::Error> candidates(const wire::ShortOutpoint&) const override {
        Candidates four;
        for (std::uint16_t index = 0; index < Candidates::capacity; ++index) {
            four.insert({{}, index});
        }
        return four;
    }
    std::expected<std::optional<base::Buffer>, base::Error> stake_row(
        const base::Buffer& key) const override {
        return coins_->stake_row(key);
    }

private:
    const CoinView* coins_;
};

class BlockRulesTest : public testing::Test {
protected:
    Coin coin(std::uint32_t person, std::size_t index = 0) const {
        return test::coins_of(coins, person).at(index);
    }
    wire::Transaction pay(const Coin& from, test::Payment payment) const {
        return test::pay(chain, from, payment);
    }
    wire::Block block(const std::vector<wire::WireTransaction>& transactions) const {
        return test::block_of(context, coins, slot, transactions);
    }
    std::expected<BlockEffects, base::Error> run(const wire::Block& judged) const {
        return execute(context, judged, coins, none);
    }
    Errc error_of(const wire::Block& judged) const {
        const auto result = run(judged);
        EXPECT_FALSE(result.has_value());
        return result ? Errc::io : result.error().code;
    }
    /// An empty block with one field of its header changed.
    Errc error_after(const std::function<void(wire::BlockHeader&)>& change) const {
        wire::Block judged = block({});
        change(judged.header);
        return error_of(judged);
    }

    Genesis genesis = test::genesis_with(40, 6, 1000);
    wire::ChainId chain = chain_id(genesis);
    BlockContext context = context_after(genesis);
    CoinSet coins{genesis};
    wire::Slot slot{64};
    NothingVerified none;
};

TEST_F(BlockRulesTest, HeaderThatDoesNotFitItsParent_IsRefused) {
    EXPECT_EQ(error_after([](auto& header) { header.parent.bytes[0] ^= std::byte{1}; }),
              Errc::invalid_argument);
    for (const std::uint32_t height : {0U, 2U, 0xffffffffU}) {
        EXPECT_EQ(error_after([&](auto& header) { header.height.value = height; }),
                  Errc::invalid_argument);
    }
    EXPECT_EQ(error_after([](auto& header) { header.parent_state.bytes[0] ^= std::byte{1}; }),
              Errc::invalid_argument);
    EXPECT_EQ(error_after([](auto& header) { header.transaction_root.bytes[0] ^= std::byte{1}; }),
              Errc::invalid_argument);
}

TEST_F(BlockRulesTest, SlotNotAfterTheParents_IsRefused) {
    EXPECT_EQ(error_after([](auto& header) { header.slot.value = 0; }), Errc::invalid_argument);
    context.parent_slot.value = 64;
    EXPECT_EQ(error_of(block({})), Errc::invalid_argument);
    context.parent_slot.value = 63;
    EXPECT_TRUE(run(block({})).has_value());
}

TEST_F(BlockRulesTest, SameTransactionTwice_InEitherForm_IsRefused) {
    const auto payment = pay(coin(1), {1, 2, 100});
    wire::Block judged = block({payment});
    judged.transactions.push_back(payment);
    EXPECT_EQ(error_of(judged), Errc::not_found);
    judged.transactions.back() = test::pay_compact(chain, coin(1), {1, 2, 100});
    EXPECT_EQ(error_of(judged), Errc::not_found);
}

TEST_F(BlockRulesTest, OneCoinSpentByTwoTransactions_IsRefused_AndNamesThePosition) {
    wire::Block judged = block({pay(coin(1), {1, 2, 100})});
    judged.transactions.push_back(pay(coin(1), {1, 3, 100}));
    const auto result = run(judged);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Errc::not_found);
    EXPECT_EQ(result.error().where, "transaction 1 of the block");
}

TEST_F(BlockRulesTest, ChildBeforeItsParent_IsRefused_AfterItIsValid) {
    const auto parent = pay(coin(1), {1, 2, 600});
    const auto child = pay(test::output_of(chain, parent, 0), {2, 3, 500});
    wire::Block judged = block({parent, child});
    EXPECT_TRUE(run(judged).has_value());
    std::swap(judged.transactions[0], judged.transactions[1]);
    EXPECT_EQ(error_of(judged), Errc::not_found);
}

TEST_F(BlockRulesTest, CompactSpendOfAnEarlierOutputInTheBlock_IsFound) {
    const auto parent = pay(coin(1), {1, 2, 600});
    const Coin between = test::output_of(chain, parent, 0);
    const auto effects = run(block({parent, test::pay_compact(chain, between, {2, 3, 500})}));
    ASSERT_TRUE(effects.has_value());
    for (const Coin& created : effects->created) EXPECT_NE(created, between);
    ASSERT_EQ(effects->spent.size(), 1U);
    EXPECT_EQ(effects->spent[0], coin(1));
    EXPECT_EQ(effects->created.size(), 3U);
}

TEST_F(BlockRulesTest, TransactionExpiredAtTheBlocksSlot_IsRefused) {
    const auto payment = pay(coin(1), {1, 2, 100, 0, 1});
    slot.value = 127;
    const wire::Block judged = block({payment});
    EXPECT_TRUE(run(judged).has_value());
    wire::Block later = judged;
    later.header.slot.value = 128;
    EXPECT_EQ(error_of(later), Errc::stale);
}

TEST_F(BlockRulesTest, RootOverOtherSignatures_IsRefused) {
    wire::Block judged = block({pay(coin(1), {1, 2, 100})});
    std::get<wire::Transaction>(judged.transactions[0]).signatures[0].bytes[2] ^= std::byte{1};
    EXPECT_EQ(error_of(judged), Errc::bad_signature);
    const EverythingVerified all;
    EXPECT_EQ(execute(context, judged, coins, all).error().code, Errc::invalid_argument)
        << "the root covers the signatures";
}

TEST_F(BlockRulesTest, BytesLimit_CountsShortestForms_SoReencodingChangesNothing) {
    std::vector<wire::WireTransaction> compact;
    std::vector<wire::WireTransaction> in_full;
    for (std::uint32_t person = 0; person < 10; ++person) {
        compact.emplace_back(test::pay_compact(chain, coin(person), {person, 39, 100}));
        in_full.emplace_back(pay(coin(person), {person, 39, 100}));
    }
    context.block_bytes_limit = 210 + 10 * 110;
    EXPECT_EQ(run(block(compact))->transactions, run(block(in_full))->transactions);
    const wire::Block most = block(compact);
    context.block_bytes_limit -= 1;
    EXPECT_EQ(error_of(most), Errc::too_large);
}

TEST_F(BlockRulesTest, MoreTransactionsThanAnAnnouncementNames_AreTooLarge) {
    context.block_bytes_limit = wire::block_bytes_limit_max;
    std::vector<wire::WireTransaction> transactions;
    for (std::uint32_t i = 0; i < wire::BlockAnnouncement::transactions_max; ++i) {
        transactions.emplace_back(pay(coin(i % 40, i / 40), {i % 40, 39, 100}));
    }
    wire::Block judged = block(transactions);
    EXPECT_TRUE(run(judged).has_value());
    judged.transactions.emplace_back(pay(coin(39, 5), {39, 1, 100}));
    EXPECT_EQ(error_of(judged), Errc::too_large);
}

TEST_F(BlockRulesTest, BuilderThatRefuses_GoesOnAsIfNothingHadHappened) {
    BlockBuilder builder(context, slot, coins, none);
    ASSERT_TRUE(builder.add(pay(coin(1), {1, 2, 100, 3})).has_value());
    const wire::Hash root = builder.transaction_root();
    EXPECT_FALSE(builder.add(pay(coin(1), {1, 3, 100})).has_value());
    EXPECT_FALSE(builder.add(wire::Transaction{}).has_value());
    EXPECT_EQ(builder.transaction_root(), root);
    EXPECT_EQ(builder.block_bytes(), 210U + 110U);
    ASSERT_TRUE(builder.add(pay(coin(2), {2, 3, 100, 4})).has_value());
    EXPECT_EQ(builder.transactions().size(), 2U);
    EXPECT_EQ(std::move(builder).finish({}).fees.units, 7U);
}

TEST_F(BlockRulesTest, OutputThatWouldBeTheFifthOfItsShortOutpoint_IsRefused_WithNothingChanged) {
    const CrowdedView crowded(coins);
    BlockBuilder builder(context, slot, crowded, none);
    const auto payment = pay(coin(1), {1, 2, 100});
    EXPECT_EQ(builder.add(payment).error().code, Errc::conflict);
    EXPECT_EQ(builder.add(payment).error().code, Errc::conflict) << "its coin is unspent again";
    EXPECT_EQ(builder.transaction_count(), 0U);
}

TEST_F(BlockRulesTest, EmptyBlock_ChangesNothing) {
    const auto effects = run(block({}));
    ASSERT_TRUE(effects.has_value());
    const wire::Hash before = coins.state();
    coins.apply(*effects);
    EXPECT_EQ(coins.state(), before);
    EXPECT_EQ(block({}).header.transaction_root, crypto::merkle_root({}));
}

TEST_F(BlockRulesTest, VerifiedTransactions_AreNotVerifiedAgain) {
    auto forged = pay(coin(1), {1, 2, 100});
    forged.signatures[0] = {};
    const EverythingVerified all;
    BlockBuilder builder(context, slot, coins, all);
    ASSERT_TRUE(builder.add(forged).has_value());
    wire::Block judged = block({});
    judged.header.transaction_root = builder.transaction_root();
    judged.transactions = {forged};
    EXPECT_TRUE(execute(context, judged, coins, all).has_value());
    EXPECT_EQ(error_of(judged), Errc::bad_signature);
}

}  // namespace
}  // namespace meshchain::ledger
