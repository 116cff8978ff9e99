#pragma once
// Random histories of blocks for tests of the store: compact and long transactions, coins spent in
// the block that makes them, several proposers. Its own book says what the store must hold.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "chain/chain_store.h"
#include "kv/faulty_store.h"
#include "kv/memory_store.h"
#include "ledger/test_payments.h"

namespace meshchain::chain::test {

inline constexpr std::uint32_t people = 5;
inline constexpr std::uint32_t validators = 3;

/// Every entry of the chain's tables.
using Dump = std::map<std::pair<std::size_t, base::Buffer>, base::Buffer>;

inline Dump dump(kv::View& view) {
    Dump all;
    for (const kv::TableInfo& info : chain_tables) {
        const auto visited = view.scan({info.table}, [&](base::Bytes key, base::Bytes value) {
            all[{kv::index_of(info.table), base::to_buffer(key)}] = base::to_buffer(value);
            return true;
        });
        EXPECT_TRUE(visited.has_value());
    }
    return all;
}

/// Equal, or the rows that differ by name.
inline testing::AssertionResult same_rows(const Dump& now, const Dump& before) {
    if (now == before) return testing::AssertionSuccess();
    auto result = testing::AssertionFailure() << "rows that differ:";
    const auto name_missing = [&](const Dump& in, const Dump& from, const char* word) {
        for (const auto& [name, value] : in) {
            const auto found = from.find(name);
            if (found != from.end() && found->second == value) continue;
            result << ' ' << word << " table " << name.first << " key "
                   << base::to_hex(name.second);
        }
    };
    name_missing(now, before, "now");
    name_missing(before, now, "before");
    return result;
}

/// A store whose medium outlives it, and the chain in it.
class Disk {
public:
    explicit Disk(ledger::Genesis genesis) : genesis_(std::move(genesis)) { open(); }

    std::expected<std::unique_ptr<ChainStore>, base::Error> try_open() {
        return try_open(genesis_);
    }
    std::expected<std::unique_ptr<ChainStore>, base::Error> try_open(
        const ledger::Genesis& genesis) {
        close();
        auto memory = kv::MemoryStore::open(medium_, {chain_tables});
        EXPECT_TRUE(memory.has_value());
        memory_ = *std::move(memory);
        faulty_ = std::make_unique<kv::FaultyStore>(*memory_);
        return ChainStore::open(*faulty_, genesis);
    }
    void open() {
        auto chain = try_open();
        ASSERT_TRUE(chain.has_value()) << base::sentence(chain.error());
        chain_ = *std::move(chain);
    }
    /// Power off: only what was committed stays.
    void close() {
        chain_.reset();
        faulty_.reset();
        memory_.reset();
    }

    /// Begins again on an empty one.
    void replace_medium() {
        close();
        medium_ = std::make_shared<kv::MemoryMedium>();
        open();
    }

    ChainStore& chain() { return *chain_; }
    kv::FaultyStore& store() { return *faulty_; }
    kv::MemoryMedium& medium() { return *medium_; }
    Dump dump() { return test::dump(*memory_); }

private:
    ledger::Genesis genesis_;
    std::shared_ptr<kv::MemoryMedium> medium_ = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> memory_;
    std::unique_ptr<kv::FaultyStore> faulty_;
    std::unique_ptr<ChainStore> chain_;
};

class History {
public:
    struct Made {
        wire::Hash hash;
        wire::Block block;
        ledger::BlockEffects effects;
    };
    struct Applied {
        Made made;
        Tip before;
        Dump rows_before;
    };

    explicit History(std::uint64_t seed) : random_(seed) {
        for (std::uint32_t p = 0; p < people; ++p) numbers_.emplace(ledger::test::public_key(p), p);
    }

    /// A valid child of the tip.
    Made make_block() {
        ChainStore& chain = disk_.chain();
        const wire::Slot slot{chain.tip().slot.value + 1 + pick(40)};
        ledger::BlockBuilder builder(chain.context(), slot, coins_, none_);
        std::vector<ledger::Coin> usable;
        for (const auto& [outpoint, output] : coins_.coins()) usable.push_back({outpoint, output});
        std::vector<wire::WireTransaction> taken;
        for (std::uint32_t count = pick(6); count > 0 && usable.size() >= 2; --count) {
            const wire::WireTransaction made = payment(usable, slot);
            EXPECT_TRUE(builder.add(made).has_value());
            taken.push_back(made);
        }
        wire::Block block;
        block.header.height = {chain.tip().height.value + 1};
        block.header.parent = chain.tip().hash;
        block.header.slot = slot;
        block.header.proposer = {static_cast<std::uint16_t>(pick(validators))};
        block.header.transaction_root = builder.transaction_root();
        block.header.parent_state = chain.state().digest();
        block.transactions = std::move(taken);  // either form is a valid one to store
        auto effects = ledger::execute(chain.context(), block, chain, none_);
        EXPECT_TRUE(effects.has_value()) << base::sentence(effects.error());
        return {hash_of(block), std::move(block), *std::move(effects)};
    }
    wire::Hash hash_of(const wire::Block& block) const {
        const auto& proposer = genesis_.validators[block.header.proposer.value];
        return wire::block_hash(chain_id_, block.header, proposer.key);
    }

    /// `made` was applied to the store: the book follows.
    void note_applied(const Made& made, Tip before, Dump rows_before) {
        coins_.apply(made.effects);
        fees_.at(made.block.header.proposer.value) += made.effects.fees.units;
        applied_.push_back({made, before, std::move(rows_before)});
    }
    void note_reverted() {
        const Made& made = applied_.back().made;
        coins_.revert(made.effects);
        fees_.at(made.block.header.proposer.value) -= made.effects.fees.units;
        applied_.pop_back();
    }

    void apply() {
        const Made made = make_block();
        const Tip before = disk_.chain().tip();
        Dump rows = disk_.dump();
        const auto applied = disk_.chain().apply(made.hash, made.block, made.effects);
        ASSERT_TRUE(applied.has_value()) << base::sentence(applied.error());
        note_applied(made, before, std::move(rows));
    }
    /// Takes the tip back, and compares all that is left with what was there before it.
    void revert() {
        const Applied last = applied_.back();
        const auto back = disk_.chain().revert();
        ASSERT_TRUE(back.has_value()) << base::sentence(back.error());
        EXPECT_EQ(back->hash, last.made.hash);
        EXPECT_EQ(back->block, last.made.block);
        EXPECT_EQ(back->transactions, last.made.effects.transactions);
        EXPECT_EQ(disk_.chain().tip(), last.before);
        EXPECT_TRUE(same_rows(disk_.dump(), last.rows_before));
        note_reverted();
    }

    /// The store says exactly what the book says.
    void check() {
        const ChainStore& chain = disk_.chain();
        check_money();
        EXPECT_EQ(chain.state().digest(), coins_.state());
        for (const auto& [outpoint, output] : coins_.coins()) {
            EXPECT_EQ(chain.coin(outpoint).value(), output);
            const auto position = wire::short_outpoint(chain_id_, outpoint);
            const auto candidates = chain.candidates(position).value();
            EXPECT_NE(std::ranges::find(candidates, outpoint), candidates.end());
        }
        EXPECT_EQ(disk_.store().count(tables::coins).value(), coins_.coins().size());
        EXPECT_EQ(disk_.store().count(tables::positions).value(), coins_.coins().size());

        std::size_t transactions = 0;
        EXPECT_EQ(chain.tip().height.value, applied_.size());
        EXPECT_EQ(chain.hash_at({}).value(), chain_id_);
        for (std::uint32_t height = 1; height <= applied_.size(); ++height) {
            const Made& made = applied_[height - 1].made;
            EXPECT_EQ(chain.hash_at({height}).value(), made.hash);
            const auto stored = chain.block(made.hash).value();
            ASSERT_TRUE(stored.has_value());
            EXPECT_EQ(stored->block, made.block);
            for (const ledger::Coin& coin : made.effects.spent) {
                EXPECT_EQ(chain.coin(coin.outpoint).value(), std::nullopt);
            }
            const auto expanded = chain.expand(*stored);
            ASSERT_TRUE(expanded.has_value());
            for (std::uint16_t i = 0; i < expanded->size(); ++i, ++transactions) {
                const ledger::CheckedTransaction& expected = made.effects.transactions[i];
                EXPECT_EQ((*expanded)[i], expected.transaction);
                const auto location = chain.find(expected.txid).value();
                ASSERT_TRUE(location.has_value());
                EXPECT_EQ(location->height.value, height);
                EXPECT_EQ(location->index, i);
            }
        }
        EXPECT_EQ(chain.hash_at({chain.tip().height.value + 1}).value(), std::nullopt);
        EXPECT_EQ(disk_.store().count(tables::transactions).value(), transactions);
        EXPECT_EQ(disk_.store().count(tables::blocks).value(), applied_.size());
        EXPECT_EQ(disk_.store().count(tables::undo).value(), applied_.size());
        EXPECT_EQ(disk_.store().count(tables::heights).value(), applied_.size() + 1);
    }

    Disk& disk() { return disk_; }
    const ledger::Genesis& genesis() const { return genesis_; }
    const std::vector<Applied>& applied() const { return applied_; }
    const ledger::CoinSet& coins() const { return coins_; }
    base::Random& random() { return random_; }

private:
    std::uint32_t pick(std::uint64_t bound) {
        return static_cast<std::uint32_t>(random_.below(bound));
    }

    /// Takes coins out of `usable` and puts the outputs in, so that later ones may spend them.
    wire::WireTransaction payment(std::vector<ledger::Coin>& usable, wire::Slot slot) {
        wire::TransactionBody body;
        std::vector<std::uint32_t> signers;
        std::uint64_t left = 0;
        ledger::Coin first{};
        for (std::uint32_t count = 1 + pick(4) / 3; count > 0; --count) {
            const auto taken = usable.begin() + static_cast<std::ptrdiff_t>(pick(usable.size()));
            first = *taken;
            body.inputs.push_back({taken->outpoint, taken->output.amount});
            signers.push_back(numbers_.at(taken->output.owner));
            left += taken->output.amount.units;
            usable.erase(taken);
        }
        body.fee.code = left > 100 ? static_cast<std::uint8_t>(pick(12)) : std::uint8_t{0};
        body.expiry.units = wire::expiry_units(slot) + pick(3);
        left -= body.fee.amount().units;
        if (left > 1 && random_.chance(2, 3)) {
            const std::uint64_t part = 1 + random_.below(left - 1);
            body.outputs.push_back({ledger::test::public_key(pick(people)), wire::Amount{part}});
            left -= part;
        }
        const std::uint32_t last = random_.chance(2, 3) ? signers.front() : pick(people);
        body.outputs.push_back({ledger::test::public_key(last), wire::Amount{left}});
        const wire::Transaction whole = ledger::test::sign(chain_id_, std::move(body), signers);
        for (std::uint16_t i = 0; i < whole.body.outputs.size(); ++i) {
            usable.push_back(ledger::test::output_of(chain_id_, whole, i));
        }
        const auto compact = wire::compact(chain_id_, whole, first.output);
        if (compact && random_.chance(2, 3)) return *compact;
        return whole;
    }

    void check_money() {
        const ChainStore& chain = disk_.chain();
        std::uint64_t fees = 0;
        for (const std::uint64_t earned : fees_) fees += earned;
        EXPECT_EQ(chain.coins_total().value(), coins_.total());
        EXPECT_EQ(chain.fees_total().value().units, fees);
        EXPECT_EQ(chain.fees().value(), coins_.fees());
        EXPECT_EQ(coins_.total().units + fees + 100 * validators, ledger::supply(genesis_)->units);
    }

    base::Random random_;
    ledger::Genesis genesis_ = ledger::test::genesis_with(people, 2, 1'000'000, validators);
    wire::ChainId chain_id_ = ledger::chain_id(genesis_);
    std::map<crypto::PublicKey, std::uint32_t> numbers_;
    Disk disk_{genesis_};
    ledger::CoinSet coins_{genesis_};
    std::array<std::uint64_t, validators> fees_{};
    ledger::NothingVerified none_;
    std::vector<Applied> applied_;
};

}  // namespace meshchain::chain::test
