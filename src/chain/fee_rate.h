#pragma once
// Fee per byte, compared without rounding.

#include <compare>
#include <cstdint>

#include "base/assert.h"

namespace meshchain::chain {

struct FeeRate {
    std::uint64_t fee = 0;    ///< below 2^40, as every amount
    std::uint64_t bytes = 1;  ///< above 0 and below 2^24, so that the products fit

    friend constexpr std::strong_ordering operator<=>(const FeeRate& a, const FeeRate& b) {
        return a.fee * b.bytes <=> b.fee * a.bytes;
    }
    /// Equal as a rate: 2 for 100 bytes is 4 for 200.
    friend constexpr bool operator==(const FeeRate& a, const FeeRate& b) { return a <=> b == 0; }
};

}  // namespace meshchain::chain
