#pragma once
// Levels and losses of radio signals, in whole hundredths of a decibel: one seed must have one
// story on every machine, so nothing here asks a library for a logarithm.

#include <bit>
#include <cstdint>

namespace meshchain::sim {

/// Hundredths of a dB, or of a dBm.
using Decibel100 = std::int32_t;

/// Of a ratio of powers, for ratio > 0: 1000 · log10(ratio), right to one.
constexpr Decibel100 decibels_of(std::uint64_t ratio) {
    constexpr unsigned fraction_bits = 16;
    const auto whole = static_cast<unsigned>(std::bit_width(ratio)) - 1;
    // What is left, in [1, 2) with 31 bits behind the point; each squaring tells one bit of the
    // logarithm.
    std::uint64_t rest = whole > 31 ? ratio >> (whole - 31) : ratio << (31 - whole);
    std::uint64_t log2 = whole;
    for (unsigned i = 0; i < fraction_bits; ++i) {
        rest = (rest * rest) >> 31;
        log2 <<= 1;
        if (rest >= std::uint64_t{1} << 32) {
            rest >>= 1;
            log2 |= 1;
        }
    }
    constexpr std::uint64_t per_doubling = 19'728'302;  // 1000 · log10(2) · 2^16
    constexpr std::uint64_t half = std::uint64_t{1} << 31;
    return static_cast<Decibel100>((log2 * per_doubling + half) >> 32);
}

}  // namespace meshchain::sim
