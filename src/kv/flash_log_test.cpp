#include "kv/flash_log.h"

#include "base/test_effort.h"
#include "kv/memory_store.h"
#include "kv/test_flash.h"

namespace meshchain::kv {
namespace {

using namespace test_flash;
using Step = MemoryFlash::Step;

State must_read(View& view) {
    const auto state = state_of(view);
    EXPECT_TRUE(state.has_value()) << (state ? "" : sentence(state.error()));
    return state.value_or(State{});
}

/// Writes `batches` and returns what is there then.
State fill(FlashLog& store, std::size_t batches, std::uint64_t seed) {
    State state;
    History history(seed);
    for (std::size_t i = 0; i < batches; ++i) {
        const auto committed = store.commit(history.next(state));
        EXPECT_TRUE(committed.has_value()) << sentence(committed.error());
    }
    return state;
}

struct Answers {
    int refused_at_open = 0;
    int reported = 0;
    int harmless = 0;
};

/// A store damaged somewhere says what is true, or that it is damaged.
void check_answers(const Bench& bench, const State& truth, const State& before, Answers& answers) {
    auto store = bench.open();
    if (!store) {
        EXPECT_EQ(store.error().code, base::Errc::corrupt) << sentence(store.error());
        ++answers.refused_at_open;
        return;
    }
    const auto tip = (*store)->get(coins, base::as_bytes("tip"));
    const bool is_before =
        tip && *tip && before.contains("0tip") && base::as_text(**tip) == before.at("0tip");
    const State& expected = is_before ? before : truth;
    bool was_reported = false;
    for (const auto& [name, value] : expected) {
        const Table table{static_cast<std::uint8_t>(name[0] - '0')};
        const auto got = (*store)->get(table, base::as_bytes(std::string_view(name).substr(1)));
        if (!got) {
            EXPECT_EQ(got.error().code, base::Errc::corrupt);
            was_reported = true;
            continue;
        }
        ASSERT_TRUE(got->has_value()) << name << " seems absent";
        ASSERT_EQ(base::as_text(**got), value);
    }
    const auto state = state_of(**store);
    ASSERT_TRUE(!state || *state == expected);
    if (!state) was_reported = true;
    ++(was_reported ? answers.reported : answers.harmless);
}

std::vector<std::size_t> bits_of_clear(std::size_t bytes) {
    std::vector<std::size_t> bits;
    const auto stride = test::effort<std::size_t>(7001, 1);
    for (std::size_t bit = 0; bit < bytes * 8; bit += stride) bits.push_back(bit);
    return bits;
}

/// Every bit of a frame's two salts. Whichever bit of a cell is flipped, it reads the same
/// (SealedRegionTest): one of each stands for all.
std::vector<std::size_t> bits_of_frames(std::size_t bytes) {
    constexpr std::size_t salt = crypto::piece_salt_bytes;
    constexpr std::size_t cell = small_frames.unit_bytes + crypto::piece_tag_bytes;
    constexpr std::size_t second = small_frames.frame_bytes - salt;
    std::vector<std::size_t> bits;
    for (std::size_t frame = 0; frame < bytes; frame += small_frames.frame_bytes) {
        const auto of_salt = test::effort<std::size_t>(salt * 8, 1);
        for (std::size_t bit = 0; bit < salt * 8; bit += of_salt) {
            bits.push_back(frame * 8 + bit);
            bits.push_back((frame + second) * 8 + bit);
        }
        const auto of_cells = test::effort<std::size_t>(12 * cell, cell);
        for (std::size_t at = salt; at + cell <= second; at += of_cells) {
            bits.push_back((frame + at) * 8);
        }
    }
    return bits;
}

/// Closed, or as a cut leaves it; in clear, or encrypted.
struct Image {
    bool is_closed;
    bool is_sealed;
};

class FlashLogDamageTest : public testing::TestWithParam<Image> {};

TEST_P(FlashLogDamageTest, AnyBitFlipped_IsNeverAWrongAnswer) {  // B9, P5-6
    const bool is_closed = GetParam().is_closed;
    Bench bench({.is_sealed = GetParam().is_sealed});
    State before;
    State truth;
    {
        auto store = bench.open();
        History history(7);
        for (int i = 0; i < 110; ++i) {
            before = truth;
            ASSERT_TRUE((*store)->commit(history.next(truth)));
        }
        if (is_closed) {
            ASSERT_TRUE((*store)->close());
        }
    }
    if (is_closed) before.clear();
    Answers answers;
    const base::MutableBytes bytes = bench.flash->bytes();
    const std::vector<std::size_t> flipped =
        GetParam().is_sealed ? bits_of_frames(bytes.size()) : bits_of_clear(bytes.size());
    for (const std::size_t bit : flipped) {
        SCOPED_TRACE("bit " + std::to_string(bit));
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        ASSERT_NO_FATAL_FAILURE(check_answers(bench, truth, before, answers));
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    std::printf("%zu bits flipped: %d found by opening, %d by reading, %d where nothing is kept\n",
                flipped.size(), answers.refused_at_open, answers.reported, answers.harmless);
    EXPECT_GT(answers.reported, answers.refused_at_open);
    EXPECT_GT(answers.harmless, 0);
}

INSTANTIATE_TEST_SUITE_P(Image, FlashLogDamageTest,
                         testing::Values(Image{true, false}, Image{false, false}, Image{true, true},
                                         Image{false, true}),
                         [](const auto& of) {
                             return std::string(of.param.is_closed ? "Closed" : "Running") +
                                    (of.param.is_sealed ? "Sealed" : "");
                         });

/// What a salvage shows may be old, or missing; nothing of it was never written.
TEST(FlashLogSalvage, AnyBitFlipped_ShowsWhatWasThereOnce) {  // B9
    Bench bench;
    std::map<std::string, std::set<std::string>> ever;
    {
        auto store = bench.open();
        History history(7);
        State state;
        for (int i = 0; i < 110; ++i) {
            ASSERT_TRUE((*store)->commit(history.next(state)));
            for (const auto& [name, value] : state) ever[name].insert(value);
        }
    }
    FlashLogOptions salvage = cramped;
    salvage.read_only = true;
    salvage.ends_at_damage = true;
    const base::MutableBytes bytes = bench.flash->bytes();
    int refused = 0;
    int refused_to_salvage = 0;
    const auto stride = test::effort<std::size_t>(3001, 101);
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += stride) {
        SCOPED_TRACE("bit " + std::to_string(bit));
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        refused += !bench.open().has_value();
        if (const auto store = bench.open(salvage)) {
            for (const auto& [name, values] : ever) {
                const Table table{static_cast<std::uint8_t>(name[0] - '0')};
                const auto key = base::as_bytes(std::string_view(name).substr(1));
                const auto got = (*store)->get(table, key);
                ASSERT_TRUE(got || got.error().code == base::Errc::corrupt);
                if (!got || !*got) continue;
                ASSERT_TRUE(values.contains(std::string(base::as_text(**got)))) << name;
            }
        } else {
            ++refused_to_salvage;
        }
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    }
    EXPECT_GT(refused, 0);
    EXPECT_LT(refused_to_salvage, refused);
    std::printf("refused: %d, and %d by a salvage\n", refused, refused_to_salvage);
}

struct FaultCase {
    const char* name;
    Step step;
    base::Errc code;
};
void PrintTo(const FaultCase& of, std::ostream* out) { *out << of.name; }

class FlashLogFaultTest : public testing::TestWithParam<FaultCase> {};

/// One failure after `sound` sound steps of its kind, met wherever the history is by then.
void meet_fault(const FaultCase& of, std::uint64_t sound) {
    Bench bench;
    auto store = bench.open();
    ASSERT_TRUE(store.has_value());
    bench.flash->fail(of.step, sound, of.code);
    State state;
    History history(sound);
    int failures = 0;
    for (int i = 0; i < 110; ++i) {
        State next = state;
        const Batch batch = history.next(next);
        const auto committed = (*store)->commit(batch);
        if (committed) {
            state = next;
            continue;
        }
        ++failures;
        EXPECT_EQ(committed.error().code, of.code) << sentence(committed.error());
        ASSERT_EQ(must_read(**store), state) << "a failed commit changed something";
        if ((*store)->is_read_only()) {
            EXPECT_EQ((*store)->commit(batch).error().code, base::Errc::unavailable);
            store->reset();
            store = bench.open();
            ASSERT_TRUE(store.has_value());
            const State found = must_read(**store);
            ASSERT_TRUE(found == state || found == next);
            state = found;
        }
        if (state != next) {  // The history goes on from what the batch would have made.
            const auto repeated = (*store)->commit(batch);
            ASSERT_TRUE(repeated.has_value()) << sentence(repeated.error());
            state = next;
        }
    }
    EXPECT_LE(failures, 1);
    bench.flash->mend();
    ASSERT_EQ(must_read(**store), state);
    ASSERT_TRUE((*store)->verify().has_value());
    store->reset();
    store = bench.open();
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    ASSERT_EQ(must_read(**store), state);
}

TEST_P(FlashLogFaultTest, Anywhere_ChangesNothingAndIsGotOver) {  // B15
    const bool is_read = GetParam().step == Step::read;
    const auto stride = test::effort<std::uint64_t>(is_read ? 397 : 37, 1);
    const std::uint64_t last = is_read ? 6000 : 400;
    for (std::uint64_t sound = 0; sound < last; sound += stride) {
        SCOPED_TRACE("after " + std::to_string(sound));
        ASSERT_NO_FATAL_FAILURE(meet_fault(GetParam(), sound));
    }
}

INSTANTIATE_TEST_SUITE_P(Medium, FlashLogFaultTest,
                         testing::Values(FaultCase{"Read", Step::read, base::Errc::io},
                                         FaultCase{"Program", Step::program, base::Errc::io},
                                         FaultCase{"ProgramWithoutRoom", Step::program,
                                                   base::Errc::full},
                                         FaultCase{"Erase", Step::erase, base::Errc::io},
                                         FaultCase{"Sync", Step::sync, base::Errc::io}),
                         [](const auto& of) { return of.param.name; });

TEST(FlashLog, FullRegion_IsFullUntilThereIsClearlyMoreRoom) {  // B12
    Bench bench;
    auto store = bench.open();
    const std::string value(300, 'v');
    int stored = 0;
    for (;; ++stored) {
        ASSERT_LT(stored, 400);
        Batch batch;
        batch.put(coins, base::as_bytes("k" + std::to_string(stored)), base::as_bytes(value));
        if (!(*store)->commit(batch)) break;
    }
    EXPECT_EQ((*store)->quota().level(), QuotaLevel::full);
    // What must not wait, such as votes, goes on, and makes no room.
    for (int i = 0; i < 40; ++i) {
        Batch vote;
        vote.allow_reserve();
        vote.put(coins, base::as_bytes("vote"), base::as_bytes(std::to_string(i)));
        ASSERT_TRUE((*store)->commit(vote).has_value()) << i;
        ASSERT_EQ((*store)->quota().level(), QuotaLevel::full) << i;
    }
    for (int i = 0; i < stored / 2; ++i) {
        Batch batch;
        batch.erase(coins, base::as_bytes("k" + std::to_string(i)));
        ASSERT_TRUE((*store)->commit(batch).has_value());
    }
    EXPECT_EQ((*store)->quota().level(), QuotaLevel::ok);
    Batch batch;
    batch.put(coins, base::as_bytes("new"), base::as_bytes(value));
    EXPECT_TRUE((*store)->commit(batch).has_value());
}

TEST(FlashLog, FullMedium_ServesAndRecoversOnceThereIsRoom) {  // B12
    Bench bench;
    auto store = bench.open();
    State state = fill(**store, 20, 1);
    bench.flash->set_full(true);
    Batch batch;
    batch.put(coins, base::as_bytes("key"), base::as_bytes("value"));
    EXPECT_EQ((*store)->commit(batch).error().code, base::Errc::full);
    EXPECT_FALSE((*store)->is_read_only());
    EXPECT_EQ(must_read(**store), state);
    bench.flash->set_full(false);
    ASSERT_TRUE((*store)->commit(batch));
    state["0key"] = "value";
    store->reset();
    store = bench.open();
    EXPECT_EQ(must_read(**store), state);
}

TEST(FlashLog, FullRegion_TakesNoNewWorkAndGoesOnAfterErasing) {  // B12
    Bench bench;
    auto store = bench.open();
    State state;
    const std::string value(300, 'v');
    for (int round = 0; round < 3; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        for (int i = 0;; ++i) {
            ASSERT_LT(i, 400);
            const std::string key = "k" + std::to_string(i);
            Batch batch;
            batch.put(coins, base::as_bytes(key), base::as_bytes(value));
            const auto committed = (*store)->commit(batch);
            if (!committed) {
                EXPECT_EQ(committed.error().code, base::Errc::full);
                break;
            }
            state["0" + key] = value;
        }
        EXPECT_FALSE((*store)->is_read_only());
        EXPECT_GE((*store)->quota().level(), QuotaLevel::warning_95);
        EXPECT_GT(state.size(), 70u);
        ASSERT_EQ(must_read(**store), state);
        // Without room for new work there is room to erase, one by one.
        while (state.size() > 20) {
            const std::string name = state.begin()->first;
            Batch batch;
            batch.erase(coins, base::as_bytes(name).subspan(1));
            const auto committed = (*store)->commit(batch);
            ASSERT_TRUE(committed.has_value()) << sentence(committed.error());
            state.erase(name);
        }
        EXPECT_EQ((*store)->quota().level(), QuotaLevel::ok);
        ASSERT_EQ(must_read(**store), state);
    }
}

TEST(FlashLog, RandomOperations_EqualTheMemoryStore) {
    const auto steps = test::effort<std::uint64_t>(1500, 2'000'000);
    base::Random random(11);
    Bench bench;
    auto store = bench.open();
    auto model = make_memory_store(tables);
    for (std::uint64_t step = 0; step < steps; ++step) {
        SCOPED_TRACE("step " + std::to_string(step));
        Batch batch;
        for (std::uint64_t i = 0; i < 1 + random.below(6); ++i) {
            // Few enough keys to meet again, in groups that share their first bytes.
            const std::string key =
                (random.chance(1, 2) ? "common prefix " : "") + std::to_string(random.below(70));
            const Table table{static_cast<std::uint8_t>(random.below(2))};
            if (random.chance(2, 5)) {
                batch.erase(table, base::as_bytes(key));
            } else {
                const std::string value(random.below(120), static_cast<char>(random.below(256)));
                batch.put(table, base::as_bytes(key), base::as_bytes(value));
            }
        }
        const auto committed = (*store)->commit(batch);
        ASSERT_TRUE(committed.has_value()) << sentence(committed.error());
        ASSERT_TRUE(model->commit(batch));
        if (random.chance(1, 50)) {
            ASSERT_TRUE((*store)->collect(600).has_value());
        }
        if (random.chance(1, 60)) {
            store->reset();
            store = bench.open();
            ASSERT_TRUE(store.has_value()) << sentence(store.error());
        }
        if (!random.chance(1, 8)) continue;
        ASSERT_EQ(must_read(**store), must_read(*model));
        ASSERT_EQ((*store)->count(coins).value(), model->count(coins).value());
    }
    const auto verified = (*store)->verify();
    EXPECT_TRUE(verified.has_value()) << sentence(verified.error());
}

TEST(FlashLog, Snapshot_KeepsWhatItSawWhileTheLogIsCollected) {
    Bench bench;
    auto store = bench.open();
    State state;
    History history(3);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE((*store)->commit(history.next(state)));
    const State then = state;
    auto snapshot = (*store)->snapshot();
    ASSERT_TRUE(snapshot.has_value());
    for (int i = 0; i < 12; ++i) {
        if (!(*store)->commit(history.next(state))) break;  // What is pinned takes room.
    }
    EXPECT_EQ(must_read(**snapshot), then);
    snapshot->reset();
    EXPECT_TRUE((*store)->verify().has_value());
}

TEST(FlashLog, ReadOnlyLogThatWasNotClosed_GivesSnapshotsAndWritesNothing) {
    Bench bench;
    State state;
    {
        auto store = bench.open();
        History history(5);
        for (int i = 0; i < 6; ++i) ASSERT_TRUE((*store)->commit(history.next(state)));
    }
    FlashLogOptions options = cramped;
    options.read_only = true;
    auto store = bench.open(options);
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    const auto snapshot = (*store)->snapshot();
    ASSERT_TRUE(snapshot.has_value()) << sentence(snapshot.error());
    EXPECT_EQ(must_read(**snapshot), state);
    EXPECT_EQ((*store)->figures().programmed_bytes, 0U);
}

TEST(FlashLog, LargeValueWithADamagedHead_IsRefused_AndASalvageReadsTheRest) {  // B9
    Bench bench;
    State state;
    const std::string newest(700, 'n');
    {
        auto store = bench.open();
        ASSERT_TRUE(store.has_value());
        const auto commit = [&](const std::string& key, const std::string& value) {
            Batch batch;
            batch.put(blocks, base::as_bytes(key), base::as_bytes(value));
            ASSERT_TRUE((*store)->commit(batch).has_value());
            state["1" + key] = value;
        };
        commit("large", std::string(700, 'o'));
        commit("before", "1");
        commit("large", newest);
        commit("after", "2");
    }
    const base::MutableBytes bytes = bench.flash->bytes();
    const std::size_t value = base::as_text(bytes).find(newest);
    ASSERT_NE(value, std::string::npos);
    bytes[value - std::string("large").size() - 1] ^= std::byte{1};
    EXPECT_EQ(bench.open().error().code, base::Errc::corrupt);
    FlashLogOptions salvage = cramped;
    salvage.read_only = true;
    salvage.ends_at_damage = true;
    auto store = bench.open(salvage);
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    state["1large"] = std::string(700, 'o');
    EXPECT_EQ(must_read(**store), state);
}

TEST(FlashLog, UnfitOrForeignMedia_AreReported) {
    auto flash = std::make_shared<MemoryFlash>(small_flash());
    auto region = MemoryRegion::open(flash);
    ASSERT_TRUE(region.has_value());
    EXPECT_EQ(FlashLog::format(**region, 1000).error().code, base::Errc::invalid_argument);
    EXPECT_EQ(FlashLog::format(**region, 32'768).error().code, base::Errc::invalid_argument);
    const auto opened = FlashLog::open(*std::move(region), {.tables = tables});
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, base::Errc::not_found);
}

TEST(FlashLog, RecordLargerThanASegment_IsRefusedAndChangesNothing) {
    Bench bench;
    auto store = bench.open();
    const State state = fill(**store, 5, 2);
    Batch batch;
    batch.put(coins, base::as_bytes("small"), base::as_bytes("value"));
    batch.put(coins, base::as_bytes("wide"), base::Buffer(segment_bytes));
    EXPECT_EQ((*store)->commit(batch).error().code, base::Errc::too_large);
    EXPECT_FALSE((*store)->is_read_only());
    EXPECT_EQ(must_read(**store), state);
}

}  // namespace
}  // namespace meshchain::kv
