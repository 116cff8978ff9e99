#pragma once
// What every engine promises, as one suite. Only test files include it, one in a program:
//
//     INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(Engine{...}),
//     engine_name);
//
// An engine brings a Medium: what remains when the process is gone.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/test_effort.h"
#include "kv/store.h"

namespace meshchain::kv::conformance {

class Medium {
public:
    virtual ~Medium() = default;
    virtual std::expected<std::unique_ptr<Store>, base::Error> open(const StoreOptions&) = 0;
    /// The process dies: the store is gone without close(), the medium stays as it was.
    virtual void crash(std::unique_ptr<Store> store) { store.reset(); }
    /// Inverts a bit of the stored value while no store is open.
    virtual void damage_value(Table table, base::Bytes key, base::Bytes value) = 0;
};

struct Engine {
    std::string name;
    std::function<std::unique_ptr<Medium>()> make_medium;
};

inline void PrintTo(const Engine& engine, std::ostream* out) { *out << engine.name; }

inline std::string engine_name(const testing::TestParamInfo<Engine>& info) {
    return info.param.name;
}

inline constexpr Table coins{0};
inline constexpr Table blocks{1};
inline constexpr Table state{31};
inline constexpr TableInfo tables[] = {{coins, "coins"}, {blocks, "blocks"}, {state, "state"}};

inline base::Buffer bytes(std::string_view text) { return base::to_buffer(base::as_bytes(text)); }
inline base::Buffer filled(std::size_t size, unsigned char with) {
    return base::Buffer(size, std::byte{with});
}

class StoreConformance : public testing::TestWithParam<Engine> {
protected:
    void SetUp() override {
        medium_ = GetParam().make_medium();
        open();
    }

    void open(std::uint64_t quota_bytes = 0) {
        auto opened = medium_->open({.tables = tables, .quota_bytes = quota_bytes});
        ASSERT_TRUE(opened.has_value()) << sentence(opened.error());
        store_ = *std::move(opened);
    }
    void restart(std::uint64_t quota_bytes = 0) {
        store_.reset();
        open(quota_bytes);
    }
    void crash() {
        medium_->crash(std::move(store_));
        open();
    }

    void put(Table table, std::string_view key, std::string_view value) {
        Batch batch;
        batch.put(table, base::as_bytes(key), base::as_bytes(value));
        const auto committed = store_->commit(batch);
        ASSERT_TRUE(committed.has_value()) << sentence(committed.error());
    }
    base::Errc refusal(const Batch& batch) {
        const auto committed = store_->commit(batch);
        EXPECT_FALSE(committed.has_value());
        return committed ? base::Errc::timeout : committed.error().code;
    }

    /// The value as text, "-" when absent, "!code" for an Error.
    static std::string read(View& view, Table table, std::string_view key) {
        const auto got = view.get(table, base::as_bytes(key));
        if (!got) return "!" + std::string(name(got.error().code));
        if (!*got) return "-";
        return std::string(base::as_text(**got));
    }
    std::string read(Table table, std::string_view key) { return read(*store_, table, key); }

    /// "key=value" of each entry, in the order visited; "!code" alone for an Error.
    static std::vector<std::string> entries(View& view, const Range& range) {
        std::vector<std::string> found;
        const auto visited = view.scan(range, [&](base::Bytes key, base::Bytes value) {
            found.push_back(std::string(base::as_text(key)) + "=" +
                            std::string(base::as_text(value)));
            return true;
        });
        if (!visited) return {"!" + std::string(name(visited.error().code))};
        EXPECT_EQ(*visited, found.size());
        return found;
    }
    std::vector<std::string> entries(const Range& range) { return entries(*store_, range); }

    std::unique_ptr<Medium> medium_;
    std::unique_ptr<Store> store_;
};

using Strings = std::vector<std::string>;

TEST_P(StoreConformance, Damage_InAValue_IsReportedAndNeverReturned) {  // P5-6
    put(coins, "damaged", "a value that the medium will change");
    put(coins, "sound", "another");
    ASSERT_TRUE(store_->close());
    store_.reset();
    medium_->damage_value(coins, base::as_bytes("damaged"),
                          base::as_bytes("a value that the medium will change"));
    open();
    EXPECT_EQ(read(coins, "damaged"), "!corrupt");
    EXPECT_EQ(read(coins, "sound"), "another");
    EXPECT_EQ(entries({.table = coins}), Strings{"!corrupt"});
    const auto verified = store_->verify();
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().code, base::Errc::corrupt);
    EXPECT_GE(store_->stats().corruptions, 2u);
}

TEST_P(StoreConformance, Damage_Overwritten_IsHealed) {
    put(coins, "key", "a value that the medium will change");
    ASSERT_TRUE(store_->close());
    store_.reset();
    medium_->damage_value(coins, base::as_bytes("key"),
                          base::as_bytes("a value that the medium will change"));
    open();
    put(coins, "key", "fetched again from a peer");
    EXPECT_EQ(read(coins, "key"), "fetched again from a peer");
    EXPECT_TRUE(store_->verify().has_value());
}

TEST_P(StoreConformance, Batch_OverALimit_IsRefusedWhole) {
    Batch batch;
    batch.put(coins, bytes("fits"), bytes("value"));
    batch.put(coins, filled(key_bytes_max + 1, 1), bytes("value"));
    batch.put(coins, bytes("fits too"), bytes("value"));
    EXPECT_EQ(refusal(batch), base::Errc::too_large);

    batch.clear();
    batch.put(coins, bytes("fits"), filled(value_bytes_max + 1, 1));
    EXPECT_EQ(refusal(batch), base::Errc::too_large);

    batch.clear();
    batch.put(coins, {}, bytes("value"));
    EXPECT_EQ(refusal(batch), base::Errc::invalid_argument);

    EXPECT_EQ(store_->count(coins), 0u);
    EXPECT_FALSE(store_->is_read_only());
    EXPECT_EQ(store_->stats().commits_failed, 3u);
}

TEST_P(StoreConformance, Batch_OfTooManyBytes_IsRefusedWhole) {
    Batch batch;
    const base::Buffer value = filled(value_bytes_max, 7);
    for (std::size_t i = 0; i * value_bytes_max <= batch_bytes_max; ++i) {
        batch.put(coins, bytes("key" + std::to_string(i)), value);
    }
    EXPECT_EQ(refusal(batch), base::Errc::too_large);
    EXPECT_EQ(store_->count(coins), 0u);
}

TEST_P(StoreConformance, Batch_OfTheLargestSize_SurvivesACrash) {
    Batch batch;
    for (std::size_t i = 0; i < batch_operations_max; ++i) {
        batch.put(coins, bytes("key" + std::to_string(i)), filled(40, 9));
    }
    ASSERT_TRUE(store_->commit(batch));
    batch.erase(coins, bytes("one more"));
    EXPECT_EQ(refusal(batch), base::Errc::too_large);
    crash();
    EXPECT_EQ(store_->count(coins), batch_operations_max);
}

TEST_P(StoreConformance, Tables_ThatAreNoSchema_AreRefusedAtOpen) {
    store_.reset();
    const TableInfo twice[] = {{coins, "coins"}, {coins, "others"}};
    const TableInfo same_name[] = {{coins, "coins"}, {blocks, "coins"}};
    const TableInfo out_of_range[] = {{Table{tables_max}, "coins"}};
    const TableInfo injection[] = {{coins, "coins\"; DROP TABLE x; --"}};
    const TableInfo unnamed[] = {{coins, ""}};
    for (const std::span<const TableInfo> bad :
         {std::span<const TableInfo>(twice), std::span<const TableInfo>(same_name),
          std::span<const TableInfo>(out_of_range), std::span<const TableInfo>(injection),
          std::span<const TableInfo>(unnamed)}) {
        const auto opened = medium_->open({.tables = bad});
        ASSERT_FALSE(opened.has_value());
        EXPECT_EQ(opened.error().code, base::Errc::invalid_argument);
    }
}

TEST_P(StoreConformance, Tables_Renumbered_AreRefusedAtOpen) {
    store_.reset();
    const TableInfo swapped[] = {{blocks, "coins"}, {coins, "blocks"}};
    const auto opened = medium_->open({.tables = swapped});
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, base::Errc::conflict);
    open();
}

TEST_P(StoreConformance, Tables_AddedLater_JoinTheOldOnes) {
    put(coins, "key", "old");
    store_.reset();
    const TableInfo more[] = {{coins, "coins"}, {Table{7}, "votes"}};
    auto opened = medium_->open({.tables = more});
    ASSERT_TRUE(opened.has_value()) << sentence(opened.error());
    store_ = *std::move(opened);
    put(Table{7}, "key", "new");
    EXPECT_EQ(read(coins, "key"), "old");
    EXPECT_EQ(read(Table{7}, "key"), "new");
    restart();  // Declares fewer again: what it does not know is left alone.
    EXPECT_EQ(read(coins, "key"), "old");
}

TEST_P(StoreConformance, SecondStore_OnAMediumInUse_IsLockedOut) {
    const auto second = medium_->open({.tables = tables});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, base::Errc::locked);
    put(coins, "key", "the first goes on");
}

TEST_P(StoreConformance, Close_MakesEveryLaterCallFail) {
    put(coins, "key", "value");
    ASSERT_TRUE(store_->close());
    EXPECT_EQ(read(coins, "key"), "!closed");
    EXPECT_EQ(entries({.table = coins}), Strings{"!closed"});
    Batch batch;
    batch.erase(coins, bytes("key"));
    EXPECT_EQ(refusal(batch), base::Errc::closed);
    EXPECT_FALSE(store_->count(coins).has_value());
    EXPECT_FALSE(store_->snapshot().has_value());
    EXPECT_FALSE(store_->verify().has_value());
    EXPECT_TRUE(store_->close().has_value());
    open();  // The closed one is still there, and does not stand in the way.
    EXPECT_EQ(read(coins, "key"), "value");
}

TEST_P(StoreConformance, Close_WithASnapshotOpen_IsRefused) {
    auto snapshot = store_->snapshot();
    ASSERT_TRUE(snapshot.has_value());
    const auto closed = store_->close();
    ASSERT_FALSE(closed.has_value());
    EXPECT_EQ(closed.error().code, base::Errc::locked);
    snapshot->reset();
    EXPECT_TRUE(store_->close().has_value());
}

TEST_P(StoreConformance, Crash_AfterCommit_KeepsEveryTableOfTheBatch) {  // P5-1, P5-7
    Batch batch;
    batch.put(blocks, bytes("block 1"), bytes("bytes"));
    batch.put(coins, bytes("coin"), bytes("5"));
    batch.put(state, bytes("tip"), bytes("block 1"));
    ASSERT_TRUE(store_->commit(batch));
    crash();
    EXPECT_EQ(read(blocks, "block 1"), "bytes");
    EXPECT_EQ(read(coins, "coin"), "5");
    EXPECT_EQ(read(state, "tip"), "block 1");
}

TEST_P(StoreConformance, Batch_TheLastOperationOnAKeyWins) {
    Batch batch;
    batch.put(coins, bytes("a"), bytes("1"));
    batch.put(coins, bytes("a"), bytes("2"));
    batch.erase(coins, bytes("b"));
    batch.put(coins, bytes("b"), bytes("3"));
    batch.put(coins, bytes("c"), bytes("4"));
    batch.erase(coins, bytes("c"));
    ASSERT_TRUE(store_->commit(batch));
    EXPECT_EQ(entries({.table = coins}), (Strings{"a=2", "b=3"}));
}

TEST_P(StoreConformance, Batch_Empty_CommitsForFree) {
    EXPECT_TRUE(store_->commit(Batch{}).has_value());
}

TEST_P(StoreConformance, Erase_OfAnAbsentKey_ChangesNothing) {
    Batch batch;
    batch.erase(coins, bytes("nobody"));
    EXPECT_TRUE(store_->commit(batch).has_value());
    EXPECT_EQ(store_->count(coins), 0u);
}

TEST_P(StoreConformance, Get_KnowsOneTableFromAnother) {
    put(coins, "key", "coin");
    EXPECT_EQ(read(blocks, "key"), "-");
    EXPECT_EQ(read(coins, "key"), "coin");
    EXPECT_EQ(read(coins, ""), "-");
    EXPECT_EQ(read(coins, std::string(key_bytes_max + 1, 'x')), "-");
}

TEST_P(StoreConformance, GetInto_ReplacesWhatTheBufferHeld) {
    put(coins, "key", "new");
    base::Buffer value = bytes("a longer old content");
    EXPECT_EQ(store_->get_into(coins, bytes("key"), value), true);
    EXPECT_EQ(value, bytes("new"));
    EXPECT_EQ(store_->get_into(coins, bytes("absent"), value), false);
    EXPECT_TRUE(value.empty());
}

TEST_P(StoreConformance, Values_OfEverySizeAndByte_ComeBackAfterACrash) {
    const std::vector<base::Buffer> values{
        {}, filled(1, 0), filled(4096, 0xff), filled(value_bytes_max, 0xa5)};
    Batch batch;
    for (std::size_t i = 0; i < values.size(); ++i) {
        batch.put(coins, filled(key_bytes_max, static_cast<unsigned char>(i * 85)), values[i]);
    }
    ASSERT_TRUE(store_->commit(batch));
    crash();
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto got =
            store_->get(coins, filled(key_bytes_max, static_cast<unsigned char>(i * 85)));
        ASSERT_TRUE(got.has_value() && got->has_value());
        EXPECT_EQ(**got, values[i]);
    }
}

TEST_P(StoreConformance, Scan_FollowsUnsignedByteOrder) {
    for (const std::string_view key : {"\x7f", "\x80", "\xff", "a", "ab", "b", "\x01"}) {
        put(coins, key, ".");
    }
    put(coins, std::string_view("\0", 1), ".");
    const Strings ascending{
        std::string("\0=.", 3), "\x01=.", "a=.", "ab=.", "b=.", "\x7f=.", "\x80=.", "\xff=."};
    EXPECT_EQ(entries({.table = coins}), ascending);
    EXPECT_EQ(entries({.table = coins, .reverse = true}),
              Strings(ascending.rbegin(), ascending.rend()));
}

TEST_P(StoreConformance, Scan_StaysInsideItsBounds) {
    for (const std::string_view key : {"a", "b", "c", "d"}) put(coins, key, ".");
    const base::Buffer b = bytes("b");
    const base::Buffer d = bytes("d");
    EXPECT_EQ(entries({.table = coins, .from = b, .to = d}), (Strings{"b=.", "c=."}));
    EXPECT_EQ(entries({.table = coins, .from = b, .to = d, .reverse = true}),
              (Strings{"c=.", "b=."}));
    EXPECT_EQ(entries({.table = coins, .from = b}), (Strings{"b=.", "c=.", "d=."}));
    EXPECT_EQ(entries({.table = coins, .to = b}), Strings{"a=."});
    EXPECT_EQ(entries({.table = coins, .to = b, .reverse = true}), Strings{"a=."});
    EXPECT_EQ(entries({.table = coins, .reverse = true, .limit = 1}), Strings{"d=."});
    EXPECT_EQ(entries({.table = coins, .limit = 0}), Strings{});
    EXPECT_EQ(entries({.table = coins, .from = d, .to = b}), Strings{});
    EXPECT_EQ(entries({.table = coins, .from = b, .to = b}), Strings{});
    EXPECT_EQ(entries({.table = blocks}), Strings{});
}

TEST_P(StoreConformance, Scan_OfAPrefix_EndsWithIt) {
    put(coins, "a\xff", ".");
    put(coins, "a\xff\xff", ".");
    put(coins, "b", ".");
    const base::Buffer prefix = bytes("a\xff");
    const base::Buffer end = end_of_prefix(prefix);
    EXPECT_EQ(entries({.table = coins, .from = prefix, .to = end}),
              (Strings{"a\xff=.", "a\xff\xff=."}));
}

TEST_P(StoreConformance, Scan_StopsWhenTheVisitorHasEnough) {
    for (const std::string_view key : {"a", "b", "c"}) put(coins, key, ".");
    std::size_t seen = 0;
    const auto visited =
        store_->scan({.table = coins}, [&](base::Bytes, base::Bytes) { return ++seen < 2; });
    EXPECT_EQ(visited, 2u);
    put(coins, "d", "a scan that stopped early holds nothing up");
    ASSERT_TRUE(store_->close());
}

TEST_P(StoreConformance, Snapshot_IsUnmovedByLaterCommits) {  // P5-3
    put(coins, "spent", "1");
    put(state, "height", "1");
    auto snapshot = store_->snapshot();
    ASSERT_TRUE(snapshot.has_value());
    Batch batch;
    batch.erase(coins, bytes("spent"));
    batch.put(coins, bytes("made"), bytes("2"));
    batch.put(state, bytes("height"), bytes("2"));
    ASSERT_TRUE(store_->commit(batch));

    EXPECT_EQ(read(**snapshot, state, "height"), "1");
    EXPECT_EQ(entries(**snapshot, {.table = coins}), Strings{"spent=1"});
    EXPECT_EQ((*snapshot)->count(coins), 1u);
    EXPECT_EQ(read(state, "height"), "2");
    EXPECT_EQ(entries({.table = coins}), Strings{"made=2"});
}

TEST_P(StoreConformance, Snapshots_AreBounded) {
    std::vector<std::unique_ptr<View>> open_snapshots;
    for (std::size_t i = 0; i < snapshots_max; ++i) {
        auto snapshot = store_->snapshot();
        ASSERT_TRUE(snapshot.has_value());
        open_snapshots.push_back(*std::move(snapshot));
    }
    const auto one_more = store_->snapshot();
    ASSERT_FALSE(one_more.has_value());
    EXPECT_EQ(one_more.error().code, base::Errc::full);
    EXPECT_EQ(store_->stats().snapshots_open, snapshots_max);
    open_snapshots.pop_back();
    EXPECT_TRUE(store_->snapshot().has_value());
}

TEST_P(StoreConformance, Quota_UsedUp_RefusesPutsAndRecoversAfterErasing) {  // P5-15
    constexpr std::uint64_t limit = 1'000'000;
    restart(limit);
    Batch batch;
    std::size_t stored = 0;
    for (;; ++stored) {
        batch.clear();
        batch.put(blocks, bytes("block" + std::to_string(stored)), filled(16'000, 3));
        if (!store_->commit(batch)) break;
        ASSERT_LT(stored, 100u);
    }
    EXPECT_EQ(refusal(batch), base::Errc::full);
    EXPECT_EQ(store_->count(blocks), stored);
    EXPECT_GE(stored, 40u);
    EXPECT_GE(store_->quota().level(), QuotaLevel::warning_95);
    EXPECT_FALSE(store_->is_read_only());

    batch.clear();
    for (std::size_t i = 0; i < stored / 2; ++i) {
        batch.erase(blocks, bytes("block" + std::to_string(i)));
    }
    ASSERT_TRUE(store_->commit(batch));
    EXPECT_EQ(store_->quota().level(), QuotaLevel::ok);
    put(blocks, "block0", "room again");
}

TEST_P(StoreConformance, Quota_KeepsAReserveForBatchesThatMakeRoom) {
    constexpr std::uint64_t limit = 1'000'000;
    restart(limit);
    Batch batch;
    for (std::size_t i = 0;; ++i) {
        batch.clear();
        batch.put(blocks, bytes("block" + std::to_string(i)), filled(16'000, 3));
        if (!store_->commit(batch)) break;
    }
    batch.allow_reserve();
    EXPECT_TRUE(store_->commit(batch).has_value());
    batch.put(blocks, bytes("too much"), filled(80'000, 3));
    EXPECT_EQ(refusal(batch), base::Errc::full);
}

TEST_P(StoreConformance, Quota_CountsWhatIsThereAfterARestart) {
    Batch batch;
    batch.put(blocks, bytes("block"), filled(100'000, 3));
    ASSERT_TRUE(store_->commit(batch));
    restart(200'000);
    EXPECT_GE(store_->quota().used_bytes, 100'000u);
    EXPECT_EQ(store_->quota().limit_bytes, 200'000u);
}

TEST_P(StoreConformance, Sequence_RisesWithEveryCommit_AndNeverFalls) {  // B6
    std::uint64_t last = store_->sequence();
    for (int round = 0; round < 6; ++round) {
        for (int i = 0; i < 5; ++i) {
            put(coins, std::to_string(i), std::to_string(round));
            ASSERT_GT(store_->sequence(), last);
            last = store_->sequence();
        }
        Batch none;
        ASSERT_TRUE(store_->commit(none).has_value());
        if (round % 2 == 0) {
            ASSERT_NO_FATAL_FAILURE(crash());
        } else {
            ASSERT_TRUE(store_->close().has_value());
            ASSERT_NO_FATAL_FAILURE(restart());
        }
        ASSERT_GE(store_->sequence(), last);
        last = store_->sequence();
    }
}

TEST_P(StoreConformance, Stats_CountWhatWasDone) {
    put(coins, "key", "value");
    (void)read(coins, "key");
    (void)read(coins, "absent");
    (void)entries({.table = coins});
    const Stats stats = store_->stats();
    EXPECT_EQ(stats.commits, 1u);
    EXPECT_EQ(stats.operations, 1u);
    EXPECT_EQ(stats.bytes_written, 8u);
    EXPECT_EQ(stats.reads, 2u);
    EXPECT_EQ(stats.reads_found, 1u);
    EXPECT_EQ(stats.scans, 1u);
    EXPECT_EQ(stats.entries_visited, 1u);
    EXPECT_EQ(stats.corruptions, 0u);
}

/// A table as a plain map of text: too simple to be wrong.
using Model = std::map<std::string, std::string>;

inline Strings model_entries(const Model& model, const std::string& from, const std::string& to) {
    Strings found;
    for (const auto& [key, value] : model) {
        // std::string compares as unsigned char, which is the order of kv.
        if (key >= from && (to.empty() || key < to)) found.push_back(key + "=" + value);
    }
    return found;
}

TEST_P(StoreConformance, RandomHistory_WithCrashes_EqualsAPlainMap) {
    constexpr std::uint64_t seed = 20'261'121;
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    const auto random_key = [&] {
        std::string key(1 + random.below(3), '\0');
        for (char& letter : key) letter = static_cast<char>(random.below(4) * 85);
        return key;
    };
    Model model;
    const int steps = test::effort(600, 1'000'000);
    for (int step = 0; step < steps; ++step) {
        Batch batch;
        for (std::uint64_t i = random.below(8); i > 0; --i) {
            const std::string key = random_key();
            if (random.chance(1, 3)) {
                batch.erase(coins, base::as_bytes(key));
                model.erase(key);
            } else {
                model[key] = std::string(random.below(300), static_cast<char>(random.below(256)));
                batch.put(coins, base::as_bytes(key), base::as_bytes(model[key]));
            }
        }
        ASSERT_TRUE(store_->commit(batch));
        if (random.chance(1, 40)) crash();
        if (random.chance(1, 40)) restart();
        const std::string from = random_key();
        const std::string to = random.chance(1, 3) ? std::string() : random_key();
        Strings expected = model_entries(model, from, to);
        const bool reverse = random.chance(1, 2);
        if (reverse) expected = Strings(expected.rbegin(), expected.rend());
        ASSERT_EQ(entries({.table = coins,
                           .from = base::as_bytes(from),
                           .to = base::as_bytes(to),
                           .reverse = reverse}),
                  expected)
            << "step " << step;
        const auto found = model.find(from);
        ASSERT_EQ(read(coins, from), found == model.end() ? "-" : found->second);
        ASSERT_EQ(store_->count(coins), model.size());
    }
}

}  // namespace meshchain::kv::conformance
