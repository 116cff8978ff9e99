#pragma once
// When to announce ourselves (row F3): soon after something changed, never in quick succession,
// and now and then so that nobody forgets us. Silence costs nothing: between changes one
// announcement in `interval`. After a change it is said twice, for datagrams get lost. The more
// nodes are known the longer each waits, so that all of them together say no more than a few do
// (decision 0122).

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "base/time.h"

namespace meshchain::mesh {

class Announcer {
public:
    static constexpr base::Duration pause = std::chrono::seconds(10);  ///< between two of ours
    /// And for each node that is known; all that are announce so often together.
    static constexpr base::Duration pause_each = std::chrono::milliseconds(500);
    /// Whatever strangers announce: identities cost nothing.
    static constexpr base::Duration pause_max = std::chrono::minutes(1);
    static constexpr base::Duration delay_min = std::chrono::seconds(1);
    static constexpr base::Duration delay_max = std::chrono::seconds(3);

    Announcer(base::Duration interval, base::Random random)
        : interval_(interval), random_(random) {}

    void start(base::Instant now) {
        last_ = now - interval_;
        handle_change(now, 0);
    }
    void stop() { next_ = repeat_at_ = base::never; }

    /// What we would say differs from what we said; `known` others announce themselves too.
    void handle_change(base::Instant now, std::size_t known) {
        changed_ = true;
        const base::Duration between = std::clamp(pause_each * static_cast<std::int64_t>(known),
                                                  pause, std::max(pause, pause_max));
        const base::Instant soon = now + random_.between(delay_min, delay_max);
        next_ = std::min(next_, std::max(soon, last_ + std::min(between, interval_)));
    }
    bool is_due(base::Instant now) const { return now >= next_; }
    bool is_repeat_due(base::Instant now) const { return now >= repeat_at_; }
    void note_announced(base::Instant now) {
        last_ = now;
        next_ = now + random_.between(interval_ * 9 / 10, interval_);
        repeat_at_ = changed_ ? now + random_.between(delay_min, delay_max) : base::never;
        changed_ = false;
    }
    void note_repeated() { repeat_at_ = base::never; }
    base::Instant poll_timeout() const { return std::min(next_, repeat_at_); }

private:
    base::Duration interval_;
    base::Random random_;
    base::Instant last_{};
    base::Instant next_ = base::never;
    base::Instant repeat_at_ = base::never;
    bool changed_ = false;
};

}  // namespace meshchain::mesh
