#pragma once
// Byte strings that were useful lately: bounded in bytes, least recently used first out, each for
// a limited time.
//
// Time:      every call takes `now`, and first drops what has expired by then: nothing stale is
//            returned, counted or allowed to take room.
// Limits:    keys and values together never exceed capacity_bytes; an entry larger than that is
//            not kept. The containers' own overhead, about 200 bytes an entry, is not counted.
// Threads:   one owner; host/thread_safe_cache.h is for several.

#include <list>
#include <map>
#include <optional>
#include <set>

#include "base/time.h"
#include "kv/byte_order.h"

namespace meshchain::kv {

struct CacheStats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;    ///< for want of room
    std::uint64_t expirations = 0;  ///< for age
};

class MemoryCache {
public:
    struct Options {
        std::size_t capacity_bytes = 50 * 1024;
        base::Duration time_to_live = std::chrono::hours(1);
    };

    explicit MemoryCache(Options options) : options_(options) {}
    MemoryCache() : MemoryCache(Options{}) {}
    MemoryCache(const MemoryCache&) = delete;
    MemoryCache& operator=(const MemoryCache&) = delete;

    /// Keeps copies, replacing what the key had, with the full time to live. Returns whether the
    /// entry is now held; if not, an older one of that key is gone all the same.
    bool put(base::Instant now, base::Bytes key, base::Bytes value);
    bool put(base::Instant now, base::Bytes key, base::Bytes value, base::Duration time_to_live);
    /// Makes the entry the most recently used; its time to live goes on running. Borrowed until
    /// the next call.
    std::optional<base::Bytes> get(base::Instant now, base::Bytes key);
    /// As get, but changes neither the order of use nor the statistics.
    bool contains(base::Instant now, base::Bytes key);
    bool erase(base::Instant now, base::Bytes key);
    void clear();

    std::size_t size(base::Instant now);
    std::size_t bytes(base::Instant now);
    CacheStats stats(base::Instant now);
    std::size_t capacity_bytes() const { return options_.capacity_bytes; }

    /// Recounts all and asserts that it agrees.
    void check_invariants() const;

private:
    struct Entry;
    using Entries = std::map<base::Buffer, Entry, ByteOrder>;
    using Position = Entries::iterator;
    struct SoonerExpiry {
        bool operator()(Position a, Position b) const;
    };
    struct Entry {
        base::Buffer value;
        base::Instant expires;
        std::list<Position>::iterator use;
    };

    static std::size_t cost(const Entries::value_type& entry);
    void expire(base::Instant now);
    void remove(Position position);

    Options options_;
    Entries entries_;
    std::list<Position> uses_;                    ///< most recent first
    std::set<Position, SoonerExpiry> by_expiry_;  ///< the next to expire first
    std::size_t bytes_ = 0;
    CacheStats stats_;
};

}  // namespace meshchain::kv
