#pragma once
// A rate limit: `burst` at once, refilled evenly at `per_minute`. Integer arithmetic, so that every
// run of one seed is the same.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace meshchain::base {

struct Rate {
    std::uint32_t per_minute;  ///< > 0
    std::uint32_t burst;       ///< > 0
};

class TokenBucket {
public:
    /// Starts full.
    constexpr TokenBucket(Instant now, Rate rate)
        : rate_(rate), tokens_(rate.burst), refilled_(now) {}

    /// How many may pass at once.
    constexpr std::uint32_t available(Instant now) {
        refill(now);
        return tokens_;
    }
    /// Whether one more may pass; takes its token if so.
    constexpr bool take(Instant now) {
        refill(now);
        if (tokens_ == 0) return false;
        --tokens_;
        return true;
    }
    /// Undoes a take().
    constexpr void put_back() { tokens_ = std::min(tokens_ + 1, rate_.burst); }

private:
    constexpr void refill(Instant now) {
        const Duration per_token = Duration(std::chrono::minutes(1)) / rate_.per_minute;
        if (now - refilled_ < per_token) return;
        const auto gained = static_cast<std::uint64_t>((now - refilled_) / per_token);
        const std::uint64_t room = rate_.burst - tokens_;
        // A full bucket forgets the odd part of an interval; one that filled up anew starts now.
        refilled_ =
            gained >= room ? now : refilled_ + per_token * static_cast<std::int64_t>(gained);
        tokens_ += static_cast<std::uint32_t>(std::min(gained, room));
    }

    Rate rate_;
    std::uint32_t tokens_;
    Instant refilled_;
};

}  // namespace meshchain::base
