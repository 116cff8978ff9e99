#pragma once
// Least-recently-used map in flat memory fixed at construction: for look-ups that are made at
// every step, where the nodes of base::LruCache cost too much.
//
// Hash: a callable std::uint64_t(const Key&). Whoever can choose keys that collide makes look-ups
//       walk at most `capacity` small slots, so it need not be keyed.
// Limits: `capacity` entries. Threads: one owner.

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace meshchain::kv {

template <class Key, class Value, class Hash>
class FlatLru {
public:
    explicit FlatLru(std::size_t capacity)
        : capacity_(capacity), slots_(std::bit_ceil(capacity * 2)), mask_(slots_.size() - 1) {
        MESH_ASSERT(capacity > 0 && capacity < none);
        entries_.reserve(capacity);
    }

    /// The value, made most recently used; borrowed until the next non-const call.
    Value* get(const Key& key) {
        const std::size_t slot = find(key);
        if (slots_[slot].entry == none) return nullptr;
        touch(slots_[slot].entry);
        return &entries_[slots_[slot].entry].value;
    }

    /// Inserts or replaces, as most recently used; a full map lets its oldest entry go.
    void put(const Key& key, Value value) {
        if (Value* present = get(key)) {
            *present = std::move(value);
            return;
        }
        if (size_ == capacity_) erase(Key(entries_[oldest_].key));
        const std::uint32_t entry = take_entry(key, std::move(value));
        slots_[find(key)] = {tag_of(key), entry};
        link_newest(entry);
        ++size_;
    }

    bool erase(const Key& key) {
        const std::size_t slot = find(key);
        const std::uint32_t entry = slots_[slot].entry;
        if (entry == none) return false;
        close_gap(slot);
        unlink(entry);
        entries_[entry].newer = free_;
        free_ = entry;
        --size_;
        return true;
    }

    void clear() {
        entries_.clear();
        for (Slot& slot : slots_) slot = {};
        size_ = 0;
        newest_ = oldest_ = free_ = none;
    }

    std::size_t size() const { return size_; }
    std::size_t capacity() const { return capacity_; }
    /// All that is allocated, to the byte, if keys and values allocate nothing themselves.
    std::size_t memory_bytes() const {
        return slots_.capacity() * sizeof(Slot) + entries_.capacity() * sizeof(Entry);
    }

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    struct Entry {
        Key key;
        Value value;
        std::uint32_t newer = none;  ///< or the next free entry
        std::uint32_t older = none;
    };
    /// Open addressing; the tag spares most comparisons of keys.
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t entry = none;
    };

    static std::uint32_t tag_of(const Key& key) { return static_cast<std::uint32_t>(Hash{}(key)); }

    /// The slot that holds `key`, or the empty one where it belongs.
    std::size_t find(const Key& key) const {
        const std::uint32_t tag = tag_of(key);
        std::size_t slot = tag & mask_;
        while (slots_[slot].entry != none &&
               !(slots_[slot].tag == tag && entries_[slots_[slot].entry].key == key)) {
            slot = (slot + 1) & mask_;
        }
        return slot;
    }

    /// Empties the slot and moves up those behind it that it kept from their place.
    void close_gap(std::size_t gap) {
        for (std::size_t next = (gap + 1) & mask_; slots_[next].entry != none;
             next = (next + 1) & mask_) {
            const std::size_t home = slots_[next].tag & mask_;
            if (((next - home) & mask_) < ((next - gap) & mask_)) continue;
            slots_[gap] = slots_[next];
            gap = next;
        }
        slots_[gap] = {};
    }

    std::uint32_t take_entry(const Key& key, Value value) {
        if (free_ == none) {
            entries_.push_back({key, std::move(value)});
            return static_cast<std::uint32_t>(entries_.size() - 1);
        }
        const std::uint32_t entry = free_;
        free_ = entries_[entry].newer;
        entries_[entry] = {key, std::move(value)};
        return entry;
    }

    void touch(std::uint32_t entry) {
        if (entry == newest_) return;
        unlink(entry);
        link_newest(entry);
    }

    void link_newest(std::uint32_t entry) {
        entries_[entry].newer = none;
        entries_[entry].older = newest_;
        (newest_ == none ? oldest_ : entries_[newest_].newer) = entry;
        newest_ = entry;
    }

    void unlink(std::uint32_t entry) {
        const auto [newer, older] = std::pair(entries_[entry].newer, entries_[entry].older);
        (newer == none ? newest_ : entries_[newer].older) = older;
        (older == none ? oldest_ : entries_[older].newer) = newer;
    }

    std::size_t capacity_;
    std::vector<Slot> slots_;
    std::size_t mask_;
    std::vector<Entry> entries_;
    std::size_t size_ = 0;
    std::uint32_t newest_ = none;
    std::uint32_t oldest_ = none;
    std::uint32_t free_ = none;
};

}  // namespace meshchain::kv
