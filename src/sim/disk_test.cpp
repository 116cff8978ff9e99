#include "sim/disk.h"

#include <gtest/gtest.h>

namespace meshchain::sim {
namespace {

constexpr kv::Table table{0};
constexpr std::array tables{kv::TableInfo{table, "numbers"}};

base::Buffer bytes_of(std::size_t number) {
    return base::to_buffer(base::as_bytes("number " + std::to_string(number)));
}

/// Commits 0, 1, … until one fails; how many were acknowledged.
std::size_t count_up(kv::Store& store, std::size_t limit) {
    for (std::size_t i = 0; i < limit; ++i) {
        kv::Batch batch;
        batch.put(table, bytes_of(i), bytes_of(i));
        if (!store.commit(batch)) return i;
    }
    return limit;
}

TEST(Disk, PowerCut_KeepsWhatWasAcknowledged) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        base::Random random(seed);
        Disk disk(DiskKind::flash, 1024);
        disk.cut_power_after(random.below(60));
        std::size_t acknowledged = 0;
        {
            const auto store = disk.open(tables);
            if (store) acknowledged = count_up(**store, 100);
        }
        EXPECT_FALSE(disk.has_power());
        disk.power_on(random);
        const auto store = disk.open(tables);
        ASSERT_TRUE(store.has_value()) << base::sentence(store.error());
        for (std::size_t i = 0; i < acknowledged; ++i) {
            EXPECT_EQ((*store)->get(table, bytes_of(i)).value(), bytes_of(i));
        }
    }
}

TEST(Disk, Full_RefusesUntilThereIsRoom) {
    Disk disk(DiskKind::flash, 1024);
    const auto store = disk.open(tables);
    disk.set_full(true);
    EXPECT_EQ(count_up(**store, 5), 0U);
    disk.set_full(false);
    EXPECT_EQ(count_up(**store, 5), 5U);
}

TEST(Disk, Slow_TellsHowLongItWasBusy) {
    Disk disk(DiskKind::flash, 1024);
    disk.set_slow(std::chrono::milliseconds(3));
    const auto store = disk.open(tables);
    disk.take_busy();
    const std::uint64_t before = disk.steps();
    count_up(**store, 5);
    EXPECT_GT(disk.steps(), before);
    EXPECT_EQ(disk.take_busy(), std::chrono::milliseconds(3) * (disk.steps() - before));
    EXPECT_EQ(disk.take_busy(), base::Duration{});
}

TEST(Disk, Wiped_IsEmptyAndWorks) {
    for (const DiskKind kind : {DiskKind::flash, DiskKind::memory}) {
        Disk disk(kind, 1024);
        count_up(**disk.open(tables), 5);
        disk.wipe();
        const auto store = disk.open(tables);
        EXPECT_EQ((*store)->count(table).value(), 0U);
        EXPECT_EQ(count_up(**store, 5), 5U);
    }
}

TEST(Disk, Rot_IsNeverReadAsSound) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        base::Random random(seed);
        Disk disk(DiskKind::flash, 1024);
        count_up(**disk.open(tables), 200);
        disk.rot(random, 2000);
        const auto store = disk.open(tables);
        if (!store) continue;  // says so itself, which is as good
        for (std::size_t i = 0; i < 200; ++i) {
            const auto found = (*store)->get(table, bytes_of(i));
            if (found && *found) {
                EXPECT_EQ(**found, bytes_of(i));
            }
        }
    }
}

}  // namespace
}  // namespace meshchain::sim
