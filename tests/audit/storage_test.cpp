// Storage, as the audit's author would try it: P5-1, 5, 6, 7, 9, 13, 15, 16 and N-15, on both
// engines with the chain on them. docs/audit.md has the findings.

#include <gtest/gtest.h>

#include "audit/disk.h"

namespace meshchain::tests::audit {
namespace {

using base::Errc;

const Story& story() {
    static const Story the_story(7);
    return the_story;
}

class AuditStorage : public testing::TestWithParam<Engine> {
protected:
    Opened open() {
        auto opened = open_chain(*disk_, story().genesis());
        EXPECT_TRUE(opened.has_value()) << base::sentence(opened.error());
        return opened ? *std::move(opened) : Opened();
    }
    /// One at a time: SQLite knows one layer below it.
    void replace_disk() {
        disk_.reset();
        disk_ = Disk::make(GetParam());
    }
    /// Power goes at every step of the story in turn; `judge` sees what a restart shows.
    template <class Judge>
    void cut_everywhere(Judge judge) {
        ASSERT_EQ(story().perform_all(*disk_), story().steps().size() - 1);
        cuts_ = disk_->steps();
        for (std::uint64_t cut = 0; cut < cuts_ && !HasFailure(); ++cut) {
            SCOPED_TRACE("power goes at step " + std::to_string(cut));
            replace_disk();
            disk_->cut_power_after(cut);
            const std::size_t acknowledged = story().perform_all(*disk_);
            base::Random random(cut);
            disk_->power_on(random);
            Opened opened = open();
            if (opened.chain) judge(opened, acknowledged);
        }
    }

    std::unique_ptr<Disk> disk_ = Disk::make(GetParam());
    std::uint64_t cuts_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Engines, AuditStorage, testing::Values(Engine::sqlite, Engine::flash_log),
                         name_of);

TEST_P(AuditStorage, P5_1_NoAtomicWrite_PowerLossAtEveryStep_ShowsTheStateBeforeOrAfterABlock) {
    cut_everywhere([&](Opened& opened, std::size_t acknowledged) {
        const Dump rows = chain::test::dump(*opened.store);
        const std::size_t shown =
            rows == story().steps()[acknowledged].rows ? acknowledged : acknowledged + 1;
        ASSERT_LT(shown, story().steps().size());
        EXPECT_TRUE(chain::test::same_rows(rows, story().steps()[shown].rows));
        EXPECT_EQ(opened.chain->tip(), story().steps()[shown].tip);
        EXPECT_TRUE(opened.store->verify().has_value());
    });
    EXPECT_GT(cuts_, story().steps().size());
}

TEST_P(AuditStorage, P5_7_StateNotSynced_WhatWasAcknowledgedIsThereAfterPowerLoss) {
    for (std::size_t last = 0; last < story().steps().size(); ++last) {
        replace_disk();
        {
            Opened opened = open();
            for (std::size_t i = 1; i <= last; ++i) {
                ASSERT_TRUE(Story::perform(*opened.chain, story().steps()[i]).has_value());
            }
            disk_->cut_power_after(0);  // before the closing writes anything
        }
        base::Random random(last);
        disk_->power_on(random);
        const Opened opened = open();
        EXPECT_EQ(opened.chain->tip(), story().steps()[last].tip) << "after step " << last;
        EXPECT_EQ(chain::test::dump(*opened.store), story().steps()[last].rows);
    }
}

/// In MeshChain a torn state file meant height -1: all blocks there, and none known.
TEST_P(AuditStorage, P5_7_StateNotSynced_ATornStateIsAnErrorAndNeverAnEmptyChain) {
    ASSERT_EQ(story().perform_all(*disk_), story().steps().size() - 1);
    {
        const auto store = disk_->open();
        kv::Batch batch;
        batch.put(chain::tables::meta, base::as_bytes("tip"), base::as_bytes("{\"latest_blo"));
        ASSERT_TRUE((*store)->commit(batch).has_value());
    }
    const auto opened = open_chain(*disk_, story().genesis());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_EQ((*disk_->open())->count(chain::tables::blocks),
              story().steps().back().tip.height.value)
        << "and nothing was thrown away";
}

TEST_P(AuditStorage, P5_9_NoTransactionIndexConsistency_AfterEveryCutIndexAndBlocksAgree) {
    cut_everywhere([](Opened& opened, std::size_t) { expect_index_and_blocks_agree(opened); });
}

TEST_P(AuditStorage, P5_5_NoBlockValidationBeforeStorage_WhatIsNotWhatItSays_IsNotStored) {
    Opened opened = open();
    const History::Made& made = *story().steps()[1].apply;
    const auto refuse = [&](const wire::Hash& hash, const wire::Block& block) {
        const auto applied = opened.chain->apply(hash, block, made.effects);
        ASSERT_FALSE(applied.has_value());
        EXPECT_EQ(applied.error().code, Errc::invalid_argument);
        EXPECT_TRUE(
            chain::test::same_rows(chain::test::dump(*opened.store), story().steps()[0].rows));
    };
    wire::Hash other = made.hash;
    other.bytes[31] ^= std::byte{1};
    refuse(other, made.block);
    wire::Block changed = made.block;
    changed.header.slot.value += 1;
    refuse(made.hash, changed);

    // What execution refuses has no effects, so nothing could be stored of it.
    const ledger::NothingVerified none;
    const auto judge = [&](const wire::Block& block) {
        return ledger::execute(opened.chain->context(), block, *opened.chain, none).has_value();
    };
    std::size_t i = 1;
    while (story().steps()[i].apply->block.transactions.empty()) {
        ASSERT_TRUE(Story::perform(*opened.chain, story().steps()[i]).has_value());
        ++i;
    }
    const wire::Block& good = story().steps()[i].apply->block;
    ASSERT_TRUE(judge(good));
    wire::Block without = good;
    without.transactions.pop_back();
    EXPECT_FALSE(judge(without)) << "a body that is not the header's";
    wire::Block foreign = good;
    foreign.header.parent_state.bytes[0] ^= std::byte{1};
    EXPECT_FALSE(judge(foreign)) << "a state that is not ours";
    wire::Block twice = good;
    twice.transactions.push_back(good.transactions.back());
    EXPECT_FALSE(judge(twice)) << "one transaction twice";
}

TEST_P(AuditStorage, P5_13_NoChainContinuity_ABlockWithoutItsParent_IsRefused) {
    Opened opened = open();
    const auto& steps = story().steps();
    for (const std::size_t orphan : {std::size_t{2}, std::size_t{5}, std::size_t{11}}) {
        const auto applied = Story::perform(*opened.chain, steps[orphan]);
        ASSERT_FALSE(applied.has_value()) << "step " << orphan;
        EXPECT_EQ(applied.error().code, Errc::invalid_argument);
    }
    History::Made far = *steps[1].apply;
    far.block.header.height.value = 100;
    EXPECT_FALSE(opened.chain->apply(far.hash, far.block, far.effects).has_value());
    EXPECT_EQ(chain::test::dump(*opened.store), steps[0].rows);
    // The right height, and a parent that was on the chain once: the other branch.
    for (std::size_t i = 1; i <= 9; ++i) ASSERT_TRUE(Story::perform(*opened.chain, steps[i]));
    EXPECT_FALSE(Story::perform(*opened.chain, steps[4]).has_value());
    EXPECT_EQ(chain::test::dump(*opened.store), steps[9].rows);
}

TEST_P(AuditStorage, N15_OverwriteOfStoredHeights_IsRefusedAndNoHeightIsNegative) {
    Opened opened = open();
    const auto& steps = story().steps();
    for (std::size_t i = 1; i <= 3; ++i) ASSERT_TRUE(Story::perform(*opened.chain, steps[i]));
    for (std::size_t stored = 1; stored <= 3; ++stored) {
        EXPECT_FALSE(Story::perform(*opened.chain, steps[stored]).has_value()) << "the same again";
        History::Made rival = *steps[stored].apply;
        rival.block.header.slot.value += 7;
        EXPECT_FALSE(opened.chain->apply(rival.hash, rival.block, rival.effects).has_value());
    }
    History::Made below = *steps[4].apply;
    below.block.header.height.value = static_cast<std::uint32_t>(-1);
    EXPECT_FALSE(opened.chain->apply(below.hash, below.block, below.effects).has_value());
    EXPECT_EQ(opened.chain->hash_at({static_cast<std::uint32_t>(-1)}).value(), std::nullopt);
    EXPECT_EQ(chain::test::dump(*opened.store), steps[3].rows);
    EXPECT_TRUE(Story::perform(*opened.chain, steps[4]).has_value()) << "and it goes on";
}

TEST_P(AuditStorage, P5_6_NoHashCheckOnRead_ADamagedBlockIsNeverHandedOut) {
    ASSERT_EQ(story().perform_all(*disk_), story().steps().size() - 1);
    const auto& steps = story().steps();
    // An old block that stays to the end, with transactions.
    std::size_t i = 1;
    while (i < 2 && steps[i].apply->block.transactions.empty()) ++i;
    const wire::Hash hash = steps[i].apply->hash;
    const auto bytes = open().chain->block_bytes(hash).value();
    ASSERT_TRUE(bytes.has_value());
    for (std::size_t at = 0; at < bytes->size(); at += 5) {
        SCOPED_TRACE("byte " + std::to_string(at));
        ASSERT_GT(disk_->damage(*bytes, at), 0U);
        {
            const Opened opened = open();
            const auto read = opened.chain->block_bytes(hash);
            ASSERT_FALSE(read.has_value()) << "handed out as sound";
            EXPECT_EQ(read.error().code, Errc::corrupt);
            EXPECT_FALSE(opened.store->verify().has_value());
            EXPECT_EQ(opened.chain->tip(), steps.back().tip) << "the rest goes on being served";
        }
        base::Buffer damaged = *bytes;
        damaged[at] ^= std::byte{4};
        ASSERT_GT(disk_->damage(damaged, at), 0U) << "put right again";
    }
    EXPECT_TRUE(open().chain->block(hash).value().has_value());
}

TEST_P(AuditStorage, P5_16_BlockFilesAssumeSequentialHeights_AReorganisationLeavesNothingBehind) {
    ASSERT_EQ(story().perform_all(*disk_), story().steps().size() - 1);
    const Dump reorganised = chain::test::dump(*open().store);
    replace_disk();
    Opened straight = open();
    for (const std::size_t i : {1U, 2U, 9U, 10U, 11U}) {
        ASSERT_TRUE(Story::perform(*straight.chain, story().steps()[i]).has_value());
    }
    EXPECT_TRUE(chain::test::same_rows(reorganised, chain::test::dump(*straight.store)));
    expect_index_and_blocks_agree(straight);
}

TEST_P(AuditStorage, P5_15_NoStorageQuota_AFullStoreSaysSo_ServesAndPrunes) {
    History history(3);
    std::uint64_t quota = 0;
    {
        const auto fresh = open_chain(*disk_, history.genesis());
        quota = fresh->store->quota().used_bytes + 500'000;
    }
    const auto store = *disk_->open(quota);
    const auto chain = *ChainStore::open(*store, history.genesis());
    std::set<kv::QuotaLevel> levels;
    std::expected<void, base::Error> applied;
    while (applied && history.applied().size() < 2000) {
        const History::Made made = history.make_block();
        levels.insert(store->quota().level());
        applied = chain->apply(made.hash, made.block, made.effects);
        const chain::Tip before = history.disk().chain().tip();
        ASSERT_TRUE(history.disk().chain().apply(made.hash, made.block, made.effects));
        history.note_applied(made, before, {});
    }
    ASSERT_FALSE(applied.has_value()) << "it never filled";
    EXPECT_EQ(applied.error().code, Errc::full) << base::sentence(applied.error());
    EXPECT_TRUE(levels.contains(kv::QuotaLevel::warning_80));
    EXPECT_TRUE(levels.contains(kv::QuotaLevel::warning_95));
    const wire::Height height = chain->tip().height;
    EXPECT_EQ(height.value + 1, history.applied().size()) << "nothing of the refused one is there";
    EXPECT_TRUE(chain->block(chain->tip().hash).value().has_value()) << "reads go on";

    std::size_t pruned = 0;
    while (const std::size_t some = chain->prune({height.value - 5}).value()) pruned += some;
    EXPECT_EQ(pruned, height.value - 5);
    const History::Made& last = history.applied().back().made;
    const auto again = chain->apply(last.hash, last.block, last.effects);
    EXPECT_TRUE(again.has_value()) << base::sentence(again.error());
}

}  // namespace
}  // namespace meshchain::tests::audit
