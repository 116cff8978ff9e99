// The medium fails under SQLite: no room, errors of reading, writing and syncing, once or for good,
// a medium that cannot be written. Each is a clear error and leaves the store intact.

#include "base/test_effort.h"
#include "host/store_room.h"
#include "host/test_small_disk.h"
#include "host/test_sqlite_machine.h"

namespace meshchain::host {
namespace {

using base::Errc;
using kv::test_history::History;
using kv::test_history::State;
using Call = FaultVfs::Call;
using Mode = SqliteOptions::Mode;

State must_read(kv::View& view) {
    const auto state = kv::test_history::state_of(view);
    EXPECT_TRUE(state.has_value()) << (state ? "" : sentence(state.error()));
    return state.value_or(State{});
}

void expect_clear(const base::Error& error, Errc code) {
    EXPECT_EQ(error.code, code) << sentence(error);
    EXPECT_FALSE(error.what.empty() || error.where.empty() || error.advice.empty())
        << sentence(error);
}

struct FaultCase {
    const char* name;
    Call call;
    int sqlite_code;
    Errc code;
    std::uint64_t last;  ///< of these calls that a history makes
};
void PrintTo(const FaultCase& of, std::ostream* out) { *out << of.name; }

constexpr FaultCase cases[] = {
    {"Read", Call::read, SQLITE_IOERR_READ, Errc::io, 60},
    {"Write", Call::write, SQLITE_IOERR_WRITE, Errc::io, 200},
    {"WriteWithoutRoom", Call::write, SQLITE_FULL, Errc::full, 200},
    {"Sync", Call::sync, SQLITE_IOERR_FSYNC, Errc::io, 40},
    {"Truncate", Call::truncate, SQLITE_IOERR_TRUNCATE, Errc::io, 4},
};

/// A node with a store that takes no commits is started again.
enum class Restart : std::uint8_t { closed, killed, power_cut_after_closing };

std::expected<std::unique_ptr<SqliteStore>, base::Error> restart(Machine& machine,
                                                                 std::unique_ptr<SqliteStore> store,
                                                                 Restart how) {
    if (how == Restart::killed) machine.disk.kill_process();
    store.reset();
    if (how == Restart::killed) machine.disk.restart_process();
    if (how == Restart::power_cut_after_closing) {
        base::Random random(machine.disk.steps());
        machine.disk.power_on(random);
    }
    return machine.open();
}

/// What a commit that failed must have left: the old state, and a store that says whether it
/// can go on. Returns the store that does, and what is in it.
void check_after_failure(Machine& machine, std::unique_ptr<SqliteStore>& store,
                         const kv::Batch& batch, State& state, const State& next, Restart how) {
    ASSERT_EQ(must_read(*store), state) << "a failed commit changed something";
    if (!store->is_read_only()) return;
    expect_clear(store->commit(batch).error(), Errc::unavailable);
    auto again = restart(machine, std::move(store), how);
    ASSERT_TRUE(again.has_value()) << sentence(again.error());
    store = *std::move(again);
    const State found = must_read(*store);
    ASSERT_TRUE(found == state || found == next);
    state = found;
}

class SqliteFaultTest : public testing::TestWithParam<FaultCase> {};

/// One failure after `sound` sound calls of its kind, wherever the history is by then; and a power
/// cut at the end, which shows what was really durable.
void meet_fault(const FaultCase& of, std::uint64_t sound) {
    Machine machine;
    auto opened = machine.open();
    ASSERT_TRUE(opened.has_value());
    std::unique_ptr<SqliteStore> store = *std::move(opened);
    machine.disk.fail(of.call, sound, of.sqlite_code);
    State state;
    History history(sound);
    std::uint64_t batches = 24;
    for (std::uint64_t i = 0; i < batches; ++i) {
        State next = state;
        const kv::Batch batch = history.next(next);
        const auto committed = store->commit(batch);
        if (!committed) {
            batches = i + 1 + sound / 3 % 4;  // The cut comes soon: the log still holds them.
            expect_clear(committed.error(), of.code);
            ASSERT_NO_FATAL_FAILURE(check_after_failure(machine, store, batch, state, next,
                                                        static_cast<Restart>(sound % 3)));
            if (state != next) {  // The history goes on from what the batch would have made.
                const auto repeated = store->commit(batch);
                ASSERT_TRUE(repeated.has_value()) << sentence(repeated.error());
            }
        }
        state = next;
    }
    machine.disk.mend();
    machine.disk.cut_power_after(0);
    store.reset();
    base::Random random(sound);
    machine.disk.power_on(random);
    auto survivor = machine.open();
    ASSERT_TRUE(survivor.has_value()) << sentence(survivor.error());
    EXPECT_TRUE((*survivor)->verify().has_value());
    ASSERT_EQ(must_read(**survivor), state) << "what was acknowledged was not durable";
}

TEST_P(SqliteFaultTest, OneFailure_ChangesNothingAndLosesNothingAcknowledged) {
    const std::uint64_t stride = test::effort(std::uint64_t{2}, std::uint64_t{1});
    for (std::uint64_t sound = 0; sound < GetParam().last; sound += stride) {
        SCOPED_TRACE("after " + std::to_string(sound));
        ASSERT_NO_FATAL_FAILURE(meet_fault(GetParam(), sound));
    }
}

TEST_P(SqliteFaultTest, FailureForGood_TakesNoCommitUntilTheMediumIsMended) {
    if (GetParam().call == Call::read) return;  // Then nothing can be said of the store.
    for (std::uint64_t sound = 0; sound < GetParam().last; sound += 7) {
        SCOPED_TRACE("after " + std::to_string(sound));
        Machine machine;
        auto opened = machine.open();
        std::unique_ptr<SqliteStore> store = *std::move(opened);
        machine.disk.fail(GetParam().call, sound, GetParam().sqlite_code,
                          FaultVfs::Lasts::for_good);
        State state;
        History history(sound);
        for (int i = 0; i < 24; ++i) {
            State next = state;
            const kv::Batch batch = history.next(next);
            const auto committed = store->commit(batch);
            if (committed) {
                state = next;
                continue;
            }
            ASSERT_EQ(must_read(*store), state);
            expect_clear(store->commit(batch).error(),
                         store->is_read_only() ? Errc::unavailable : GetParam().code);
            machine.disk.mend();
            ASSERT_NO_FATAL_FAILURE(
                check_after_failure(machine, store, batch, state, next, Restart::closed));
            break;
        }
        machine.disk.mend();
        State next = state;
        const auto committed = store->commit(history.next(next));
        ASSERT_TRUE(committed.has_value()) << sentence(committed.error());
        ASSERT_EQ(must_read(*store), next);
    }
}

TEST_P(SqliteFaultTest, FailureWhileOpening_IsReportedAndTheNextOpenShowsEverything) {
    for (std::uint64_t sound = 0; sound < 12; ++sound) {
        SCOPED_TRACE("after " + std::to_string(sound));
        Machine machine;
        State state;
        History history(sound);
        {
            auto store = machine.open();
            for (int i = 0; i < 10; ++i) ASSERT_TRUE((*store)->commit(history.next(state)));
            machine.disk.cut_power_after(0);  // Leaves a log to recover from.
        }
        base::Random random(sound);
        machine.disk.power_on(random);
        machine.disk.fail(GetParam().call, sound, GetParam().sqlite_code);
        {
            auto store = machine.open();
            if (!store) expect_clear(store.error(), GetParam().code);
            machine.disk.mend();
        }
        auto store = machine.open(Mode::must_exist);
        ASSERT_TRUE(store.has_value()) << sentence(store.error());
        ASSERT_EQ(must_read(**store), state);
    }
}

INSTANTIATE_TEST_SUITE_P(Medium, SqliteFaultTest, testing::ValuesIn(cases),
                         [](const auto& of) { return of.param.name; });

TEST(SqliteStore, MediumThatCannotBeWritten_IsReportedAndCanBeRead) {
    Machine machine;
    State state;
    History history(1);
    {
        auto store = machine.open();
        for (int i = 0; i < 10; ++i) ASSERT_TRUE((*store)->commit(history.next(state)));
    }
    machine.disk.set_read_only(true);
    const auto refused = machine.open(Mode::must_exist);
    ASSERT_FALSE(refused.has_value());
    expect_clear(refused.error(), Errc::io);
    EXPECT_NE(refused.error().advice.find("read-only"), std::string::npos);
    {
        auto reader = machine.open(Mode::read_only);
        ASSERT_TRUE(reader.has_value()) << sentence(reader.error());
        EXPECT_EQ(must_read(**reader), state);
    }
    machine.disk.set_read_only(false);
    auto store = machine.open(Mode::must_exist);
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    EXPECT_EQ(must_read(**store), state);
}

TEST(SqliteStore, MediumThatBecomesReadOnly_TakesNoCommitAndGoesOnServing) {
    Machine machine;
    auto store = machine.open();
    State state;
    History history(1);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE((*store)->commit(history.next(state)));
    machine.disk.set_read_only(true);
    State next = state;
    const kv::Batch batch = history.next(next);
    expect_clear((*store)->commit(batch).error(), Errc::unauthorized);
    EXPECT_EQ(must_read(**store), state);
    machine.disk.set_read_only(false);
    store->reset();
    store = machine.open(Mode::must_exist);
    ASSERT_TRUE(store.has_value()) << sentence(store.error());
    const State found = must_read(**store);
    EXPECT_TRUE(found == state || found == next);
}

void expect_readable(const std::filesystem::path& path, const State& state) {
    const auto reader =
        SqliteStore::open(path, {.tables = kv::test_history::tables}, {.mode = Mode::read_only});
    ASSERT_TRUE(reader.has_value()) << sentence(reader.error());
    EXPECT_EQ(must_read(**reader), state);
    EXPECT_TRUE((*reader)->verify().has_value());
    const auto snapshot = (*reader)->snapshot();
    ASSERT_TRUE(snapshot.has_value()) << sentence(snapshot.error());
    EXPECT_EQ(must_read(**snapshot), state);
}

TEST(SqliteFaultTest, AFullDisk_CanBeReadWithAndWithoutALogAndBesideAWriter) {  // B12
    for (const bool is_closed : {true, false}) {
        const SmallDisk disk(4096);
        if (!disk.is_mounted()) GTEST_SKIP() << "mounting is not permitted here";
        const auto path = disk.path() / "store.db";
        State state;
        {
            auto store = SqliteStore::open(path, {.tables = kv::test_history::tables});
            ASSERT_TRUE(store.has_value());
            History history(5);
            for (int i = 0; i < 8; ++i) {
                ASSERT_TRUE((*store)->commit(history.next(state)).has_value());
            }
            if (!is_closed) {  // what a killed process leaves
                std::filesystem::copy(path, disk.path() / "killed.db");
                std::filesystem::copy(path.string() + "-wal", disk.path() / "killed.db-wal");
            }
            disk.fill_up();
            expect_readable(path, state);
        }
        expect_readable(is_closed ? path : disk.path() / "killed.db", state);
    }
}

TEST(SqliteFaultTest, AFullDisk_CanBeOpenedForWritingInTheRoomThatWasKept_AgainAndAgain) {  // B12
    const SmallDisk disk(4096);
    if (!disk.is_mounted()) GTEST_SKIP() << "mounting is not permitted here";
    const auto path = disk.path() / "store.db";
    const auto open = [&] { return SqliteStore::open(path, {.tables = kv::test_history::tables}); };
    State state;
    History history(5);
    {
        auto store = open();
        for (int i = 0; i < 8; ++i) ASSERT_TRUE((*store)->commit(history.next(state)).has_value());
    }
    keep_room(path);
    disk.fill_up();
    for (int start = 0; start < 4; ++start) {
        SCOPED_TRACE(start);
        expect_clear(open().error(), Errc::full);
        use_room(path);
        {
            auto store = open();
            ASSERT_TRUE(store.has_value()) << sentence(store.error());
            EXPECT_TRUE((*store)->commit(history.next(state)).has_value()) << "what a start writes";
            EXPECT_EQ(must_read(**store), state);
        }
        keep_room(path);
    }
}

}  // namespace
}  // namespace meshchain::host
