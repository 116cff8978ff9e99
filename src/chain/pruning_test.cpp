// Pruning of FINAL blocks (row B12): what is below the horizon is gone with all that belongs to it,
// whatever instant power goes at; what is above is as it was; and who lacks it finds it with
// others.

#include <gtest/gtest.h>

#include "chain/stored_values.h"
#include "chain/test_long_store.h"
#include "chain/transaction_proof.h"

namespace meshchain::chain {
namespace {

using test::expect_sound;
using test::LongStore;
using test::Network;
using test::seconds;

TEST(PruningTest, WhatIsBelowTheHorizon_IsGone_AndTheRestIsAsItWas) {
    LongStore store(60);
    ChainStore& chain = store.open_chain();
    const Tip tip = chain.tip();
    const auto state = chain.state().digest();
    const auto coins = chain.coins_total().value();
    const wire::Hash old = chain.hash_at({5}).value().value();
    EXPECT_EQ(chain.prune({40}, 1'000'000).value(), 40U);
    EXPECT_EQ(chain.prune({40}).value(), 0U);
    EXPECT_EQ(chain.base().height.value, 40U);
    EXPECT_EQ(chain.hash_at({5}).value(), std::nullopt);
    EXPECT_EQ(chain.block(old).value(), std::nullopt);
    expect_sound(chain, *store.memory);

    const ChainStore& again = store.open_chain();
    EXPECT_EQ(again.tip(), tip);
    EXPECT_EQ(again.base().height.value, 40U);
    EXPECT_EQ(again.state().digest(), state);
    EXPECT_EQ(again.coins_total().value(), coins);
    expect_sound(again, *store.memory);
    const consensus::CertificateStore certificates(*store.memory, tables::certificates);
    EXPECT_EQ(certificates.find({1}, {40}).value()->height.value, 60U)
        << "no proof without a block";
    std::uint32_t reverted = 0;
    while (store.chain->revert()) ++reverted;
    EXPECT_EQ(reverted, 20U) << "and no further";
}

TEST(PruningTest, EachStep_IsBounded) {
    LongStore store(60);
    ChainStore& chain = store.open_chain();
    std::size_t steps = 0;
    while (const std::size_t gone = chain.prune({50}, 20).value()) {
        EXPECT_LE(gone, 5U) << "of four rows each";
        ++steps;
        expect_sound(chain, *store.memory);
    }
    EXPECT_EQ(steps, 10U);
}

TEST(PruningTest, PowerLossAtAnyStep_ShowsAWholeHistory) {
    for (std::uint64_t sound = 0; sound < 10; ++sound) {
        for (const auto fault : {kv::CommitFault::unknown_absent, kv::CommitFault::unknown_present,
                                 kv::CommitFault::refused}) {
            SCOPED_TRACE(sound);
            LongStore store(40);
            ChainStore& chain = store.open_chain();
            store.faulty->fail_commit(sound, fault);
            const Tip tip = chain.tip();
            while (const auto gone = chain.prune({35}, 12)) {
                if (*gone == 0) break;
            }
            ChainStore& again = store.open_chain();
            EXPECT_EQ(again.tip(), tip);
            EXPECT_GE(again.base().height.value, 3 * sound);
            EXPECT_LE(again.base().height.value, 3 * sound + 3);
            expect_sound(again, *store.memory);
            while (again.prune({35}).value() > 0) {
            }
            EXPECT_EQ(again.base().height.value, 35U);
            expect_sound(again, *store.memory);
        }
    }
}

TEST(PruningTest, AFullStore_CanStillBePruned) {
    LongStore store(40);
    store.open();
    const std::uint64_t used = store.memory->quota().used_bytes;
    store.faulty.reset();
    store.memory.reset();
    store.memory = *kv::MemoryStore::open(store.medium, {test::network_tables, used});
    const auto chain = *ChainStore::open(*store.memory, store.genesis);
    ASSERT_EQ(store.memory->quota().level(), kv::QuotaLevel::full);
    EXPECT_TRUE(chain->prune({35}).has_value());
    EXPECT_LT(store.memory->quota().used_bytes, used);
}

/// Hosts 0 and 1 keep two blocks; host 2 keeps all; host 3 is away meanwhile.
class PrunedNetworkTest : public testing::Test {
protected:
    static constexpr std::uint32_t kept = 2;
    static bool prunes(std::size_t host) { return host < 2; }

    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(3));
        net_.partition({3});
        for (std::size_t coin = 0; coin < 38; ++coin) {
            last_ = net_.pay(static_cast<std::uint32_t>(coin % 2), coin, 2, 100);
            if (coin == 0) first_ = last_;
            ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, last_); }, seconds(20)));
        }
        net_.run_for(seconds(3));
    }

    Network net_{{.coins_each = 40,
                  .keep_blocks = [](std::size_t host) { return prunes(host) ? kept : 0; }}};
    wire::Txid first_;
    wire::Txid last_;
};

TEST_F(PrunedNetworkTest, ANodePrunesAsItRuns_AndAnotherCatchesUpFromThoseWhoHoldAll) {
    for (const std::size_t i : {0U, 1U}) {
        EXPECT_GT(net_[i].store().base().height.value, 0U) << i;
        EXPECT_LE(net_[i].store().base().height.value + kept, net_[i].final_height().value) << i;
        EXPECT_GT(net_[i].blocks_pruned(), 0U);
        EXPECT_EQ(net_[i].store().find(first_).value(), std::nullopt);
    }
    EXPECT_EQ(net_[2].store().base().height.value, 0U);
    ASSERT_EQ(net_[3].store().tip().height.value, 0U);

    net_.partition({});
    EXPECT_TRUE(net_.run_until([&] { return net_.is_final(3, last_); }, seconds(120)));
    EXPECT_TRUE(net_.is_final(3, first_));
    EXPECT_TRUE(net_.host(3).faults.empty()) << "to have pruned is no fault";
    const wire::Txid after = net_.pay(3, 0, 1, 100);
    EXPECT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(after); }, seconds(30)));
}

TEST_F(PrunedNetworkTest, AProofOfAPrunedPayment_IsRefusedWithTheReason) {
    const auto proof = make_proof(net_[0].store(), net_[0].engine().validators(),
                                  *net_[0].engine().certificate(), net_[0].final_height(), first_);
    ASSERT_FALSE(proof.has_value());
    EXPECT_EQ(proof.error().code, base::Errc::not_found);
    EXPECT_NE(base::sentence(proof.error()).find("pruned"), std::string::npos);
    EXPECT_TRUE(make_proof(net_[2].store(), net_[2].engine().validators(),
                           *net_[2].engine().certificate(), net_[2].final_height(), first_)
                    .has_value());
}

TEST_F(PrunedNetworkTest, WhoStillReads_HoldsItsBlocks) {
    net_[2].hold_history({0});
    net_.kill(2);
    net_.start(2);
    EXPECT_EQ(net_[2].store().base().height.value, 0U);
    net_[0].hold_history(net_[0].store().base().height);
    const auto base = net_[0].store().base();
    net_.partition({});
    for (std::size_t coin = 0; coin < 34; ++coin) {
        last_ = net_.pay(2, coin, 2, 100);
        ASSERT_TRUE(net_.run_until([&] { return net_.is_final(0, last_); }, seconds(40)));
    }
    EXPECT_EQ(net_[0].store().base(), base);
    net_[0].hold_history(net_[0].store().tip().height);
    net_.run_for(seconds(2));
    EXPECT_GT(net_[0].store().base().height, base.height);
}

}  // namespace
}  // namespace meshchain::chain
