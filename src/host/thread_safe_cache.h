#pragma once
// kv::MemoryCache for several threads: one lock, and values are copied out under it.
//
// Time: callers on several threads may hand in instants out of order by a little; an entry then
//       expires by the latest it was shown.

#include <mutex>

#include "kv/memory_cache.h"

namespace meshchain::host {

class ThreadSafeCache {
public:
    explicit ThreadSafeCache(kv::MemoryCache::Options options) : cache_(options) {}

    bool put(base::Instant now, base::Bytes key, base::Bytes value) {
        const std::lock_guard lock(mutex_);
        return cache_.put(now, key, value);
    }
    std::optional<base::Buffer> get(base::Instant now, base::Bytes key) {
        const std::lock_guard lock(mutex_);
        const auto value = cache_.get(now, key);
        if (!value) return std::nullopt;
        return base::to_buffer(*value);
    }
    bool erase(base::Instant now, base::Bytes key) {
        const std::lock_guard lock(mutex_);
        return cache_.erase(now, key);
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        cache_.clear();
    }
    std::size_t bytes(base::Instant now) {
        const std::lock_guard lock(mutex_);
        return cache_.bytes(now);
    }
    kv::CacheStats stats(base::Instant now) {
        const std::lock_guard lock(mutex_);
        return cache_.stats(now);
    }

private:
    std::mutex mutex_;
    kv::MemoryCache cache_;
};

}  // namespace meshchain::host
