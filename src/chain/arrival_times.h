#pragma once
// How long announced blocks took from their leader's turn until they were here whole (row F4).
// Counted into fixed buckets, as Prometheus wants them. Clocks that differ shift what is measured;
// a block that is ahead of our clock counts as no delay at all.
//
// Limits: memory fixed at compile time.

#include <array>
#include <cstdint>

#include "base/time.h"

namespace meshchain::chain {

class ArrivalTimes {
public:
    /// Upper ends of the buckets, which they belong to; one more bucket has no end.
    static constexpr std::array<base::Milliseconds, 9> ends{
        base::Milliseconds{10},   base::Milliseconds{25},   base::Milliseconds{50},
        base::Milliseconds{100},  base::Milliseconds{200},  base::Milliseconds{500},
        base::Milliseconds{1000}, base::Milliseconds{2000}, base::Milliseconds{5000}};

    void record(base::Milliseconds delay) {
        if (delay < base::Milliseconds{0}) delay = base::Milliseconds{0};
        std::size_t bucket = 0;
        while (bucket < ends.size() && delay > ends[bucket]) ++bucket;
        ++counts_[bucket];
        ++count_;
        sum_ += delay;
    }

    std::uint64_t count() const { return count_; }
    base::Milliseconds sum() const { return sum_; }
    /// Of each bucket by itself; the last is the one without end.
    const std::array<std::uint64_t, ends.size() + 1>& counts() const { return counts_; }

private:
    std::array<std::uint64_t, ends.size() + 1> counts_{};
    std::uint64_t count_ = 0;
    base::Milliseconds sum_{0};
};

}  // namespace meshchain::chain
