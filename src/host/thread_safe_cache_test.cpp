#include "host/thread_safe_cache.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/random.h"

namespace meshchain::host {
namespace {

TEST(ThreadSafeCache, ManyThreads_NeverSeeATornValueNorPassTheBound) {  // P5-23
    static constexpr std::size_t capacity = 4000;
    static constexpr int operations = 3000;
    constexpr std::uint64_t threads = 4;
    ThreadSafeCache cache({.capacity_bytes = capacity, .time_to_live = std::chrono::hours(1)});
    std::vector<std::jthread> running;
    for (std::uint64_t seed = 1; seed <= threads; ++seed) {
        running.emplace_back([&cache, seed] {
            base::Random random(seed);
            const base::Instant now{};
            for (int i = 0; i < operations; ++i) {
                const auto letter = static_cast<std::byte>(random.below(26) + 'a');
                const base::Buffer key{letter};
                // A value repeats its key's letter: any other mixture is torn.
                cache.put(now, key, base::Buffer(random.below(200), letter));
                const auto value = cache.get(now, key);
                if (value) {
                    ASSERT_EQ(*value, base::Buffer(value->size(), letter));
                }
                ASSERT_LE(cache.bytes(now), capacity);
            }
        });
    }
    running.clear();
    const auto stats = cache.stats(base::Instant{});
    EXPECT_EQ(stats.hits + stats.misses, threads * operations);
}

}  // namespace
}  // namespace meshchain::host
