#include "chain/mempool.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/merkle.h"
#include "ledger/test_payments.h"

namespace meshchain::chain {
namespace {

using base::Errc;
using ledger::BlockEffects;
using ledger::Coin;
using ledger::CoinSet;
using ledger::Genesis;
using ledger::test::Payment;

constexpr wire::Slot now{64};
constexpr Mempool::Ingress own;

/// A chain of blocks and the mempool of a node that applies them.
class MempoolTest : public testing::Test {
protected:
    MempoolTest() { restart(MempoolLimits{}); }

    void restart(MempoolLimits limits) { pool.emplace(chain, coins, limits); }

    Coin coin(std::uint32_t person, std::size_t index = 0) const {
        return ledger::test::coins_of(coins, person).at(index);
    }
    wire::Transaction pay(const Coin& from, Payment payment) const {
        return ledger::test::pay(chain, from, payment);
    }
    Errc error_of(const wire::WireTransaction& transaction, const Mempool::Ingress& from = own) {
        const auto result = pool->submit(transaction, now, from);
        EXPECT_FALSE(result.has_value());
        return result ? Errc::io : result.error().code;
    }
    wire::Txid submit(const wire::WireTransaction& transaction, const Mempool::Ingress& from = own,
                      wire::Slot slot = now) {
        const auto result = pool->submit(transaction, slot, from);
        EXPECT_TRUE(result.has_value()) << base::sentence(result.error());
        pool->check_invariants();
        return result ? (*result)->txid : wire::Txid{};
    }
    /// Executes what the block holds on the tip, with the mempool's word on signatures.
    BlockEffects apply(const std::vector<wire::WireTransaction>& transactions) {
        context.parent_state = coins.state();
        const wire::Slot slot{context.parent_slot.value + 1};
        const auto block = ledger::test::block_of(context, coins, slot, transactions);
        auto effects = ledger::execute(context, block, coins, *pool);
        EXPECT_TRUE(effects.has_value()) << base::sentence(effects.error());
        coins.apply(*effects);
        return *effects;
    }

    Genesis genesis = ledger::test::genesis_with(40, 3, 1'000'000);
    wire::ChainId chain = ledger::chain_id(genesis);
    ledger::BlockContext context = ledger::context_after(genesis);
    CoinSet coins{genesis};
    std::optional<Mempool> pool;
};

TEST_F(MempoolTest, SecondSpender_WhateverItPays_IsAConflictAndNothingChanges) {
    const wire::Txid first = submit(pay(coin(1), {1, 2, 100, 0}));
    EXPECT_EQ(error_of(pay(coin(1), {1, 3, 100, 100})), Errc::conflict);
    EXPECT_EQ(error_of(ledger::test::pay_compact(chain, coin(1), {1, 3, 100, 100})),
              Errc::conflict);
    EXPECT_NE(pool->find(first), nullptr);
    EXPECT_EQ(pool->size(), 1U);
}

TEST_F(MempoolTest, SecondSpenderWithForgedSignature_IsABadSignature_NotAConflict) {
    submit(pay(coin(1), {1, 2, 100}));
    auto forged = pay(coin(1), {1, 3, 100});
    forged.signatures[0].bytes[5] ^= std::byte{1};
    EXPECT_EQ(error_of(forged), Errc::bad_signature);
}

TEST_F(MempoolTest, SamePaymentInTheOtherForm_ExistsAlready) {
    submit(pay(coin(1), {1, 2, 100}));
    EXPECT_EQ(error_of(pay(coin(1), {1, 2, 100})), Errc::exists);
    EXPECT_EQ(error_of(ledger::test::pay_compact(chain, coin(1), {1, 2, 100})), Errc::exists);
}

TEST_F(MempoolTest, Replay_OfAnIncludedPayment_FindsItsCoinGone) {
    const auto payment = pay(coin(1), {1, 2, 100});
    submit(payment);
    pool->remove_included(apply({payment}));
    EXPECT_EQ(pool->size(), 0U);
    EXPECT_EQ(error_of(payment), Errc::not_found);
}

TEST_F(MempoolTest, FreeFlood_WhenFull_DisplacesNoPayer) {
    restart({.transactions_max = 10});
    std::vector<wire::Txid> payers;
    for (std::uint32_t p = 0; p < 8; ++p) payers.push_back(submit(pay(coin(p), {p, 39, 1, 30})));
    for (std::uint32_t p = 10; p < 12; ++p) submit(pay(coin(p), {p, 39, 1, 0}));
    for (std::uint32_t p = 12; p < 30; ++p) {
        EXPECT_EQ(error_of(pay(coin(p), {p, 39, 1, 0})), Errc::full);
    }
    for (const wire::Txid& payer : payers) EXPECT_NE(pool->find(payer), nullptr);
    submit(pay(coin(30), {30, 39, 1, 1}));  // any fee at all beats the free ones
    EXPECT_EQ(pool->size(), 10U);
    EXPECT_EQ(pool->evicted_count(), 1U);
}

TEST_F(MempoolTest, EqualFeeRate_WhenFull_NewcomerLoses) {
    restart({.transactions_max = 1});
    const wire::Txid first = submit(pay(coin(1), {1, 2, 100, 9}));
    EXPECT_EQ(error_of(pay(coin(2), {2, 3, 100, 9})), Errc::full);
    EXPECT_NE(pool->find(first), nullptr);
}

TEST_F(MempoolTest, ByteLimit_HoldsAgainstTheLargestTransactions) {
    restart({.bytes_max = 1000});
    wire::TransactionBody body;
    for (std::size_t i = 0; i < 3; ++i) {
        body.inputs.push_back({coin(1, i).outpoint, coin(1, i).output.amount});
    }
    body.outputs = {{ledger::test::public_key(2), wire::Amount{2'999'000}}};
    body.fee = *wire::fee_code_for(wire::Amount{900});
    body.outputs[0].amount.units = 3'000'000 - body.fee.amount().units;
    body.expiry.units = 10;
    for (std::uint32_t p = 2; p < 11; ++p) submit(pay(coin(p), {p, 30, 1, 8}));
    EXPECT_EQ(pool->bytes(), 990U);
    submit(ledger::test::sign(chain, body, {1, 1, 1}));  // 354 bytes: four must go
    EXPECT_EQ(pool->size(), 6U);
    EXPECT_LE(pool->bytes(), 1000U);
}

TEST_F(MempoolTest, NewcomerThatDoesNotGetIn_DisplacesNobody) {
    restart({.bytes_max = 330});
    submit(pay(coin(1), {1, 30, 1, 0}));
    submit(pay(coin(2), {2, 30, 1, 100}));
    submit(pay(coin(3), {3, 30, 1, 100}));
    wire::TransactionBody body;
    for (std::size_t i = 0; i < 3; ++i) {
        body.inputs.push_back({coin(4, i).outpoint, coin(4, i).output.amount});
    }
    body.fee.code = 20;
    body.outputs = {
        {ledger::test::public_key(2), wire::Amount{3'000'000 - body.fee.amount().units}}};
    body.expiry.units = 10;
    // It beats the free one, but needs more room than that leaves.
    EXPECT_EQ(error_of(ledger::test::sign(chain, body, {4, 4, 4})), Errc::full);
    EXPECT_EQ(pool->size(), 3U);
    EXPECT_EQ(pool->evicted_count(), 0U);
}

TEST_F(MempoolTest, KeyQuota_AKeyCompetesOnlyWithItself) {
    restart({.per_key_max = 2});
    submit(pay(coin(1, 0), {1, 2, 1, 5}));
    submit(pay(coin(1, 1), {1, 2, 1, 6}));
    submit(pay(coin(3), {3, 2, 1, 0}));
    EXPECT_EQ(error_of(pay(coin(1, 2), {1, 2, 1, 5})), Errc::full);
    submit(pay(coin(1, 2), {1, 2, 1, 7}));
    EXPECT_EQ(pool->size(), 3U);
}

TEST_F(MempoolTest, IngressQuota_AFloodFromOnePeerLeavesRoomForOthers) {
    restart({.transactions_max = 20, .per_ingress_max = 5});
    const Mempool::Ingress flooder = ledger::test::public_key(500);
    const Mempool::Ingress other = ledger::test::public_key(501);
    for (std::uint32_t p = 0; p < 5; ++p) submit(pay(coin(p), {p, 39, 1, 20}), flooder);
    EXPECT_EQ(error_of(pay(coin(6), {6, 39, 1, 20}), flooder), Errc::full);
    submit(pay(coin(6), {6, 39, 1, 0}), other);
    submit(pay(coin(7), {7, 39, 1, 0}), own);
}

TEST_F(MempoolTest, Chain_OverItsLimit_IsRefused) {
    restart({.chain_max = 5});
    Coin last = coin(1);
    for (int i = 0; i < 5; ++i) {
        const auto payment = pay(last, {1, 1, last.output.amount.units - 1, 1});
        submit(payment);
        last = ledger::test::output_of(chain, payment, 0);
    }
    EXPECT_EQ(error_of(pay(last, {1, 2, 1, 1})), Errc::full);
}

TEST_F(MempoolTest, ParentEvicted_TakesItsDescendantsAlong) {
    restart({.transactions_max = 3});
    const auto parent = pay(coin(1), {1, 2, 500'000, 1});
    const auto child = pay(ledger::test::output_of(chain, parent, 0), {2, 3, 100, 1});
    submit(parent);
    submit(child);
    submit(pay(coin(4), {4, 5, 1, 30}));
    submit(pay(coin(5), {5, 6, 1, 30}));
    EXPECT_EQ(pool->size(), 3U);  // the child was the newest of the two
    submit(pay(coin(6), {6, 7, 1, 30}));
    EXPECT_EQ(pool->find(wire::txid(chain, child.body)), nullptr);
    EXPECT_EQ(pool->find(wire::txid(chain, parent.body)), nullptr);
}

TEST_F(MempoolTest, PoorParentOfARichChild_IsNotEvictedBeforeAPoorLoner) {
    restart({.transactions_max = 3});
    const auto parent = pay(coin(1), {1, 2, 500'000, 0});
    submit(parent);
    const auto child = pay(ledger::test::output_of(chain, parent, 0), {2, 3, 100, 60});
    submit(child);
    const wire::Txid loner = submit(pay(coin(4), {4, 5, 1, 3}));
    submit(pay(coin(5), {5, 6, 1, 10}));
    EXPECT_EQ(pool->find(loner), nullptr);
    EXPECT_NE(pool->find(wire::txid(chain, parent.body)), nullptr);
}

TEST_F(MempoolTest, Child_NeverEvictsItsOwnAncestor) {
    restart({.transactions_max = 1});
    const auto parent = pay(coin(1), {1, 2, 500'000, 0});
    submit(parent);
    EXPECT_EQ(error_of(pay(ledger::test::output_of(chain, parent, 0), {2, 3, 100, 60})),
              Errc::full);
    EXPECT_EQ(pool->size(), 1U);
}

TEST_F(MempoolTest, Select_HighestFeeRateFirst_ParentsBeforeChildren_WithinTheLimit) {
    const auto parent = pay(coin(1), {1, 2, 500'000, 0});
    const auto child = pay(ledger::test::output_of(chain, parent, 0), {2, 3, 100, 100});
    submit(pay(coin(4), {4, 5, 1, 10}));
    submit(parent);
    submit(child);
    submit(pay(coin(5), {5, 6, 1, 20}));
    submit(pay(coin(6), {6, 7, 1, 5}));
    const auto selected = pool->select(440, now);
    ASSERT_EQ(selected.size(), 4U);
    EXPECT_EQ(selected[0]->transaction, parent);
    EXPECT_EQ(selected[1]->transaction, child);
    EXPECT_EQ(selected[2]->fee, wire::FeeCode{20}.amount());
    EXPECT_EQ(selected[3]->fee, wire::FeeCode{10}.amount());
}

TEST_F(MempoolTest, Select_LeavesOutWhatASlotDoesNotAllow_AndItsDescendants) {
    const auto expiring = pay(coin(1), {1, 2, 500'000, 0, 1});
    submit(expiring);
    submit(pay(ledger::test::output_of(chain, expiring, 0), {2, 3, 100, 60}));
    const wire::Txid lasting = submit(pay(coin(3), {3, 4, 1}));
    const auto selected = pool->select(10'000, wire::Slot{128});
    ASSERT_EQ(selected.size(), 1U);
    EXPECT_EQ(selected[0]->txid, lasting);
}

TEST_F(MempoolTest, Expiry_RemovesInTheFirstSlotAfterIt_WithDescendants) {
    const auto expiring = pay(coin(1), {1, 2, 500'000, 0, 1});
    submit(expiring);
    submit(pay(ledger::test::output_of(chain, expiring, 0), {2, 3, 100}));
    EXPECT_TRUE(pool->remove_expired(wire::Slot{127}).empty());
    EXPECT_EQ(pool->remove_expired(wire::Slot{128}).size(), 2U);
    pool->check_invariants();
    EXPECT_EQ(pool->size(), 0U);
}

TEST_F(MempoolTest, Block_RemovesItsTransactionsAndTheirConflicts_KeepsTheirChildren) {
    const auto parent = pay(coin(1), {1, 2, 500'000, 1});
    const auto child = pay(ledger::test::output_of(chain, parent, 0), {2, 3, 100, 1});
    const auto loser = pay(coin(4), {4, 5, 100});
    submit(parent);
    const wire::Txid child_id = submit(child);
    const wire::Txid loser_id = submit(loser);
    const wire::Txid after_loser =
        submit(pay(ledger::test::output_of(chain, loser, 0), {5, 6, 10}));
    const auto dropped = pool->remove_included(apply({parent, pay(coin(4), {4, 6, 7})}));
    pool->check_invariants();
    EXPECT_EQ(dropped, (std::vector{loser_id, after_loser}));
    EXPECT_EQ(pool->size(), 1U);
    EXPECT_NE(pool->find(child_id), nullptr);
    apply({child});
}

TEST_F(MempoolTest, Reorganisation_PutsBackTheOldBranch_WithoutWhatTheNewOneRulesOut) {
    const auto kept = pay(coin(1), {1, 2, 500'000, 1});
    const auto kept_child = pay(ledger::test::output_of(chain, kept, 0), {2, 3, 100, 1});
    const auto ruled_out = pay(coin(4), {4, 5, 100});
    const auto after_ruled_out = pay(ledger::test::output_of(chain, ruled_out, 0), {5, 6, 10});
    const auto in_both = pay(coin(7), {7, 8, 100});
    for (const auto& transaction : {kept, ruled_out, in_both}) submit(transaction);
    const BlockEffects old_branch = apply({kept, ruled_out, in_both});
    pool->remove_included(old_branch);
    submit(kept_child);
    submit(after_ruled_out);

    coins.revert(old_branch);
    apply({in_both, pay(coin(4), {4, 9, 1})});
    const auto gone = pool->put_back(old_branch.transactions, now);
    pool->check_invariants();
    EXPECT_EQ(pool->size(), 2U);
    EXPECT_NE(pool->find(wire::txid(chain, kept.body)), nullptr);
    EXPECT_NE(pool->find(wire::txid(chain, kept_child.body)), nullptr);
    EXPECT_EQ(gone.size(), 3U);
}

TEST_F(MempoolTest, Announcement_IsFilledFromWhatWaits_AndLeavesGapsForTheRest) {
    const auto held = pay(coin(1), {1, 2, 100});
    const wire::Txid id = submit(held);
    const wire::Hash block = crypto::hash(base::as_bytes("a block"));
    const std::array ids{wire::short_id(block, wire::wtxid(id, held.signatures)),
                         std::uint32_t{12345}};
    const auto matched = pool->match(block, ids).transactions;
    ASSERT_EQ(matched.size(), 2U);
    EXPECT_EQ(matched[0],
              wire::WireTransaction(ledger::test::pay_compact(chain, coin(1), {1, 2, 100})));
    EXPECT_FALSE(matched[1].has_value());
}

TEST_F(MempoolTest, Announcement_IsFilledAlsoFromWhatTheLastBlocksIncluded) {
    const auto held = pay(coin(1), {1, 2, 100});
    const wire::Txid id = submit(held);
    ledger::BlockEffects effects;
    effects.transactions.push_back(*pool->find(id));
    pool->remove_included(effects);
    ASSERT_EQ(pool->size(), 0U);
    const wire::Hash sibling = crypto::hash(base::as_bytes("another block with the same"));
    const wire::Wtxid wtxid = wire::wtxid(id, held.signatures);
    const std::array ids{wire::short_id(sibling, wtxid)};
    const auto matched = pool->match(sibling, ids);
    EXPECT_TRUE(matched.transactions[0].has_value());
    EXPECT_EQ(matched.root, crypto::merkle_root(std::array{wtxid.hash}));
    for (std::size_t i = 0; i < pool->limits().included_max; ++i) {
        effects.transactions[0].wtxid.hash = crypto::hash(base::as_bytes(std::to_string(i)));
        pool->remove_included(effects);
    }
    EXPECT_FALSE(pool->match(sibling, ids).transactions[0].has_value()) << "so many are kept";
}

/// Everything at random, judged by the invariants and by blocks made of what is selected.
void run_random_life(std::uint64_t seed) {
    SCOPED_TRACE("replay: run_random_life(" + std::to_string(seed) + ")");
    base::Random random(seed);
    const Genesis genesis = ledger::test::genesis_with(6, 3, 10'000);
    const wire::ChainId chain = ledger::chain_id(genesis);
    ledger::BlockContext context = ledger::context_after(genesis);
    CoinSet coins(genesis);
    Mempool pool(chain, coins,
                 {.transactions_max = 8 + random.below(10),
                  .bytes_max = 1500,
                  .per_key_max = 6,
                  .per_ingress_max = 6,
                  .chain_max = 4});
    std::vector<std::pair<BlockEffects, ledger::BlockContext>> applied;
    std::vector<Coin> known = ledger::genesis_coins(genesis);
    std::map<crypto::PublicKey, std::uint32_t> people;
    for (std::uint32_t p = 0; p < 6; ++p) people.emplace(ledger::test::public_key(p), p);
    for (int step = 0; step < 120; ++step) {
        const wire::Slot slot{context.parent_slot.value + 1};
        if (random.chance(3, 4)) {
            const Coin& from = known[random.below(known.size())];
            const auto amount = 1 + random.below(from.output.amount.units);
            const auto fee = static_cast<std::uint8_t>(random.below(12));
            if (amount + wire::FeeCode{fee}.amount().units > from.output.amount.units) continue;
            const auto payment = ledger::test::pay(
                chain, from,
                {people.at(from.output.owner), static_cast<std::uint32_t>(random.below(6)), amount,
                 fee, static_cast<std::uint32_t>(random.below(3))});
            const Mempool::Ingress peer =
                ledger::test::public_key(100 + static_cast<std::uint32_t>(random.below(3)));
            if (pool.submit(payment, slot, random.chance(1, 3) ? own : peer)) {
                known.push_back(ledger::test::output_of(chain, payment, 0));
            }
        } else if (random.chance(1, 4) && !applied.empty()) {
            coins.revert(applied.back().first);
            context = applied.back().second;
            pool.put_back(applied.back().first.transactions, slot);
            applied.pop_back();
        } else {
            std::vector<wire::WireTransaction> transactions;
            for (const auto* waiting : pool.select(500, slot)) {
                transactions.push_back(waiting->shortest);
            }
            const auto block = ledger::test::block_of(context, coins, slot, transactions);
            const auto effects = ledger::execute(context, block, coins, pool);
            ASSERT_TRUE(effects.has_value()) << base::sentence(effects.error());
            applied.emplace_back(*effects, context);
            coins.apply(*effects);
            context.parent = crypto::hash(context.parent.bytes, coins.state().bytes);
            context.parent_height.value += 1;
            context.parent_slot.value = slot.value + static_cast<std::uint32_t>(random.below(40));
            context.parent_state = coins.state();
            EXPECT_TRUE(pool.remove_included(*effects).empty());
            pool.remove_expired(wire::Slot{context.parent_slot.value + 1});
        }
        pool.check_invariants();
    }
}

TEST(MempoolSoakTest, RandomLife_KeepsItsInvariantsAndOnlyOffersValidBlocks) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) run_random_life(seed);
}

}  // namespace
}  // namespace meshchain::chain
