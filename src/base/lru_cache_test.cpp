#include "base/lru_cache.h"

#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace meshchain::base {
namespace {

TEST(LruCache, EntryDearerThanTheCache_IsNotKeptAndEvictsNothing) {
    LruCache<int, std::string> cache(10);
    ASSERT_TRUE(cache.put(1, "one", 10));
    EXPECT_FALSE(cache.put(2, "two", 11));
    EXPECT_TRUE(cache.contains(1));
    EXPECT_FALSE(cache.contains(2));
}

TEST(LruCache, ReplacementThatDoesNotFit_LeavesNoStaleValue) {
    LruCache<int, std::string> cache(10);
    ASSERT_TRUE(cache.put(1, "old", 5));
    EXPECT_FALSE(cache.put(1, "new", 11));
    EXPECT_EQ(cache.get(1), nullptr);
    EXPECT_EQ(cache.cost(), 0U);
}

TEST(LruCache, WithoutCapacity_KeepsNothing) {
    LruCache<int, int> cache(0);
    EXPECT_FALSE(cache.put(1, 1));
    EXPECT_EQ(cache.get(1), nullptr);
}

TEST(LruCache, LeastRecentlyUsed_GoesFirst) {
    LruCache<int, int> cache(3);
    for (const int key : {1, 2, 3}) cache.put(key, key);
    ASSERT_NE(cache.get(1), nullptr);
    cache.put(4, 4);
    EXPECT_FALSE(cache.contains(2)) << "1 was used after it";
    EXPECT_TRUE(cache.contains(1));
    EXPECT_EQ(cache.evictions(), 1U);
}

TEST(LruCache, LookingWithContains_IsNoUse) {
    LruCache<int, int> cache(2);
    cache.put(1, 1);
    cache.put(2, 2);
    EXPECT_TRUE(cache.contains(1));
    cache.put(3, 3);
    EXPECT_FALSE(cache.contains(1));
}

TEST(LruCache, Replacing_CountsTheNewCostOnly) {
    LruCache<int, std::string> cache(10);
    cache.put(1, "a", 9);
    cache.put(1, "b", 2);
    EXPECT_EQ(cache.cost(), 2U);
    EXPECT_EQ(cache.size(), 1U);
    EXPECT_EQ(*cache.get(1), "b");
    EXPECT_EQ(cache.evictions(), 0U) << "a replacement is no eviction";
}

TEST(LruCache, DearEntry_EvictsAsManyAsItNeeds) {
    LruCache<int, int> cache(10);
    for (int key = 0; key < 10; ++key) cache.put(key, key);
    cache.put(10, 10, 7);
    EXPECT_EQ(cache.cost(), 10U);
    EXPECT_EQ(cache.size(), 4U);
    EXPECT_FALSE(cache.contains(6));
    EXPECT_TRUE(cache.contains(7));
}

TEST(LruCache, Erased_FreesItsCost) {
    LruCache<int, int> cache(4);
    cache.put(1, 1, 4);
    EXPECT_TRUE(cache.erase(1));
    EXPECT_FALSE(cache.erase(1));
    EXPECT_EQ(cache.cost(), 0U);
    EXPECT_TRUE(cache.put(2, 2, 4));
    cache.clear();
    EXPECT_EQ(cache.size(), 0U);
    EXPECT_EQ(cache.cost(), 0U);
}

TEST(LruCache, RandomHistory_NeverExceedsCapacityNorForgetsTheNewest) {
    constexpr std::uint64_t seed = 7;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    LruCache<std::uint64_t, std::uint64_t> cache(100);
    for (int step = 0; step < 20'000; ++step) {
        const std::uint64_t key = random.below(60);
        const std::size_t cost = random.below(30);
        if (random.chance(1, 8)) {
            cache.erase(key);
            ASSERT_FALSE(cache.contains(key));
        } else {
            ASSERT_TRUE(cache.put(key, key * 3, cost));
            ASSERT_EQ(*cache.get(key), key * 3);
        }
        ASSERT_LE(cache.cost(), cache.capacity());
    }
}

}  // namespace
}  // namespace meshchain::base
