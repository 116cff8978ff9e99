// Power goes after every write, truncation, sync, removal and making of a file in turn; what was
// not synced is lost, torn or there, in any mixture. Acknowledged batches are there afterwards,
// whole, and at most one besides.

#include "base/test_effort.h"
#include "host/sqlite_test_folder.h"
#include "host/test_sqlite_machine.h"

namespace meshchain::host {
namespace {

using kv::test_history::History;
using kv::test_history::Life;
using test::effort;

void check_survivor(const Machine& machine, const Life& life) {
    auto store = machine.open();
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    kv::test_history::check_survivor(**store, life);
}

/// Opens, writes and closes until the power goes.
void live(const Machine& machine, Life& life, History& history, std::size_t batches) {
    auto store = machine.open();
    if (!store) {
        ASSERT_FALSE(machine.disk.has_power()) << sentence(store.error());
        return;
    }
    kv::test_history::live(life, **store, history, batches);
}

std::uint64_t steps_of(std::uint64_t seed, std::size_t batches) {
    Machine machine;
    Life life;
    History history(seed);
    live(machine, life, history, batches);
    EXPECT_EQ(life.acknowledged, batches);
    return machine.disk.steps();
}

/// Two cuts: the second while the store recovers from the first, or soon after.
void cut_twice(std::uint64_t seed, std::size_t batches, std::uint64_t cut) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", cut " + std::to_string(cut));
    Machine machine;
    Life life;
    History history(seed);
    base::Random random(seed + cut);
    machine.disk.cut_power_after(cut);
    ASSERT_NO_FATAL_FAILURE(live(machine, life, history, batches));
    machine.disk.power_on(random);

    std::optional<Life> second;
    {
        machine.disk.cut_power_after(random.below(60));
        auto store = machine.open();
        if (store) {
            kv::test_history::check_survivor(**store, life);
            if (testing::Test::HasFatalFailure()) return;
            second = Life{.state = *kv::test_history::state_of(**store)};
            kv::test_history::live(*second, **store, history, 12);
        }
    }
    machine.disk.power_on(random);
    ASSERT_NO_FATAL_FAILURE(check_survivor(machine, second.value_or(life)));
}

TEST(SqlitePowerTest, Cut_AfterEveryStep_LosesNothingAcknowledged) {  // B6, B10
    constexpr std::size_t batches = 24;
    const std::uint64_t steps = steps_of(2026, batches);
    EXPECT_GT(steps, 150u);
    for (std::uint64_t cut = 0; cut < steps; ++cut) {
        ASSERT_NO_FATAL_FAILURE(cut_twice(2026, batches, cut));
    }
}

/// A store of the first format, then the power goes at a step of bringing it up to date.
TEST(SqlitePowerTest, Cut_InAMigration_LeavesTheOldFormatOrTheNew_WithEverythingInIt) {
    constexpr std::uint64_t blocks = 7;
    for (std::uint64_t cut = 0;; ++cut) {
        SCOPED_TRACE(cut);
        const SqliteTestFolder folder;
        ASSERT_NO_FATAL_FAILURE(write_first_format(folder.path(), folder.tables, blocks));
        FaultVfs disk;
        disk.cut_power_after(cut);
        const bool is_done = folder.open().has_value();
        base::Random random(cut);
        disk.power_on(random);
        {
            const auto reader = folder.open(SqliteOptions::Mode::read_only);
            ASSERT_TRUE(reader.has_value()) << sentence(reader.error());
            EXPECT_EQ(checked_height(**reader), blocks);
        }
        const auto store = folder.open();
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        EXPECT_EQ(checked_height(**store), blocks);
        EXPECT_TRUE((*store)->verify().has_value());
        ASSERT_TRUE((*store)->commit(block_batch(blocks + 1)).has_value());
        EXPECT_EQ((*store)->sequence(), 1U);
        if (is_done) {
            EXPECT_GT(cut, 3U);
            break;
        }
    }
}

/// What an opening showed may be noted elsewhere (Store::sequence), so it must not be lost again;
/// where it cannot be made durable, the opening says of no commit that it is.
TEST(SqlitePowerTest, KilledBeforeTheSync_ThenCut_ShowsWhatTheOpeningBetweenHadNumbered) {
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        SCOPED_TRACE(seed);
        const bool cannot_sync = seed % 4 == 0;
        Machine machine;
        History history(seed);
        Life life;
        {
            auto store = machine.open();
            live(life, **store, history, 10);
            machine.disk.fail(FaultVfs::Call::sync, 0, SQLITE_IOERR_FSYNC);
            live(life, **store, history, 11);
            ASSERT_EQ(life.acknowledged, 10u);
            machine.disk.kill_process();
        }
        machine.disk.restart_process();
        if (cannot_sync) machine.disk.fail(FaultVfs::Call::write, 0, SQLITE_FULL);
        std::uint64_t sequence = 0;
        {
            auto store = machine.open();
            ASSERT_TRUE(store.has_value()) << sentence(store.error());
            sequence = (*store)->sequence();
            EXPECT_EQ(sequence == 0, cannot_sync);
            if (cannot_sync && seed % 8 == 0) {
                const auto next = kv::test_history::state_of(**store);
                life = Life{.state = *next};
                live(life, **store, history, 1);
                sequence = (*store)->sequence();
                EXPECT_GT(sequence, 0u) << "a commit has returned";
            }
            machine.disk.cut_power_after(0);
        }
        base::Random random(seed);
        machine.disk.power_on(random);
        auto store = machine.open();
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        EXPECT_GE((*store)->sequence(), sequence);
        kv::test_history::check_survivor(**store, life);
    }
}

/// In parts, which can run beside each other.
constexpr std::uint64_t parts = 10;
class SqlitePowerSamples : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SqlitePowerSamples, Cut_LosesNothingAcknowledged) {
    constexpr std::size_t batches = 120;
    const std::uint64_t steps = steps_of(1, batches);
    for (std::uint64_t seed = GetParam() + 1; seed <= effort(60U, 100'000U); seed += parts) {
        base::Random random(seed);
        ASSERT_NO_FATAL_FAILURE(cut_twice(seed, batches, random.below(steps)));
    }
}

INSTANTIATE_TEST_SUITE_P(Parts, SqlitePowerSamples, testing::Range<std::uint64_t>(0, parts));

}  // namespace
}  // namespace meshchain::host
