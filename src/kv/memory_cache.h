#pragma once
// Byte strings that were useful lately: bounded in bytes, least recently used first out, each for
// a limited time.
//
// Time:      every call takes `now`, and first drops what has expired by then: nothing stale is
//            returned, counted or allowed to take room.
// Limits:    everything it allocates, nodes of its containers too, never exceeds capacity_bytes;
//            an entry larger than that is not kept. Each costs entry_bytes() beside its own bytes.
// Threads:   one owner; host/thread_safe_cache.h is for several.

#include <list>
#include <map>
#include <optional>
#include <set>

#include "base/time.h"
#include "kv/byte_order.h"
#include "kv/counted_allocator.h"

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

    explicit MemoryCache(Options options);
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
    /// All that is allocated, to the byte.
    std::size_t bytes(base::Instant now);
    CacheStats stats(base::Instant now);
    std::size_t capacity_bytes() const { return options_.capacity_bytes; }
    /// What an entry costs beside the bytes of its key and value.
    std::size_t entry_bytes() const { return entry_bytes_; }

    /// Recounts all and asserts that it agrees.
    void check_invariants() const;

private:
    template <class T>
    using Allocator = CountedAllocator<T>;
    using Bytes = std::vector<std::byte, Allocator<std::byte>>;
    struct Entry;
    using Entries = std::map<Bytes, Entry, ByteOrder, Allocator<std::pair<const Bytes, Entry>>>;
    using Position = Entries::iterator;
    using Uses = std::list<Position, Allocator<Position>>;
    struct SoonerExpiry {
        bool operator()(Position a, Position b) const;
    };
    struct Entry {
        Bytes value;
        base::Instant expires;
        Uses::iterator use;
    };

    void insert(base::Bytes key, base::Bytes value, base::Instant expires);
    void expire(base::Instant now);
    void remove(Position position);

    Options options_;
    std::size_t bytes_ = 0;  ///< the allocators keep it
    Entries entries_{Entries::allocator_type(bytes_)};
    Uses uses_{Uses::allocator_type(bytes_)};  ///< most recent first
    std::set<Position, SoonerExpiry, Allocator<Position>> by_expiry_{Allocator<Position>(bytes_)};
    std::size_t entry_bytes_ = 0;
    CacheStats stats_;
};

}  // namespace meshchain::kv
