#pragma once
// Coins read lately, in front of the store: the `UTXOCache` of the sources. What is not here is
// asked of the store, and absence is never remembered, so a stored coin cannot look absent.
//
// The owner keeps it true to the store: after a commit it calls put() for coins made and erase()
// for coins spent; after a commit of unknown outcome, clear().
//
// Outpoint: a std::array of at least eight bytes, as it is keyed in the store.
// Limits:   `entries` coins, least recently used first out; memory fixed at construction,
//           about 100 bytes a coin: a hundred coins in 10 KB.
// Threads:  one owner.

#include <cstring>
#include <expected>
#include <optional>

#include "base/error.h"
#include "kv/flat_lru.h"

namespace meshchain::kv {

/// Of a byte array whose beginning is a hash and whose end is an index.
struct OutpointHash {
    template <class Outpoint>
    std::uint64_t operator()(const Outpoint& outpoint) const {
        static_assert(sizeof(Outpoint) >= sizeof(std::uint64_t));
        std::uint64_t head = 0;
        std::uint64_t tail = 0;
        std::memcpy(&head, outpoint.data(), sizeof head);
        std::memcpy(&tail, outpoint.data() + outpoint.size() - sizeof tail, sizeof tail);
        const std::uint64_t mixed = (head ^ std::rotl(tail, 32)) * 0x9e37'79b9'7f4a'7c15;
        return mixed >> 32;
    }
};

template <class Outpoint, class Coin>
class CoinCache {
public:
    explicit CoinCache(std::size_t entries = 1000) : coins_(entries) {}

    /// The cached coin, or what `load` finds: std::expected<std::optional<Coin>, Error>(Outpoint).
    /// An Error of `load` is passed on and nothing is kept.
    template <class Load>
    std::expected<std::optional<Coin>, base::Error> get(const Outpoint& outpoint, Load&& load) {
        if (const Coin* cached = coins_.get(outpoint)) {
            ++hits_;
            return *cached;
        }
        ++misses_;
        std::expected<std::optional<Coin>, base::Error> loaded = load(outpoint);
        if (loaded && *loaded) coins_.put(outpoint, **loaded);
        return loaded;
    }

    void put(const Outpoint& outpoint, Coin coin) { coins_.put(outpoint, std::move(coin)); }
    void erase(const Outpoint& outpoint) { coins_.erase(outpoint); }
    void clear() { coins_.clear(); }

    std::size_t size() const { return coins_.size(); }
    std::size_t capacity() const { return coins_.capacity(); }
    /// To the byte; does not change.
    std::size_t memory_bytes() const { return coins_.memory_bytes(); }
    std::uint64_t hits() const { return hits_; }
    std::uint64_t misses() const { return misses_; }

private:
    FlatLru<Outpoint, Coin, OutpointHash> coins_;
    std::uint64_t hits_ = 0;
    std::uint64_t misses_ = 0;
};

}  // namespace meshchain::kv
