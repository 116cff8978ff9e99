#include "chain/chain_store.h"

#include <gtest/gtest.h>

#include <set>

#include "chain/stored_values.h"
#include "chain/test_history.h"

namespace meshchain::chain {
namespace {

using base::Errc;
using test::Dump;
using test::History;
using test::same_rows;

/// The answer to everything the store can be asked about what is applied, as comparable text.
class Answers {
public:
    explicit Answers(History& history) {
        auto opened = history.disk().try_open();
        add("open", opened, [](const auto&) { return "open"; });
        if (!opened) return;
        const ChainStore& chain = **opened;
        const auto amount = [](wire::Amount total) { return std::to_string(total.units); };
        add("coins total", chain.coins_total(), amount);
        add("fees total", chain.fees_total(), amount);
        const auto output = [](const auto& found) {
            return found ? base::to_hex(encode_output(*found)) : "none";
        };
        const auto count = [](const ledger::Candidates& found) {
            return std::to_string(found.size());
        };
        add("hash at 0", chain.hash_at({}),
            [](const auto& hash) { return hash ? crypto::to_hex(*hash) : "none"; });
        for (const auto& [outpoint, coin] : history.coins().coins()) {
            add("coin", chain.coin(outpoint), output);
            add("candidates", chain.candidates(wire::short_outpoint(chain.chain_id(), outpoint)),
                count);
        }
        for (const History::Applied& applied : history.applied()) ask_about(chain, applied.made);
        revert_all(**opened);
    }

    bool operator==(const Answers&) const = default;
    /// Every answer is the sound one or says that the store is corrupt; one at least does.
    testing::AssertionResult is_sound_or_corrupt(const Answers& sound) const {
        bool found = false;
        for (const auto& [question, answer] : answers_) {
            if (answer == "error corrupt") {
                found = true;
            } else if (!sound.answers_.contains({question, answer})) {
                return testing::AssertionFailure() << question << " answered " << answer;
            }
        }
        if (found) return testing::AssertionSuccess();
        return testing::AssertionFailure() << "nobody noticed";
    }

private:
    template <class T, class Text>
    void add(std::string question, const std::expected<T, base::Error>& answer, Text&& text) {
        std::string said =
            answer ? text(*answer) : "error " + std::string(base::name(answer.error().code));
        answers_.insert({std::move(question), std::move(said)});
    }

    void ask_about(const ChainStore& chain, const History::Made& made) {
        const std::string name = crypto::to_hex(made.hash);
        const auto hex = [](const auto& found) {
            return found ? base::to_hex(wire::encode(found->block)) : "none";
        };
        add("block " + name, chain.block(made.hash), hex);
        add("hash at " + std::to_string(made.block.header.height.value),
            chain.hash_at(made.block.header.height),
            [](const auto& hash) { return hash ? crypto::to_hex(*hash) : "none"; });
        for (const ledger::CheckedTransaction& checked : made.effects.transactions) {
            add("find " + crypto::to_hex(checked.txid.hash), chain.find(checked.txid),
                [](const auto& found) {
                    return found ? base::to_hex(encode_location(*found)) : "none";
                });
        }
    }
    void revert_all(ChainStore& chain) {
        while (chain.tip().height != wire::Height{}) {
            const std::string height = std::to_string(chain.tip().height.value);
            const auto back = chain.revert();
            add("revert " + height, back, [&](const RevertedBlock& block) {
                return crypto::to_hex(block.hash) + crypto::to_hex(chain.state().digest());
            });
            if (!back) return;
        }
    }

    std::set<std::pair<std::string, std::string>> answers_;
};

/// Three blocks with transactions of both forms.
class SmallHistory : public History {
public:
    SmallHistory() : History(3) {
        while (applied().size() < 3) apply();
        rows_ = disk().dump();
    }
    const Dump& rows() const { return rows_; }
    /// Puts everything back as it was, on a new medium.
    void restore() {
        disk().replace_medium();
        kv::Batch batch;
        for (const auto& [name, value] : disk().dump()) {
            batch.erase(kv::Table{static_cast<std::uint8_t>(name.first)}, name.second);
        }
        for (const auto& [name, value] : rows_) {
            batch.put(kv::Table{static_cast<std::uint8_t>(name.first)}, name.second, value);
        }
        ASSERT_TRUE(disk().store().commit(batch).has_value());
        disk().open();
    }

private:
    Dump rows_;
};

TEST(ChainStoreTest, AnEmptyStore_BecomesGenesis) {
    History history(1);
    const ChainStore& chain = history.disk().chain();
    EXPECT_EQ(chain.chain_id(), ledger::chain_id(history.genesis()));
    EXPECT_EQ(chain.tip(), (Tip{chain.chain_id(), {}, {}}));
    EXPECT_EQ(chain.state(), ledger::genesis_state(history.genesis()));
    EXPECT_EQ(chain.context().parent, ledger::context_after(history.genesis()).parent);
    EXPECT_EQ(chain.context().parent_state, ledger::context_after(history.genesis()).parent_state);
    history.check();
}

TEST(ChainStoreTest, AStoreOfAnotherChain_IsRefusedAndLeftAlone) {
    History history(1);
    history.apply();
    const Dump before = history.disk().dump();
    ledger::Genesis other = history.genesis();
    other.block_time_ms += 1;
    const auto opened = history.disk().try_open(other);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Errc::wrong_chain);
    EXPECT_TRUE(same_rows(history.disk().dump(), before));
}

TEST(ChainStoreTest, GenesisCannotBeTakenBack) {
    History history(1);
    const Dump before = history.disk().dump();
    const auto back = history.disk().chain().revert();
    ASSERT_FALSE(back.has_value());
    EXPECT_EQ(back.error().code, Errc::not_found);
    EXPECT_TRUE(same_rows(history.disk().dump(), before));
}

TEST(ChainStoreTest, WhatIsNotTheTipsChild_IsRefusedAndChangesNothing) {
    History history(5);
    const History::Made orphaned = history.make_block();
    history.apply();
    history.apply();
    const Dump before = history.disk().dump();
    const auto refused = [&](const wire::Hash& hash, const wire::Block& block) {
        const History::Made made = history.make_block();
        const auto applied = history.disk().chain().apply(hash, block, made.effects);
        return !applied && applied.error().code == Errc::invalid_argument &&
               history.disk().dump() == before;
    };
    const History::Made child = history.make_block();
    EXPECT_TRUE(refused(orphaned.hash, orphaned.block)) << "child of another block";
    EXPECT_TRUE(refused(history.applied().back().made.hash, history.applied().back().made.block))
        << "the tip itself";

    wire::Hash other_name = child.hash;
    other_name.bytes[31] ^= std::byte{1};
    EXPECT_TRUE(refused(other_name, child.block)) << "not its hash";

    wire::Block gap = child.block;
    gap.header.height.value += 1;
    EXPECT_TRUE(refused(history.hash_of(gap), gap)) << "a height left out";

    wire::Block unknown = child.block;
    unknown.header.proposer = {test::validators};
    EXPECT_TRUE(refused(child.hash, unknown)) << "proposed by nobody we know";

    wire::Block changed = child.block;
    changed.header.transaction_root.bytes[0] ^= std::byte{1};
    EXPECT_TRUE(refused(child.hash, changed)) << "content that the hash does not name";
}

TEST(ChainStoreTest, RandomHistories_AreWhatTheBookSays_AndEveryRevertLeavesNothingBehind) {
    for (std::uint64_t seed = 100; seed < 106; ++seed) {
        SCOPED_TRACE("replay: History(" + std::to_string(seed) + ")");
        History history(seed);
        for (int step = 0; step < 24; ++step) {
            if (!history.applied().empty() && history.random().chance(1, 3)) {
                history.revert();
            } else {
                history.apply();
            }
            if (history.random().chance(1, 2)) history.disk().open();
            history.check();
            if (testing::Test::HasFailure()) return;
        }
        while (!history.applied().empty()) history.revert();
        history.check();
    }
}

TEST(ChainStoreTest, PowerLossInACommit_ShowsTheOldStateOrTheNewOne) {
    using kv::CommitFault;
    for (std::uint64_t seed = 200; seed < 204; ++seed) {
        SCOPED_TRACE("replay: History(" + std::to_string(seed) + ")");
        History history(seed);
        for (int block = 0; block < 3; ++block) history.apply();
        for (const CommitFault fault :
             {CommitFault::refused, CommitFault::no_room, CommitFault::unknown_absent,
              CommitFault::unknown_present}) {
            const History::Made made = history.make_block();
            const Tip before = history.disk().chain().tip();
            const Dump rows = history.disk().dump();
            history.disk().store().fail_commit(0, fault);
            ASSERT_FALSE(history.disk().chain().apply(made.hash, made.block, made.effects));
            EXPECT_EQ(history.disk().chain().tip(), before) << "a failed apply changed nothing";
            history.disk().open();
            if (fault == CommitFault::unknown_present) {
                EXPECT_EQ(history.disk().chain().tip().hash, made.hash);
                history.note_applied(made, before, rows);
            } else {
                EXPECT_TRUE(same_rows(history.disk().dump(), rows));
            }
            history.check();

            const History::Applied last = history.applied().back();
            history.disk().store().fail_commit(0, fault);
            ASSERT_FALSE(history.disk().chain().revert());
            EXPECT_EQ(history.disk().chain().tip().hash, last.made.hash);
            history.disk().open();
            if (fault == CommitFault::unknown_present) {
                EXPECT_TRUE(same_rows(history.disk().dump(), last.rows_before));
                history.note_reverted();
            }
            history.check();
        }
    }
}

TEST(ChainStoreTest, AfterARefusedCommit_TheSameBlockGoesThrough) {
    History history(7);
    const History::Made made = history.make_block();
    history.disk().store().fail_commit(0, kv::CommitFault::refused);
    ASSERT_FALSE(history.disk().chain().apply(made.hash, made.block, made.effects));
    ASSERT_TRUE(history.disk().chain().apply(made.hash, made.block, made.effects));
    history.note_applied(made, {history.disk().chain().chain_id(), {}, {}}, {});
    history.check();
}

TEST(ChainStoreTest, AReadThatFails_IsAnErrorOfApplyAndRevert_AndChangesNothing) {
    for (std::uint64_t sound = 0; sound < 4; ++sound) {
        History history(9);
        history.apply();
        history.apply();
        const Dump rows = history.disk().dump();
        history.disk().open();  // with cold caches
        history.disk().store().fail_read(sound, Errc::io);
        const auto back = history.disk().chain().revert();
        if (!back) {
            EXPECT_EQ(back.error().code, Errc::io);
            EXPECT_TRUE(same_rows(history.disk().dump(), rows));
            history.check();
        } else {
            EXPECT_GE(sound, 3U) << "a failed read went unnoticed";
        }
    }
    History history(9);
    const History::Made made = history.make_block();
    const Dump rows = history.disk().dump();
    history.disk().store().fail_read(0, Errc::io);
    EXPECT_FALSE(history.disk().chain().apply(made.hash, made.block, made.effects));
    EXPECT_TRUE(same_rows(history.disk().dump(), rows));
}

TEST(ChainStoreTest, ABitFlippedInAnyValue_IsAnErrorAndNeverAWrongAnswer) {
    SmallHistory history;
    const Answers sound(history);
    for (const auto& [name, value] : history.rows()) {
        if (value.empty()) continue;
        history.restore();
        history.disk().close();
        const kv::Table table{static_cast<std::uint8_t>(name.first)};
        history.disk().medium().flip_bit(table, name.second, value.size() * 8 / 2);
        EXPECT_TRUE(Answers(history).is_sound_or_corrupt(sound))
            << "table " << name.first << ", key " << base::to_hex(name.second);
    }
}

TEST(ChainStoreTest, AValueCutShortUnderASoundChecksum_IsCorrupt) {
    SmallHistory history;
    const Answers sound(history);
    for (const auto& [name, value] : history.rows()) {
        const kv::Table table{static_cast<std::uint8_t>(name.first)};
        if (value.empty() || (table == tables::meta && base::equal(name.second, meta_keys::chain)))
            continue;
        history.restore();
        kv::Batch batch;
        batch.put(table, name.second, base::Bytes(value).first(value.size() - 1));
        ASSERT_TRUE(history.disk().store().commit(batch).has_value());
        EXPECT_TRUE(Answers(history).is_sound_or_corrupt(sound))
            << "table " << name.first << ", key " << base::to_hex(name.second);
    }
}

TEST(ChainStoreTest, ARowThatIsMissing_IsCorruptOrAbsentAndStopsTheRevertThatNeedsIt) {
    SmallHistory history;
    const wire::Hash tip = history.applied().back().made.hash;
    for (const kv::Table table : {tables::undo, tables::blocks}) {
        history.restore();
        kv::Batch batch;
        batch.erase(table, tip.bytes);
        ASSERT_TRUE(history.disk().store().commit(batch).has_value());
        const Dump rows = history.disk().dump();
        const auto back = history.disk().chain().revert();
        ASSERT_FALSE(back.has_value());
        EXPECT_EQ(back.error().code, Errc::corrupt);
        EXPECT_TRUE(same_rows(history.disk().dump(), rows));
    }
    for (const base::Bytes key : {meta_keys::tip, meta_keys::state}) {
        history.restore();
        kv::Batch batch;
        batch.erase(tables::meta, key);
        ASSERT_TRUE(history.disk().store().commit(batch).has_value());
        const auto opened = history.disk().try_open();
        ASSERT_FALSE(opened.has_value());
        EXPECT_EQ(opened.error().code, Errc::corrupt);
    }
}

}  // namespace
}  // namespace meshchain::chain
