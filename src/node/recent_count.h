#pragma once
// How often something happened lately, from a counter that only grows: what a health check needs,
// which must neither forget at once nor hold the past against a node for ever (N-16).
//
// Time: `observe` once a step; the figure covers the present window and the one before it.

#include <cstdint>

#include "base/time.h"

namespace meshchain::node {

class RecentCount {
public:
    static constexpr base::Duration window = std::chrono::minutes(5);

    /// `total` is the counter's present value.
    void observe(base::Instant now, std::uint64_t total) {
        if (now - began_ >= window) {
            // After a long pause even the present window is too old to count.
            before_ = now - began_ >= 2 * window ? total : start_;
            start_ = total;
            began_ = now;
        }
        total_ = total;
    }
    /// How much it grew within one to two windows before the last `observe`.
    std::uint64_t value() const { return total_ - before_; }

private:
    base::Instant began_{};
    std::uint64_t before_ = 0;  ///< when the window before began
    std::uint64_t start_ = 0;   ///< when the present window began
    std::uint64_t total_ = 0;
};

}  // namespace meshchain::node
