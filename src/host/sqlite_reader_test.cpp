#include "host/sqlite_reader.h"

#include <atomic>
#include <thread>
#include <vector>

#include "host/sqlite_test_folder.h"

namespace meshchain::host {
namespace {

TEST(SqliteReader, SeesOneStateUntilRefreshed) {
    const SqliteTestFolder folder;
    auto store = folder.open();
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE((*store)->commit(block_batch(1)));
    auto reader = (*store)->open_reader();
    ASSERT_TRUE(reader.has_value()) << sentence(reader.error());
    EXPECT_EQ(checked_height(**reader), 1u);
    ASSERT_TRUE((*store)->commit(block_batch(2)));
    EXPECT_EQ(checked_height(**reader), 1u);
    (*reader)->refresh();
    EXPECT_EQ(checked_height(**reader), 2u);
}

TEST(SqliteReader, OutlivesTheStoreItReads) {
    const SqliteTestFolder folder;
    auto store = folder.open();
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE((*store)->commit(block_batch(1)));
    auto reader = (*store)->open_reader();
    ASSERT_TRUE(reader.has_value());
    EXPECT_EQ(checked_height(**reader), 1u);
    ASSERT_TRUE((*store)->close());
    EXPECT_EQ(checked_height(**reader), 1u);
}

/// B7: whoever reads while blocks are committed sees a tip that fits its blocks, and never an
/// older one than before.
TEST(SqliteReader, TipAndBlocks_AreNeverSeenHalfUpdatedByOtherThreads) {  // P5-3, P5-23
    constexpr std::uint64_t last = 150;
    const SqliteTestFolder folder;
    auto store = folder.open_unsynced();
    ASSERT_TRUE(store.has_value());
    std::vector<std::jthread> threads;
    std::atomic<std::uint64_t> views = 0;
    for (int i = 0; i < 3; ++i) {
        auto opened = (*store)->open_reader();
        ASSERT_TRUE(opened.has_value());
        threads.emplace_back([reader = *std::move(opened), &views] {
            std::uint64_t height = 0;
            while (height < last) {
                reader->refresh();
                const std::uint64_t now = checked_height(*reader);
                ASSERT_GE(now, height);
                height = now;
                ++views;
            }
        });
    }
    for (std::uint64_t height = 1; height <= last; ++height) {
        ASSERT_TRUE((*store)->commit(block_batch(height)));
    }
    threads.clear();
    EXPECT_GE(views.load(), 3u);
}

}  // namespace
}  // namespace meshchain::host
