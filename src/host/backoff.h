#pragma once
// How long to wait before something that failed is tried again: twice as long each time, up to a
// limit, and half of it random, so that those who lost the same thing do not all come back at once.

#include <algorithm>
#include <expected>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"

namespace meshchain::host {

/// Errors: invalid_argument (which pause cannot be, why and what to do), of `where`.
inline std::expected<void, base::Error> check_pauses(base::Duration min, base::Duration max,
                                                     const char* where) {
    if (min <= base::Duration::zero()) {
        return base::failure(base::Errc::invalid_argument,
                             "no pause before a new try, so that tries would never rest", where,
                             "set the least pause to a second, or at least above 0");
    }
    if (max < min) {
        return base::failure(base::Errc::invalid_argument,
                             "the longest pause before a new try is shorter than the least", where,
                             "raise the longest one, or lower the least");
    }
    return {};
}

class Backoff {
public:
    Backoff(base::Duration min, base::Duration max, base::Random random)
        : min_(min), max_(max), next_(min), random_(random) {}

    base::Duration next() {
        const base::Duration longest = next_;
        next_ = std::min(next_ * 2, max_);
        return random_.between(longest / 2, longest);
    }
    /// It worked for a while.
    void reset() { next_ = min_; }

private:
    base::Duration min_;
    base::Duration max_;
    base::Duration next_;
    base::Random random_;
};

}  // namespace meshchain::host
