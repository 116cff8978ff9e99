#pragma once
// A seeded generator for everything that must replay: delays, jitter, weighted choice.
// xoshiro256++ (Blackman and Vigna, 2019), seeded through SplitMix64. Never for keys: those come
// from base/entropy.h.

#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace meshchain::base {

class Random {
public:
    explicit Random(std::uint64_t seed);

    std::uint64_t next();
    /// Uniform in [0, bound) without modulo bias; `bound` > 0.
    std::uint64_t below(std::uint64_t bound);
    /// True with probability numerator / denominator.
    bool chance(std::uint64_t numerator, std::uint64_t denominator);
    /// Uniform in [low, high].
    Duration between(Duration low, Duration high);
    /// An independent stream, so that a new draw in one consumer does not shift all others.
    Random stream(std::string_view name) const;

private:
    std::uint64_t seed_;
    std::array<std::uint64_t, 4> state_;
};

}  // namespace meshchain::base
