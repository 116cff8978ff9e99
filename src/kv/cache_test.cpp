#include <gtest/gtest.h>

#include "base/lru_cache.h"
#include "base/random.h"
#include "kv/block_cache.h"
#include "kv/coin_cache.h"
#include "kv/memory_cache.h"
#include "kv/test_allocations.h"

namespace meshchain::kv {
namespace {

using namespace std::chrono_literals;
using base::as_bytes;

constexpr base::Instant start{};

/// Room for `entries` whose keys and values have so many bytes together.
MemoryCache::Options room_for(std::size_t entries, std::size_t bytes_each) {
    return {.capacity_bytes = entries * (MemoryCache().entry_bytes() + bytes_each),
            .time_to_live = 10s};
}

std::string read(MemoryCache& cache, base::Instant now, std::string_view key) {
    const auto value = cache.get(now, as_bytes(key));
    return value ? std::string(base::as_text(*value)) : "-";
}

TEST(MemoryCache, ExpiredEntries_LeaveOnEveryOperation) {  // P5-14
    const auto filled = [] {
        auto cache = std::make_unique<MemoryCache>(room_for(1, 100));
        EXPECT_TRUE(cache->put(start, as_bytes("old"), as_bytes("value")));
        EXPECT_EQ(cache->bytes(start + 10s - 1ns), cache->entry_bytes() + 8);
        return cache;
    };
    const base::Instant later = start + 10s;
    EXPECT_EQ(read(*filled(), later, "old"), "-");
    EXPECT_FALSE(filled()->contains(later, as_bytes("old")));
    EXPECT_FALSE(filled()->erase(later, as_bytes("old")));
    EXPECT_EQ(filled()->size(later), 0u);
    EXPECT_EQ(filled()->bytes(later), 0u);
    EXPECT_EQ(filled()->stats(later).expirations, 1u);
    const auto cache = filled();
    EXPECT_TRUE(cache->put(later, as_bytes("new"), as_bytes(std::string(97, 'x'))));
    EXPECT_EQ(cache->stats(later).evictions, 0u);  // The expired one made the room.
}

TEST(MemoryCache, Reading_DoesNotProlongALife) {
    MemoryCache cache(room_for(3, 100));
    cache.put(start, as_bytes("key"), as_bytes("value"));
    EXPECT_EQ(read(cache, start + 9s, "key"), "value");
    EXPECT_EQ(read(cache, start + 10s, "key"), "-");
    cache.put(start, as_bytes("key"), as_bytes("value"), 1s);
    cache.put(start + 500ms, as_bytes("key"), as_bytes("again"), 1s);
    EXPECT_EQ(read(cache, start + 1s, "key"), "again");
}

TEST(MemoryCache, EndlessLife_DoesNotOverflowTheClock) {
    MemoryCache cache({.time_to_live = base::Duration::max()});
    EXPECT_TRUE(cache.put(start + 1h, as_bytes("key"), as_bytes("value")));
    EXPECT_EQ(read(cache, start + 24h, "key"), "value");
    EXPECT_FALSE(cache.put(start + 24h, as_bytes("key"), as_bytes("value"), 0s));
    EXPECT_EQ(read(cache, start + 24h, "key"), "-");
}

TEST(MemoryCache, TheLeastRecentlyUsed_MakesRoom) {  // P5-2
    MemoryCache cache(room_for(3, 2));
    for (const char* key : {"a", "b", "c"}) cache.put(start, as_bytes(key), as_bytes("1"));
    EXPECT_EQ(read(cache, start, "a"), "1");
    cache.put(start, as_bytes("d"), as_bytes("1"));
    EXPECT_EQ(read(cache, start, "b"), "-");
    EXPECT_EQ(read(cache, start, "a"), "1");
    EXPECT_EQ(cache.stats(start).evictions, 1u);
}

TEST(MemoryCache, EntryLargerThanTheCache_IsNotKeptAndEvictsNobodyElse) {
    MemoryCache cache(room_for(2, 2));
    cache.put(start, as_bytes("a"), as_bytes("1"));
    cache.put(start, as_bytes("b"), as_bytes("2"));
    EXPECT_FALSE(cache.put(start, as_bytes("b"), base::Buffer(cache.entry_bytes() + 5)));
    EXPECT_EQ(read(cache, start, "a"), "1");
    EXPECT_EQ(read(cache, start, "b"), "-");
}

TEST(MemoryCache, Statistics_CountHitsAndMisses) {
    MemoryCache cache;
    EXPECT_EQ(cache.capacity_bytes(), 51'200u);
    cache.put(start, as_bytes("key"), as_bytes("value"));
    (void)read(cache, start, "key");
    (void)read(cache, start, "absent");
    (void)cache.contains(start, as_bytes("key"));
    EXPECT_EQ(cache.stats(start).hits, 1u);
    EXPECT_EQ(cache.stats(start).misses, 1u);
    cache.clear();
    EXPECT_EQ(cache.size(start), 0u);
    cache.check_invariants();
}

/// Beside a plain model, and beside what operator new has given out.
TEST(MemoryCache, RandomUse_CountsWhatIsAllocatedToTheByteAndNeverPassesTheBound) {
    constexpr std::uint64_t seed = 50;
    constexpr std::size_t capacity = 4000;
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    struct Kept {
        base::Buffer value;
        base::Instant expires;
    };
    std::map<std::string, Kept> model;
    const std::size_t before = test_memory::allocated;
    auto cache = std::make_unique<MemoryCache>(
        MemoryCache::Options{.capacity_bytes = capacity, .time_to_live = 1s});
    const std::size_t empty = test_memory::allocated;
    EXPECT_EQ(empty - before, sizeof(MemoryCache));
    base::Instant now = start;
    for (int step = 0; step < 20'000; ++step) {
        const std::string key(random.below(30), static_cast<char>('a' + random.below(3)));
        const base::Buffer value(random.below(400), static_cast<std::byte>(step));
        const base::Instant before_step = now;
        now += random.between(0ms, 50ms);
        const base::Duration life = random.between(1ms, 2s);
        const std::uint64_t operation = random.below(40);
        const std::size_t held = test_memory::allocated;
        const std::size_t counted = cache->bytes(before_step);
        test_memory::allocated_peak = held;
        bool kept = false;
        switch (operation) {
            case 0: cache->clear(); break;
            case 1: static_cast<void>(cache->erase(now, as_bytes(key))); break;
            default:
                if (operation % 2 == 0) {
                    static_cast<void>(cache->get(now, as_bytes(key)));
                } else {
                    kept = cache->put(now, as_bytes(key), value, life);
                }
        }
        const std::size_t bytes = cache->bytes(now);
        ASSERT_LE(bytes, capacity);
        ASSERT_LE(counted + test_memory::allocated_peak - held, capacity) << "on the way";
        ASSERT_EQ(test_memory::allocated - held, bytes - counted) << "step " << step;
        if (operation == 0) model.clear();
        if (operation == 1 || (operation > 1 && operation % 2 == 1)) model.erase(key);
        if (kept) model[key] = {value, now + life};
        const auto found = cache->get(now, as_bytes(key));
        const auto expected = model.find(key);
        if (found) {
            ASSERT_TRUE(expected != model.end() && expected->second.expires > now);
            ASSERT_TRUE(base::equal(*found, expected->second.value));
        }
        cache->check_invariants();
    }
    EXPECT_GT(cache->stats(now).evictions, 0u);
    EXPECT_GT(cache->stats(now).expirations, 0u);
    cache.reset();
    model.clear();
    EXPECT_EQ(test_memory::allocated, before) << "nothing is left";
}

TEST(BlockCache, Window_MovesWithTheTip) {
    BlockCache<int> cache;
    for (int height = 1; height <= 25; ++height) {
        EXPECT_TRUE(cache.put(static_cast<std::uint64_t>(height), height));
    }
    EXPECT_EQ(cache.size(), 10u);
    EXPECT_EQ(cache.get(15), nullptr);
    for (int height = 16; height <= 25; ++height) {
        ASSERT_NE(cache.get(static_cast<std::uint64_t>(height)), nullptr);
        EXPECT_EQ(*cache.get(static_cast<std::uint64_t>(height)), height);
    }
    EXPECT_EQ(cache.get(26), nullptr);
    EXPECT_FALSE(cache.put(5, 5));
    EXPECT_EQ(*cache.get(25), 25);
}

TEST(BlockCache, Memory_IsCountedToTheByte) {
    const auto heap_of = [](const base::Buffer& block) { return block.capacity(); };
    const std::size_t before = test_memory::allocated;
    BlockCache<base::Buffer> cache;
    base::Random random(8);
    for (std::uint64_t height = 1; height <= 200; ++height) {
        base::Buffer block(random.below(2000));
        static_cast<void>(cache.put(height, std::move(block)));
        if (random.chance(1, 10)) cache.drop_above(height - random.below(5));
        ASSERT_EQ(cache.memory_bytes(heap_of), test_memory::allocated - before);
    }
}

TEST(BlockCache, Reorganisation_TakesBlocksBack) {
    BlockCache<std::string> cache(3);
    cache.put(1, "one");
    cache.put(2, "two");
    cache.put(3, "three");
    cache.drop_above(1);
    EXPECT_EQ(cache.get(2), nullptr);
    EXPECT_EQ(cache.get(3), nullptr);
    EXPECT_EQ(*cache.get(1), "one");
    EXPECT_TRUE(cache.put(2, "another two"));
    EXPECT_EQ(*cache.get(2), "another two");
}

using Outpoint = std::array<std::byte, 8>;
using Coins = CoinCache<Outpoint, std::string>;

Outpoint outpoint(int number) { return {static_cast<std::byte>(number)}; }

/// A store of coins that counts how often it was asked.
struct CoinStore {
    std::map<Outpoint, std::string> coins;
    int asked = 0;

    std::expected<std::optional<std::string>, base::Error> operator()(const Outpoint& outpoint) {
        ++asked;
        const auto found = coins.find(outpoint);
        if (found == coins.end()) return std::nullopt;
        return found->second;
    }
};

TEST(CoinCache, StoredCoin_NeverLooksAbsent) {  // P5-2
    CoinStore store;
    Coins cache(3);
    EXPECT_EQ(cache.get(outpoint(7), store), std::nullopt);
    store.coins[outpoint(7)] =
        "stored after it was asked for";  // Without put(): absence is not remembered.
    EXPECT_EQ(cache.get(outpoint(7), store), "stored after it was asked for");
    for (int i = 10; i < 20; ++i) {
        store.coins[outpoint(i)] = "coin";
        cache.put(outpoint(i), "coin");
    }
    EXPECT_EQ(cache.get(outpoint(7), store), "stored after it was asked for");
    for (int i = 10; i < 20; ++i) EXPECT_EQ(cache.get(outpoint(i), store), "coin");
    EXPECT_EQ(cache.size(), 3u);
}

TEST(CoinCache, SpentCoin_IsGone) {
    CoinStore store;
    Coins cache;
    cache.put(outpoint(1), "coin");
    cache.erase(outpoint(1));
    EXPECT_EQ(cache.get(outpoint(1), store), std::nullopt);
    EXPECT_EQ(cache.capacity(), 1000u);
}

TEST(CoinCache, UsedCoins_StayAndTheLeastUsedGoes) {  // P5-2
    CoinStore store{.coins = {{outpoint(1), "a"}, {outpoint(2), "b"}, {outpoint(3), "c"}}};
    Coins cache(2);
    (void)cache.get(outpoint(1), store);
    (void)cache.get(outpoint(2), store);
    (void)cache.get(outpoint(1), store);
    (void)cache.get(outpoint(3), store);
    store.asked = 0;
    (void)cache.get(outpoint(1), store);
    EXPECT_EQ(store.asked, 0);
    (void)cache.get(outpoint(2), store);
    EXPECT_EQ(store.asked, 1);
    EXPECT_EQ(cache.hits(), 2u);
    EXPECT_EQ(cache.misses(), 4u);
}

TEST(CoinCache, ErrorOfTheStore_IsPassedOnAndNotKept) {
    Coins cache;
    CoinStore store{.coins = {{outpoint(1), "a"}}};
    const auto failing =
        [](const Outpoint&) -> std::expected<std::optional<std::string>, base::Error> {
        return base::failure(base::Errc::corrupt, "damaged", "test");
    };
    EXPECT_FALSE(cache.get(outpoint(1), failing).has_value());
    EXPECT_EQ(cache.get(outpoint(1), store), "a");
}

/// Row B3: about 200 coins in 10 KB on a device, a thousand on a host.
TEST(CoinCache, Memory_IsTakenOnceAndCountedToTheByte) {
    using Coin = std::array<std::byte, 37>;
    using Key = std::array<std::byte, 34>;
    for (const std::size_t entries : {std::size_t{100}, std::size_t{200}, std::size_t{1000}}) {
        const std::size_t before = test_memory::allocated;
        CoinCache<Key, Coin> cache(entries);
        const std::size_t taken = test_memory::allocated - before;
        EXPECT_EQ(cache.memory_bytes(), taken);
        for (int i = 0; i < 3000; ++i)
            cache.put({static_cast<std::byte>(i), std::byte(i / 256)}, {});
        EXPECT_EQ(test_memory::allocated - before, taken);
        EXPECT_EQ(cache.size(), entries);
    }
    EXPECT_LE((CoinCache<Key, Coin>(100).memory_bytes()), 10'240u);
}

/// Few hashes, so that probing and closing gaps are at work all the time.
struct PoorHash {
    std::uint64_t operator()(int key) const { return static_cast<std::uint64_t>(key % 5); }
};

TEST(FlatLru, RandomUse_EqualsAPlainLru) {
    constexpr std::uint64_t seed = 3;
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    FlatLru<int, int, PoorHash> flat(12);
    base::LruCache<int, int> plain(12);
    for (int step = 0; step < 50'000; ++step) {
        const int key = static_cast<int>(random.below(30));
        switch (random.below(5)) {
            case 0: ASSERT_EQ(flat.erase(key), plain.erase(key)); break;
            case 1:
            case 2:
                flat.put(key, step);
                plain.put(key, step);
                break;
            default: {
                const int* found = flat.get(key);
                const int* expected = plain.get(key);
                ASSERT_EQ(found != nullptr, expected != nullptr) << "step " << step;
                if (found != nullptr) {
                    ASSERT_EQ(*found, *expected);
                }
            }
        }
        if (random.chance(1, 2000)) {
            flat.clear();
            plain.clear();
        }
        ASSERT_EQ(flat.size(), plain.size());
    }
}

}  // namespace
}  // namespace meshchain::kv
