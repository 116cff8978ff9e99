#pragma once
// Least-recently-used map with a bound on the sum of its entries' costs (bytes, or 1 each).
//
// Limits: never holds more than `capacity`; an entry dearer than that is not kept at all.
// Threads: one owner. host has a thread-safe wrapper.

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "base/assert.h"

namespace meshchain::base {

template <class Key, class Value>
class LruCache {
public:
    explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

    /// Inserts or replaces, as most recently used, and evicts what no longer fits.
    /// Returns whether the entry is now held.
    bool put(const Key& key, Value value, std::size_t cost = 1) {
        erase(key);
        if (cost > capacity_) return false;
        while (cost_ + cost > capacity_) evict_oldest();
        entries_.push_front({key, std::move(value), cost});
        index_.emplace(key, entries_.begin());
        cost_ += cost;
        return true;
    }

    /// The value, made most recently used; borrowed until the next non-const call.
    Value* get(const Key& key) {
        const auto found = index_.find(key);
        if (found == index_.end()) return nullptr;
        entries_.splice(entries_.begin(), entries_, found->second);
        return &found->second->value;
    }

    bool contains(const Key& key) const { return index_.contains(key); }

    bool erase(const Key& key) {
        const auto found = index_.find(key);
        if (found == index_.end()) return false;
        cost_ -= found->second->cost;
        entries_.erase(found->second);
        index_.erase(found);
        return true;
    }

    void clear() {
        entries_.clear();
        index_.clear();
        cost_ = 0;
    }

    std::size_t size() const { return index_.size(); }
    std::size_t cost() const { return cost_; }
    std::size_t capacity() const { return capacity_; }
    std::size_t evictions() const { return evictions_; }

private:
    struct Entry {
        Key key;
        Value value;
        std::size_t cost;
    };

    void evict_oldest() {
        MESH_ASSERT(!entries_.empty());
        cost_ -= entries_.back().cost;
        index_.erase(entries_.back().key);
        entries_.pop_back();
        ++evictions_;
    }

    std::size_t capacity_;
    std::size_t cost_ = 0;
    std::size_t evictions_ = 0;
    std::list<Entry> entries_;
    std::map<Key, typename std::list<Entry>::iterator> index_;
};

}  // namespace meshchain::base
