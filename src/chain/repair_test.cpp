// Damage in a chain's tables (rows B9, B11): it is said, never answered with, and healed from other
// rows or from peers while the node runs.

#include "chain/repair.h"

#include <gtest/gtest.h>

#include "chain/stored_values.h"
#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using test::Network;
using test::seconds;

/// Four chains with some payments made FINAL; host 3 gets the damage.
class RepairTest : public testing::Test {
protected:
    static constexpr std::size_t damaged = 3;

    void SetUp() override {
        net_.start_all();
        net_.run_for(seconds(3));
        for (std::size_t coin = 0; coin < 4; ++coin) {
            paid_.push_back(net_.pay(0, coin, 1, 100));
            ASSERT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(paid_.back()); },
                                       seconds(20)));
        }
    }
    wire::Hash hash_at(std::uint32_t height) {
        return net_[0].store().hash_at({height}).value().value();
    }
    /// Switched off, with one bit of the value turned, and on again.
    void damage(kv::Table table, base::Bytes key, std::size_t host = damaged) {
        const base::Buffer name = base::to_buffer(key);
        net_.kill(host);
        net_.host(host).medium->flip_bit(table, name, 7);
        net_.start(host);
    }
    const ChainStore& store() { return net_[damaged].store(); }
    /// Peers must be heard before they can be asked.
    bool heals() {
        return net_.run_until([&] { return store().damage().empty(); }, seconds(20));
    }
    void expect_it_goes_on() {
        const wire::Txid after = net_.pay(3, 0, 1, 100);
        EXPECT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(after); }, seconds(30)));
        EXPECT_EQ(net_[damaged].fault(), std::nullopt);
        net_.check();
    }

    Network net_{{.seed = 11}};
    std::vector<wire::Txid> paid_;
};

TEST_F(RepairTest, ABlock_IsFetchedAgainByItsName) {
    const auto sound = net_[0].store().block(hash_at(2)).value();
    damage(tables::blocks, hash_at(2).bytes);
    ASSERT_FALSE(store().block(hash_at(2)).has_value());
    EXPECT_EQ(store().damage().rows().size(), 1U);
    EXPECT_TRUE(heals());
    const auto healed = store().block(hash_at(2));
    ASSERT_TRUE(healed.has_value() && healed->has_value());
    EXPECT_EQ((*healed)->block.transactions, sound->block.transactions);
    EXPECT_EQ(store().damage().healed(), 1U);
    EXPECT_TRUE(net_.host(damaged).faults.empty());
    expect_it_goes_on();
}

TEST_F(RepairTest, AnUndoRecord_IsRebuiltFromTheBlocksBefore) {
    for (const std::uint32_t height : {1U, 3U}) {
        const auto sound = net_[0].store().block(hash_at(height)).value()->spent;
        damage(tables::undo, hash_at(height).bytes);
        ASSERT_FALSE(store().block(hash_at(height)).has_value());
        EXPECT_TRUE(heals());
        EXPECT_EQ(store().block(hash_at(height)).value()->spent, sound);
    }
    expect_it_goes_on();
}

TEST_F(RepairTest, ABlockAndItsUndoRecordAtOnce_AreHealed) {
    const wire::Hash hash = hash_at(2);
    const auto sound = net_[0].store().block(hash).value();
    net_.kill(damaged);
    net_.host(damaged).medium->flip_bit(tables::blocks, hash.bytes, 9);
    net_.host(damaged).medium->flip_bit(tables::undo, hash.bytes, 99);
    net_.start(damaged);
    ASSERT_FALSE(store().block(hash).has_value());
    EXPECT_TRUE(heals());
    EXPECT_EQ(store().block(hash).value()->spent, sound->spent);
    expect_it_goes_on();
}

TEST_F(RepairTest, TheHeightIndex_IsRebuiltFromTheBlockAbove) {
    damage(tables::heights, height_key({2}));
    ASSERT_FALSE(store().hash_at({2}).has_value());
    EXPECT_TRUE(heals());
    EXPECT_EQ(store().hash_at({2}).value(), hash_at(2));
    expect_it_goes_on();
}

TEST_F(RepairTest, TheTransactionIndex_IsRebuiltFromTheBlocks) {
    damage(tables::transactions, paid_[1].hash.bytes);
    ASSERT_FALSE(store().find(paid_[1]).has_value());
    EXPECT_TRUE(heals());
    EXPECT_TRUE(net_.is_final(damaged, paid_[1]));
    expect_it_goes_on();
}

TEST_F(RepairTest, ACoin_IsRebuiltFromTheBlockThatMadeIt) {
    const wire::Outpoint made{paid_[2], 0};
    const auto sound = net_[0].store().coin(made).value();
    ASSERT_TRUE(sound.has_value());
    damage(tables::coins, wire::encode(made));
    ASSERT_FALSE(store().coin(made).has_value());
    EXPECT_TRUE(heals());
    EXPECT_EQ(store().coin(made).value(), sound);
    expect_it_goes_on();
}

TEST_F(RepairTest, ACoinThatABlockSpends_StopsTheNodeUntilItIsHealed) {
    const auto coins = ledger::test::coins_of(ledger::CoinSet(net_.genesis()), 0);
    damage(tables::coins, wire::encode(coins.at(6).outpoint));
    const wire::Txid spent = net_.pay(0, 6, 1, 100);
    EXPECT_TRUE(net_.run_until([&] { return net_.is_final(0, spent); }, seconds(20)));
    EXPECT_TRUE(net_.run_until([&] { return net_.is_final(damaged, spent); }, seconds(20)));
    EXPECT_GE(store().damage().healed(), 1U);
    expect_it_goes_on();
}

TEST_F(RepairTest, AFeeBalance_IsAddedUpFromTheBlocks) {
    const auto fees = net_[0].store().fees().value();
    ASSERT_FALSE(fees.empty());
    const auto [validator, sound] = *fees.begin();
    damage(tables::fees, validator_key(validator));
    ASSERT_FALSE(store().fees_of(validator).has_value());
    EXPECT_TRUE(heals());
    EXPECT_EQ(store().fees_of(validator).value(), sound);
    expect_it_goes_on();
}

/// What does not follow from anything that is held is not invented.
TEST_F(RepairTest, AFeeBalanceWhoseBlocksArePruned_IsSaidWithTheCommandThatMendsIt) {
    const auto fees = net_[0].store().fees().value();
    const wire::ValidatorIndex validator = fees.begin()->first;
    net_.kill(damaged);
    net_.host(damaged).medium->flip_bit(tables::fees, validator_key(validator), 7);
    auto memory = *kv::MemoryStore::open(net_.host(damaged).medium, {test::network_tables});
    const auto chain = *ChainStore::open(*memory, net_.genesis());
    ASSERT_EQ(chain->prune({1}).value(), 1U);
    ASSERT_FALSE(chain->fees_of(validator).has_value());
    Repair repair(*memory, *chain, net_.genesis(),
                  [&](const wire::BlockHeader& header) { return net_.hash_of(header); });
    while (repair.step().value()) {
    }
    ASSERT_TRUE(repair.hopeless().has_value());
    EXPECT_NE(repair.hopeless()->advice.find("meshchain store salvage"), std::string::npos);
    EXPECT_FALSE(chain->fees_of(validator).has_value());
}

/// A node that did not start would be started again and again by its service manager.
TEST_F(RepairTest, ABlockAboveFinal_IsHealedAfterAStartThatCouldNotReadIt) {
    net_.partition({0, damaged});
    net_.run_for(seconds(1));
    for (std::size_t coin = 6; coin < 9; ++coin) {
        static_cast<void>(net_.pay(0, coin, 1, 100));
        net_.run_for(seconds(4));
    }
    const Tip tip = store().tip();
    ASSERT_GT(tip.height, net_[damaged].final_height());
    for (const kv::Table table : {tables::blocks, tables::undo}) {
        damage(table, tip.hash.bytes);
        ASSERT_TRUE(net_[damaged].fault().has_value());
        EXPECT_FALSE(net_[damaged].submit(net_.now(), net_.payment(3, 2, 1, 100)).has_value());
        EXPECT_TRUE(net_.run_until([&] { return !net_[damaged].fault(); }, seconds(30)));
        EXPECT_EQ(store().tip(), tip);
    }
    net_.partition({});
    expect_it_goes_on();
}

TEST_F(RepairTest, FalseTransactionsUnderATrueName_AreNotTaken) {
    const auto sound = net_[0].store().block(hash_at(2)).value();
    damage(tables::blocks, hash_at(2).bytes);
    ASSERT_FALSE(store().block(hash_at(2)).has_value());
    Repair repair(*net_.host(damaged).store, store(), net_.genesis(),
                  [&](const wire::BlockHeader& header) { return net_.hash_of(header); });
    ASSERT_TRUE(repair.step().has_value());
    ASSERT_TRUE(repair.wanted().contains(hash_at(2)));
    wire::Block block = sound->block;
    block.header.slot.value += 1;
    EXPECT_FALSE(repair.take_block(hash_at(2), block)) << "another header";
    block = sound->block;
    block.transactions = net_[0].store().block(hash_at(1)).value()->block.transactions;
    EXPECT_TRUE(repair.take_block(hash_at(2), block));
    while (repair.step().value()) {
    }
    EXPECT_FALSE(store().block(hash_at(2)).has_value());
    EXPECT_TRUE(repair.wanted().contains(hash_at(2))) << "of another peer";
    EXPECT_TRUE(repair.take_block(hash_at(2), sound->block));
    while (repair.step().value()) {
    }
    EXPECT_TRUE(store().block(hash_at(2)).has_value());
}

}  // namespace
}  // namespace meshchain::chain
