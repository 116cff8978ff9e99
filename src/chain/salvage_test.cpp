// Chains of which rows are lost (issue 4: repair path): what is left proves itself, or is begun
// again; a wrong state is never taken for a sound one.

#include "chain/salvage.h"

#include <gtest/gtest.h>

#include "base/test_effort.h"
#include "chain/stored_values.h"
#include "chain/test_history.h"
#include "chain/test_long_store.h"

namespace meshchain::chain {
namespace {

using Kind = SalvagedChain::Kind;
using Rows = test::Dump;
using test::expect_sound;
using test::LongStore;

/// Of tables with many rows of one kind, a few.
bool is_sampled(const Rows::value_type& row) {
    const kv::Table table{static_cast<std::uint8_t>(row.first.first)};
    const bool is_rare = table == tables::meta || table == tables::fees ||
                         table == tables::blocks || table == tables::certificates;
    const auto one_in = static_cast<unsigned>(meshchain::test::effort(6U, 1U));
    return is_rare || std::to_integer<unsigned>(row.first.second.at(1)) % one_in == 0;
}

class SalvageTest : public testing::Test {
protected:
    static constexpr std::uint32_t blocks = 12;

    static Rows rows_of(LongStore& store) {
        store.open_chain();
        return test::dump(*store.memory);
    }

    /// A store of these rows, salvaged. What it is then goes on in `rows_` and `chain_`.
    SalvagedChain salvage(const Rows& rows) {
        chain_.reset();
        store_ = *kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(), {chain_tables});
        std::set<wire::Hash> proven;
        kv::Batch batch;
        for (const auto& [name, value] : rows) {
            const kv::Table table{static_cast<std::uint8_t>(name.first)};
            batch.put(table, name.second, value);
            if (table != tables::certificates) continue;
            proven.insert(wire::parse_certificate(value).value().final.block);
        }
        EXPECT_TRUE(store_->commit(batch).has_value());
        const auto done = salvage_chain(*store_, genesis_, proven);
        EXPECT_TRUE(done.has_value()) << base::sentence(done.error());
        rows_ = test::dump(*store_);
        if (done->kind != Kind::lost) chain_ = *ChainStore::open(*store_, genesis_);
        return *done;
    }

    /// A part of the chain that was: everything that it holds is whole, and the money is all there.
    void expect_part_of(const Rows& sound, const SalvagedChain& salvaged) {
        if (!chain_) {
            EXPECT_TRUE(rows_.empty());
            return;
        }
        EXPECT_EQ(chain_->tip(), salvaged.tip);
        EXPECT_EQ(chain_->base().height, salvaged.history_start);
        ASSERT_NO_FATAL_FAILURE(expect_sound(*chain_, *store_));
        const auto coins = chain_->coins_total();
        const auto fees = chain_->fees_total();
        std::uint64_t staked = 0;
        for (const auto& validator : genesis_.validators) staked += validator.stake.units;
        EXPECT_EQ(coins->units + fees->units + staked, ledger::supply(genesis_)->units);
        for (const auto& [name, value] : rows_) {
            const kv::Table table{static_cast<std::uint8_t>(name.first)};
            if (table != tables::heights && table != tables::blocks) continue;
            ASSERT_TRUE(sound.contains(name) && sound.at(name) == value) << "of another chain";
        }
        while (chain_->tip() != chain_->base()) {
            const auto back = chain_->revert();
            ASSERT_TRUE(back.has_value()) << base::sentence(back.error());
            ASSERT_EQ(chain_->state().digest(), back->block.header.parent_state);
        }
    }

    /// `check` is told what came of the store without this row.
    template <class Check>
    void lose_each_row(const Rows& sound, Check&& check) {
        for (const auto& row : sound) {
            if (!is_sampled(row)) continue;
            SCOPED_TRACE("table " + std::to_string(row.first.first) + " key " +
                         base::to_hex(row.first.second));
            Rows rows = sound;
            rows.erase(row.first);
            const SalvagedChain salvaged = salvage(rows);
            ASSERT_NO_FATAL_FAILURE(expect_part_of(sound, salvaged));
            check(row, salvaged);
        }
    }

    const ledger::Genesis genesis_ = ledger::test::genesis_with(3, 8, 100'000);
    std::unique_ptr<kv::MemoryStore> store_;
    std::unique_ptr<ChainStore> chain_;
    Rows rows_;
};

bool is_of(const Rows::value_type& row, kv::Table table) {
    return row.first.first == kv::index_of(table);
}

TEST_F(SalvageTest, AnyRowLost_OfAWholeHistory_IsMadeAgainOrTheRestStaysTrue) {
    LongStore store(blocks);
    const Rows sound = rows_of(store);
    lose_each_row(sound, [&](const auto& row, const SalvagedChain& salvaged) {
        if (is_of(row, tables::certificates)) return;
        if (is_of(row, tables::blocks)) {
            EXPECT_NE(salvaged.kind, Kind::whole);
        } else {
            EXPECT_EQ(salvaged.kind, Kind::whole);
            EXPECT_TRUE(test::same_rows(rows_, sound)) << "from what is left";
        }
    });
}

TEST_F(SalvageTest, ALostBlockBelowFinal_ClipsTheHistory_OneAboveIt_CutsIt) {
    LongStore store(blocks);  // with certificates of blocks 10 and 12
    const Rows sound = rows_of(store);
    const auto without = [&](std::uint32_t height, bool keeps_proof) {
        const wire::Hash hash = store.chain->hash_at({height})->value();
        Rows rows = sound;
        rows.erase({kv::index_of(tables::blocks), base::to_buffer(hash.bytes)});
        if (!keeps_proof) {
            std::erase_if(rows, [](const auto& row) { return is_of(row, tables::certificates); });
        }
        return salvage(rows);
    };
    const SalvagedChain clipped = without(5, true);
    EXPECT_EQ(clipped.kind, Kind::clipped);
    EXPECT_EQ(clipped.tip.height.value, blocks);
    EXPECT_EQ(clipped.history_start.value, 6U);
    const SalvagedChain cut = without(5, false);
    EXPECT_EQ(cut.kind, Kind::cut) << "nothing proves that what is above is FINAL";
    EXPECT_EQ(cut.tip.height.value, 4U);
    EXPECT_EQ(cut.history_start.value, 0U);
}

TEST_F(SalvageTest, AnyRowLost_OfAPrunedHistory_LeavesTheStateOrNothing) {
    LongStore store(blocks);
    while (store.open_chain().prune({6}).value() > 0) {
    }
    const Rows sound = test::dump(*store.memory);
    lose_each_row(sound, [](const auto& row, const SalvagedChain& salvaged) {
        const bool is_state = is_of(row, tables::coins) || is_of(row, tables::fees);
        EXPECT_EQ(salvaged.kind == Kind::lost, is_state) << "a state is never guessed";
    });
}

TEST_F(SalvageTest, RowsThatNameEachOther_EndAtTheFirstThatIsNoHeightBelow) {
    LongStore store(blocks);
    const Rows sound = rows_of(store);
    const wire::Hash tip = store.chain->tip().hash;
    const std::pair name{kv::index_of(tables::blocks), base::to_buffer(tip.bytes)};
    wire::Block forged = wire::parse_block(sound.at(name)).value();
    forged.header.parent = tip;
    for (const std::uint32_t height : {0U, 1U, blocks, UINT32_MAX}) {
        forged.header.height = {height};
        Rows rows = sound;
        rows[name] = wire::encode(forged);
        const SalvagedChain salvaged = salvage(rows);
        EXPECT_EQ(salvaged.kind, Kind::clipped) << height;
        ASSERT_NO_FATAL_FAILURE(expect_part_of(sound, salvaged));
    }
}

TEST_F(SalvageTest, WithoutItsFirstBlockAndWithoutAState_NothingIsLeft) {
    LongStore store(blocks);
    while (store.open_chain().prune({6}).value() > 0) {
    }
    Rows rows = test::dump(*store.memory);
    rows.erase({kv::index_of(tables::meta), base::to_buffer(meta_keys::base)});
    std::erase_if(rows, [](const auto& row) { return is_of(row, tables::fees); });
    EXPECT_EQ(salvage(rows).kind, Kind::lost) << "a state of peers may come";
}

TEST_F(SalvageTest, ManyRowsLost_LeavesATrueChainOrNone) {
    LongStore store(blocks);
    const Rows whole = rows_of(store);
    while (store.open_chain().prune({5}).value() > 0) {
    }
    const Rows pruned = test::dump(*store.memory);
    std::map<Kind, int> seen;
    for (std::uint64_t seed = 1; seed <= meshchain::test::effort(60U, 3000U); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Random random(seed);
        const Rows& sound = random.chance(1, 2) ? whole : pruned;
        Rows rows = sound;
        const std::uint64_t one_in = 1 + random.below(200);
        std::erase_if(rows, [&](const auto&) { return random.chance(1, one_in); });
        const SalvagedChain salvaged = salvage(rows);
        ++seen[salvaged.kind];
        ASSERT_NO_FATAL_FAILURE(expect_part_of(sound, salvaged));
    }
    EXPECT_EQ(seen.size(), 4U) << "every outcome is met";
}

}  // namespace
}  // namespace meshchain::chain
