#pragma once
// Where records lie, for keys read or written lately: a hint that spares a host the search in the
// index. It is kept true by every change of a key; the record itself is checked in any case.
//
// Limits: memory fixed at construction; four places share a bucket, and the one that was filled
//         longest ago leaves.

#include <bit>
#include <vector>

#include "kv/flash_log_format.h"

namespace meshchain::kv::flash {

class PlaceCache {
public:
    explicit PlaceCache(std::uint32_t places)
        : slots_(places < ways ? 0 : std::bit_floor(places)), mask_(slots_.size() / ways - 1) {}

    /// Nothing: not known. The record may still be another key's with the same order.
    std::optional<Location> get(std::uint64_t order) const {
        if (slots_.empty()) return std::nullopt;
        const std::uint64_t mixed = mix(order);
        const Slot* bucket = &slots_[bucket_of(mixed)];
        for (std::size_t i = 0; i < ways; ++i) {
            if (bucket[i].tag == tag_of(mixed)) return bucket[i].location;
        }
        return std::nullopt;
    }

    void put(std::uint64_t order, Location location) {
        if (slots_.empty()) return;
        const std::uint64_t mixed = mix(order);
        Slot* bucket = &slots_[bucket_of(mixed)];
        std::size_t place = 0;
        while (place < ways - 1 && bucket[place].tag != tag_of(mixed) && bucket[place].tag != 0) {
            ++place;
        }
        for (; place > 0; --place) bucket[place] = bucket[place - 1];
        bucket[0] = {tag_of(mixed), location};
    }

    void erase(std::uint64_t order) {
        if (slots_.empty()) return;
        const std::uint64_t mixed = mix(order);
        Slot* bucket = &slots_[bucket_of(mixed)];
        for (std::size_t i = 0; i < ways; ++i) {
            if (bucket[i].tag == tag_of(mixed)) bucket[i] = {};
        }
    }

private:
    static constexpr std::size_t ways = 4;

    struct Slot {
        std::uint32_t tag = 0;  ///< 0: empty
        Location location = 0;
    };

    static std::uint64_t mix(std::uint64_t order) {
        order ^= order >> 32;
        order *= 0x9e37'79b9'7f4a'7c15;
        order ^= order >> 29;
        order *= 0xbf58'476d'1ce4'e5b9;
        return order ^ (order >> 32);
    }
    static std::uint32_t tag_of(std::uint64_t mixed) {
        return static_cast<std::uint32_t>(mixed >> 32) | 1;
    }
    std::size_t bucket_of(std::uint64_t mixed) const { return (mixed & mask_) * ways; }

    std::vector<Slot> slots_;
    std::size_t mask_;
};

}  // namespace meshchain::kv::flash
