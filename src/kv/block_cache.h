#pragma once
// The latest blocks by height: a window that moves with the tip.
//
// Limits:    `capacity` blocks, in slots fixed at construction; a look-up is one comparison.
// Ownership: get() borrows until the next non-const call.
// Threads:   one owner.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace meshchain::kv {

template <class Block>
class BlockCache {
public:
    explicit BlockCache(std::size_t capacity = 10) : slots_(capacity) { MESH_ASSERT(capacity > 0); }

    /// Stores or replaces the block at `height`, and lets the one `capacity` below it go. One too
    /// old for the window is not kept; returns whether it is.
    bool put(std::uint64_t height, Block block) {
        std::optional<Slot>& slot = slots_[height % slots_.size()];
        if (slot && slot->height > height) return false;
        slot = Slot{height, std::move(block)};
        return true;
    }

    const Block* get(std::uint64_t height) const {
        const std::optional<Slot>& slot = slots_[height % slots_.size()];
        return slot && slot->height == height ? &slot->block : nullptr;
    }

    /// Forgets what a reorganisation takes back: every block above `height`.
    void drop_above(std::uint64_t height) {
        for (std::optional<Slot>& slot : slots_) {
            if (slot && slot->height > height) slot.reset();
        }
    }

    void clear() {
        for (std::optional<Slot>& slot : slots_) slot.reset();
    }
    std::size_t capacity() const { return slots_.size(); }
    std::size_t size() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(slots_, [](const auto& slot) { return slot.has_value(); }));
    }

    /// All that is allocated, to the byte. Heap: std::size_t(const Block&), what a block holds
    /// outside itself.
    template <class Heap>
    std::size_t memory_bytes(Heap&& heap_of) const {
        std::size_t bytes = slots_.capacity() * sizeof(std::optional<Slot>);
        for (const std::optional<Slot>& slot : slots_) bytes += slot ? heap_of(slot->block) : 0;
        return bytes;
    }

private:
    struct Slot {
        std::uint64_t height;
        Block block;
    };

    std::vector<std::optional<Slot>> slots_;
};

}  // namespace meshchain::kv
