// Power goes after every program, erase and sync in turn; what was not synced is lost, torn or
// there, in any mixture. Acknowledged batches are there afterwards, whole, and at most one besides.

#include "base/test_effort.h"
#include "kv/test_flash.h"

namespace meshchain::kv {
namespace {

using namespace test_flash;
using test_history::Life;
using test_history::live;

/// What is there after the power returned, with everything in it verified.
void check_survivor(const Bench& bench, const Life& life, std::uint64_t cut) {
    SCOPED_TRACE("cut " + std::to_string(cut));
    auto store = bench.open();
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    test_history::check_survivor(**store, life);
}

struct Case {
    Kind kind;
    std::uint64_t seed;
};

std::uint64_t steps_of(const Case& of, std::size_t batches) {
    Bench bench(of.kind);
    auto store = bench.open();
    Life life;
    History history(of.seed);
    const std::uint64_t before = bench.flash->steps();
    live(life, **store, history, batches);
    EXPECT_EQ(life.acknowledged, batches);
    const FlashLogFigures figures = (*store)->figures();
    EXPECT_GT(figures.checkpoints, 3u);
    EXPECT_GT(figures.slow_merges, 1u);
    EXPECT_GT(figures.segments_collected, 3u) << "the history collects nothing";
    EXPECT_GT(history.undone, 3u) << "the history undoes nothing";
    return bench.flash->steps() - before;
}

void cut_once(const Case& of, std::size_t batches, std::uint64_t cut) {
    Bench bench(of.kind);
    Life life;
    History history(of.seed);
    base::Random random(of.seed + cut);
    {
        auto store = bench.open();
        ASSERT_TRUE(store.has_value());
        bench.flash->cut_power_after(cut);
        live(life, **store, history, batches);
    }
    bench.flash->power_on(random);
    check_survivor(bench, life, cut);
    // Power goes again while the node recovers or soon after.
    {
        auto store = bench.open();
        ASSERT_TRUE(store.has_value());
        const auto state = state_of(**store);
        Life second{.state = *state};
        bench.flash->cut_power_after(random.below(12));
        live(second, **store, history, 12);
        store->reset();
        bench.flash->power_on(random);
        check_survivor(bench, second, cut);
    }
}

class FlashLogPowerTest : public testing::TestWithParam<Kind> {};

TEST_P(FlashLogPowerTest, Cut_AfterEveryStep_LosesNothingAcknowledged) {  // B6, B10
    constexpr std::size_t batches = 120;
    const Case of{GetParam(), 2026};
    const std::uint64_t steps = steps_of(of, batches);
    const auto stride = test::effort<std::uint64_t>(97, 1);
    for (std::uint64_t cut = 0; cut < steps; cut += stride) {
        ASSERT_NO_FATAL_FAILURE(cut_once(of, batches, cut));
    }
}

/// In parts, which can run beside each other.
constexpr std::uint64_t parts = 10;
class FlashLogPowerSamples : public testing::TestWithParam<std::tuple<Kind, std::uint64_t>> {};

TEST_P(FlashLogPowerSamples, Cut_LosesNothingAcknowledged) {
    const auto [kind, part] = GetParam();
    const auto samples = test::effort<std::uint64_t>(parts, 25'000);
    for (std::uint64_t seed = part + 1; seed <= samples; seed += parts) {
        base::Random random(seed);
        SCOPED_TRACE("seed " + std::to_string(seed));
        ASSERT_NO_FATAL_FAILURE(cut_once({kind, seed}, 160, random.below(1500)));
    }
}

/// A second cut tore the erase of a segment and lost a large value in it; at its place lay one of
/// the segment's earlier life, for which the log's reference was taken.
TEST(FlashLogPowerSeed, ValueLostInATornSegment_IsNotTakenFromAnEarlierLifeOfIt) {
    ASSERT_NO_FATAL_FAILURE(cut_once({{}, 2581}, 160, 1461));
}

/// What an opening showed may be noted elsewhere (Store::sequence), so it must not be lost again.
TEST_P(FlashLogPowerTest, KilledBeforeTheSync_ThenCut_ShowsWhatTheOpeningBetweenHadShown) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE(seed);
        Bench bench(GetParam());
        History history(seed);
        Life life;
        {
            auto store = bench.open();
            live(life, **store, history, 20);
            bench.flash->fail(MemoryFlash::Step::sync, 0, base::Errc::io);
            live(life, **store, history, 21);
            ASSERT_EQ(life.acknowledged, 20u);
        }  // killed
        std::uint64_t sequence = 0;
        {
            auto store = bench.open();
            ASSERT_TRUE(store.has_value());
            sequence = (*store)->sequence();
            ASSERT_NO_FATAL_FAILURE(test_history::check_survivor(**store, life));
            life = Life{.state = *state_of(**store)};
        }
        base::Random random(seed);
        bench.flash->power_on(random);
        auto store = bench.open();
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        EXPECT_GE((*store)->sequence(), sequence);
        test_history::check_survivor(**store, life);
    }
}

INSTANTIATE_TEST_SUITE_P(Erase, FlashLogPowerTest, testing::ValuesIn(kinds),
                         [](const auto& of) { return name_of(of.param); });
INSTANTIATE_TEST_SUITE_P(Erase, FlashLogPowerSamples,
                         testing::Combine(testing::ValuesIn(kinds),
                                          testing::Range<std::uint64_t>(0, parts)),
                         [](const auto& of) {
                             return name_of(std::get<0>(of.param)) +
                                    std::to_string(std::get<1>(of.param));
                         });

}  // namespace
}  // namespace meshchain::kv
