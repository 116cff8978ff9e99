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

    explicit RepairTest(const test::NetworkOptions& options = {.seed = 11}) : net_(options) {}

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

    Network net_;
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
    damage(tables::blocks, tip.hash.bytes);
    ASSERT_TRUE(net_[damaged].fault().has_value());
    EXPECT_FALSE(net_[damaged].submit(net_.now(), net_.payment(3, 2, 1, 100)).has_value());
    EXPECT_TRUE(net_.run_until([&] { return !net_[damaged].fault(); }, seconds(30)));
    EXPECT_EQ(store().tip(), tip);
    net_.partition({});
    expect_it_goes_on();
}

/// Nothing has to be taken back for going on, and maybe never will be.
TEST_F(RepairTest, AnUndoRecordAboveFinal_IsHealedWhileTheNodeGoesOn) {
    net_.partition({0, damaged});
    net_.run_for(seconds(1));
    static_cast<void>(net_.pay(0, 6, 1, 100));
    net_.run_for(seconds(8));
    const Tip tip = store().tip();
    ASSERT_GT(tip.height, net_[damaged].final_height());
    damage(tables::undo, tip.hash.bytes);
    EXPECT_EQ(net_[damaged].fault(), std::nullopt);
    EXPECT_FALSE(store().damage().empty());
    EXPECT_TRUE(heals());
    EXPECT_TRUE(store().block(tip.hash).has_value());
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

/// The same where stakes are rows of the state, which every block changes.
class StakesRepairTest : public RepairTest {
protected:
    StakesRepairTest() : RepairTest({.seed = 12, .epoch_rounds = 4}) {}

    void SetUp() override {
        RepairTest::SetUp();
        net_.run_for(seconds(8));  // so that a block with a payment raises the epoch again
        paid_.push_back(net_.pay(0, 4, 1, 100));
        ASSERT_TRUE(
            net_.run_until([&] { return net_.is_final_everywhere(paid_.back()); }, seconds(20)));
        ASSERT_GT(net_[damaged].engine().epochs().now(), 1U);
        for (std::uint32_t height = 1; height <= store().tip().height.value; ++height) {
            const auto stored = net_[0].store().block(hash_at(height)).value().value();
            ASSERT_FALSE(stored.stakes.empty());
            sound_.push_back(stored);
        }
    }
    std::uint32_t top() const { return static_cast<std::uint32_t>(sound_.size()); }
    void flip(kv::Table table, std::uint32_t height) {
        net_.host(damaged).medium->flip_bit(table, hash_at(height).bytes, 7);
    }
    void expect_all_are_sound() {
        for (std::uint32_t height = 1; height <= top(); ++height) {
            const auto healed = store().block(hash_at(height));
            ASSERT_TRUE(healed.has_value() && healed->has_value()) << height;
            EXPECT_EQ((*healed)->block.transactions, sound_[height - 1].block.transactions);
            EXPECT_EQ((*healed)->spent, sound_[height - 1].spent) << height;
            EXPECT_EQ((*healed)->stakes, sound_[height - 1].stakes) << height;
        }
        EXPECT_EQ(net_[damaged].repair().hopeless(), std::nullopt);
    }
    /// What is read again is noted again.
    void read_all() {
        for (std::uint32_t height = 1; height <= top(); ++height) {
            static_cast<void>(store().block(hash_at(height)));
        }
    }

    std::vector<StoredBlock> sound_;
};

TEST_F(StakesRepairTest, ABlockWhoseUndoRecordIsSound_IsFetchedAgain) {
    damage(tables::blocks, hash_at(2).bytes);
    ASSERT_FALSE(store().block(hash_at(2)).has_value());
    EXPECT_TRUE(heals());
    expect_all_are_sound();
    expect_it_goes_on();
}

TEST_F(StakesRepairTest, AnUndoRecord_IsWhatTheBlockDoesToTheStateBefore) {
    for (std::uint32_t height = 1; height <= top(); ++height) {
        damage(tables::undo, hash_at(height).bytes);
        ASSERT_FALSE(store().block(hash_at(height)).has_value());
        EXPECT_TRUE(heals()) << height;
    }
    expect_all_are_sound();
    expect_it_goes_on();
}

/// Whichever of them is tried first.
TEST_F(StakesRepairTest, ManyRowsAtOnce_AreHealedFromTheLowestOn) {
    net_.kill(damaged);
    for (std::uint32_t height = 1; height <= top(); ++height) flip(tables::undo, height);
    flip(tables::blocks, 1);
    flip(tables::blocks, 3);
    net_.host(damaged).medium->flip_bit(tables::heights, height_key({2}), 7);
    net_.start(damaged);
    read_all();
    EXPECT_GE(store().damage().rows().size(), 4U);
    EXPECT_TRUE(net_.run_until([&] { return store().damage().empty(); }, seconds(60)));
    expect_all_are_sound();
    expect_it_goes_on();
}

TEST_F(StakesRepairTest, ARowOfStakes_IsWhatTheLastBlockThatChangedItLeft) {
    const ledger::StakeRows sound = net_[0].store().stakes().value();
    std::size_t rows = 0;
    for (const auto& [key, value] : sound) {
        damage(tables::stakes, key);
        ASSERT_FALSE(store().stake_row(key).has_value());
        EXPECT_TRUE(heals());
        EXPECT_EQ(store().stake_row(key).value(), value);
        ++rows;
    }
    EXPECT_GT(rows, 4U);
    expect_it_goes_on();
}

/// Without the blocks since genesis nobody can tell what the rows were.
TEST_F(StakesRepairTest, AnUndoRecordAbovePrunedBlocks_IsSaidWithTheCommandThatMendsIt) {
    net_.kill(damaged);
    flip(tables::undo, top());
    auto memory = *kv::MemoryStore::open(net_.host(damaged).medium, {test::network_tables});
    const auto chain = *ChainStore::open(*memory, net_.genesis());
    ASSERT_EQ(chain->prune({1}).value(), 1U);
    ASSERT_FALSE(chain->block(hash_at(top())).has_value());
    Repair repair(*memory, *chain, net_.genesis(), [&](const wire::BlockHeader& header) {
        return wire::block_hash(net_.chain_id(), header, *chain->proposer_of(header));
    });
    while (repair.step().value()) {
    }
    ASSERT_TRUE(repair.hopeless().has_value());
    EXPECT_NE(repair.hopeless()->advice.find("meshchain store salvage"), std::string::npos);
}

}  // namespace
}  // namespace meshchain::chain
