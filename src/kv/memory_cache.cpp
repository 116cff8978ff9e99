#include "kv/memory_cache.h"

#include "base/assert.h"

namespace meshchain::kv {
namespace {

/// Saturates: a time to live that outlasts the clock never ends.
base::Instant after(base::Instant now, base::Duration delay) {
    return now > base::never - delay ? base::never : now + delay;
}

}  // namespace

bool MemoryCache::SoonerExpiry::operator()(Position a, Position b) const {
    if (a->second.expires != b->second.expires) return a->second.expires < b->second.expires;
    return base::less(a->first, b->first);
}

/// What the library's containers take for an entry is measured on one that has no bytes.
MemoryCache::MemoryCache(Options options) : options_(options) {
    MESH_ASSERT(bytes_ == 0);
    insert({}, {}, base::never);
    entry_bytes_ = bytes_;
    clear();
}

void MemoryCache::insert(base::Bytes key, base::Bytes value, base::Instant expires) {
    const Allocator<std::byte> counted(bytes_);
    const Position position =
        entries_
            .emplace(Bytes(key.begin(), key.end(), counted),
                     Entry{Bytes(value.begin(), value.end(), counted), expires, {}})
            .first;
    uses_.push_front(position);
    position->second.use = uses_.begin();
    by_expiry_.insert(position);
}

void MemoryCache::remove(Position position) {
    by_expiry_.erase(position);
    uses_.erase(position->second.use);
    entries_.erase(position);
}

void MemoryCache::expire(base::Instant now) {
    while (!by_expiry_.empty() && (*by_expiry_.begin())->second.expires <= now) {
        remove(*by_expiry_.begin());
        ++stats_.expirations;
    }
}

bool MemoryCache::put(base::Instant now, base::Bytes key, base::Bytes value) {
    return put(now, key, value, options_.time_to_live);
}

bool MemoryCache::put(base::Instant now, base::Bytes key, base::Bytes value,
                      base::Duration time_to_live) {
    erase(now, key);
    const std::size_t cost = entry_bytes_ + key.size() + value.size();
    if (cost > options_.capacity_bytes || time_to_live <= base::Duration::zero()) return false;
    while (bytes_ + cost > options_.capacity_bytes) {
        MESH_ASSERT(!uses_.empty());
        remove(uses_.back());
        ++stats_.evictions;
    }
    const std::size_t before = bytes_;
    insert(key, value, after(now, time_to_live));
    MESH_ASSERT(bytes_ == before + cost);
    return true;
}

std::optional<base::Bytes> MemoryCache::get(base::Instant now, base::Bytes key) {
    expire(now);
    const Position found = entries_.find(key);
    if (found == entries_.end()) {
        ++stats_.misses;
        return std::nullopt;
    }
    ++stats_.hits;
    uses_.splice(uses_.begin(), uses_, found->second.use);
    return found->second.value;
}

bool MemoryCache::contains(base::Instant now, base::Bytes key) {
    expire(now);
    return entries_.contains(key);
}

bool MemoryCache::erase(base::Instant now, base::Bytes key) {
    expire(now);
    const Position found = entries_.find(key);
    if (found == entries_.end()) return false;
    remove(found);
    return true;
}

void MemoryCache::clear() {
    by_expiry_.clear();
    uses_.clear();
    entries_.clear();
    MESH_ASSERT(bytes_ == 0);
}

std::size_t MemoryCache::size(base::Instant now) {
    expire(now);
    return entries_.size();
}

std::size_t MemoryCache::bytes(base::Instant now) {
    expire(now);
    return bytes_;
}

CacheStats MemoryCache::stats(base::Instant now) {
    expire(now);
    return stats_;
}

void MemoryCache::check_invariants() const {
    std::size_t bytes = 0;
    for (const auto& [key, entry] : entries_) {
        bytes += entry_bytes_ + key.size() + entry.value.size();
    }
    MESH_ASSERT(bytes == bytes_);
    MESH_ASSERT(bytes_ <= options_.capacity_bytes);
    MESH_ASSERT(uses_.size() == entries_.size() && by_expiry_.size() == entries_.size());
}

}  // namespace meshchain::kv
