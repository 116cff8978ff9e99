#include <gtest/gtest.h>

#include "chain/pending_blocks.h"
#include "chain/stored_values.h"
#include "chain/test_history.h"
#include "ledger/test_stakes.h"

namespace meshchain::chain {
namespace {

using ledger::test::operate;
using ledger::test::public_key;
using wire::Amount;

/// A store of a chain whose stakes move, and blocks of operations by one person.
class StakeStoreTest : public testing::Test {
protected:
    ChainStore& chain() { return disk_.chain(); }
    wire::Operation operation(std::uint32_t number) const {
        const crypto::PublicKey validator = public_key(2000 + number % 2);
        switch (number % 4) {
            case 0: return wire::Delegate{validator, public_key(0), Amount{200}};
            case 1: return wire::Delegate{validator, public_key(0), Amount{100}};
            case 2: return wire::Unbond{validator, public_key(0), Amount{100}};
            default:
                return wire::Register{public_key(1010 + number), public_key(2010 + number),
                                      public_key(3010 + number), Amount{150}};
        }
    }
    /// The next block: an operation paid with a coin of genesis, whose fee the seat earns.
    wire::Block next_block(const ledger::BlockContext& context, const ledger::CoinView& view,
                           std::uint32_t number) const {
        const ledger::Coin coin = ledger::test::coins_of(genesis_coins_, 0).at(number);
        wire::Block block =
            ledger::test::block_of(context, view, {context.parent_slot.value + 1},
                                   {operate(chain_id_, coin, operation(number), 10, 9)});
        block.header.proposer = {static_cast<std::uint16_t>(number % 2)};
        return block;
    }
    wire::Hash hash_of(const wire::Block& block) const {
        return wire::block_hash(chain_id_, block.header,
                                genesis_.validators[block.header.proposer.value].key);
    }
    std::expected<void, base::Error> extend(std::uint32_t number) {
        const wire::Block block = next_block(chain().context(), chain(), number);
        const auto effects = ledger::execute(chain().context(), block, chain(), none_);
        EXPECT_TRUE(effects.has_value()) << base::sentence(effects.error());
        auto applied = chain().apply(hash_of(block), block, *effects);
        if (applied) book_.apply(*effects);
        return applied;
    }
    void check_supply() {
        const auto stakes = ledger::stake_total(*chain().stakes());
        ASSERT_TRUE(stakes.has_value()) << base::sentence(stakes.error());
        EXPECT_EQ(chain().coins_total()->units + stakes->units, ledger::supply(genesis_)->units);
        EXPECT_TRUE(chain().fees()->empty()) << "the seats hold them";
    }

    const ledger::Genesis genesis_ = ledger::test::genesis_with_stakes(1, 8, 1000, 2);
    const wire::ChainId chain_id_ = ledger::chain_id(genesis_);
    const ledger::CoinSet genesis_coins_{genesis_};
    ledger::CoinSet book_{genesis_};
    const ledger::NothingVerified none_;
    test::Disk disk_{genesis_};
};

TEST_F(StakeStoreTest, EachBlockTakenBack_LeavesTheRowsOfTheOneBefore) {
    std::vector<test::Dump> dumps;
    std::vector<wire::Hash> states;
    for (std::uint32_t number = 0; number < 8; ++number) {
        dumps.push_back(disk_.dump());
        states.push_back(chain().state().digest());
        ASSERT_TRUE(extend(number).has_value());
        check_supply();
        EXPECT_EQ(chain().state().digest(), book_.state());
        EXPECT_EQ(*chain().stakes(), book_.stakes());
    }
    disk_.open();  // nothing that undoing needs is only in memory
    for (std::size_t left = 8; left-- > 0;) {
        ASSERT_TRUE(chain().revert().has_value());
        EXPECT_TRUE(test::same_rows(disk_.dump(), dumps[left]));
        EXPECT_EQ(chain().state().digest(), states[left]);
    }
    EXPECT_EQ(*chain().stakes(), ledger::genesis_stakes(genesis_));
}

TEST_F(StakeStoreTest, BlocksInOneBatch_MakeWhatTheyMakeOneByOne) {
    PendingBlocks pending(chain());
    for (std::uint32_t number = 0; number < 8; ++number) {
        wire::Block block = next_block(pending.context(), pending, number);
        ledger::SignatureQueue later;
        const wire::Hash hash = hash_of(block);
        const auto executed = pending.execute(hash, std::move(block), none_, later);
        ASSERT_TRUE(executed.has_value()) << base::sentence(executed.error());
    }
    ASSERT_TRUE(chain().apply(pending.blocks(), pending.state()).has_value());
    check_supply();
    const test::Dump together = disk_.dump();
    disk_.replace_medium();
    ASSERT_TRUE(chain().tip().height == wire::Height{});
    for (std::uint32_t number = 0; number < 8; ++number) ASSERT_TRUE(extend(number).has_value());
    EXPECT_TRUE(test::same_rows(disk_.dump(), together));
}

TEST_F(StakeStoreTest, ACommitThatFails_LeavesTheOldStakesOrTheNewOnes) {
    ASSERT_TRUE(extend(0).has_value());
    const ledger::StakeRows before = *chain().stakes();
    for (const auto fault : {kv::CommitFault::unknown_absent, kv::CommitFault::unknown_present}) {
        disk_.store().fail_commit(0, fault);
        EXPECT_FALSE(extend(1).has_value());
        disk_.open();
        const bool written = chain().tip().height.value == 2;
        EXPECT_EQ(*chain().stakes() != before, written);
        check_supply();
    }
}

TEST(StoredUndoTest, WithoutStakes_ItIsTheCoinsAlone_AndWithThemHasOneForm) {
    const std::vector<ledger::Coin> coins(2);
    EXPECT_EQ(encode_undo(coins, {}), encode_coins(coins));
    const base::Buffer one(1, std::byte{1});
    const base::Buffer two(2, std::byte{2});
    const std::vector<ledger::StakeChange> stakes{
        {one, std::nullopt, two}, {two, one, std::nullopt}, {two, one, two}};
    const base::Buffer bytes = encode_undo(coins, stakes);
    const auto parsed = parse_undo(bytes);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->spent, coins);
    EXPECT_EQ(parsed->stakes, stakes);
    const std::size_t coins_only = encode_coins(coins).size();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        if (length == coins_only) continue;
        EXPECT_FALSE(parse_undo(base::Bytes(bytes).first(length)).has_value()) << length;
    }
}

}  // namespace
}  // namespace meshchain::chain
