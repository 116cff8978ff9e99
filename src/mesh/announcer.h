#pragma once
// When to announce ourselves (row F3): soon after something changed, never in quick succession,
// and now and then so that nobody forgets us. Silence costs nothing: between changes one
// announcement in `interval`. After a change it is said twice, for datagrams get lost.

#include <algorithm>
#include <chrono>

#include "base/random.h"
#include "base/time.h"

namespace meshchain::mesh {

class Announcer {
public:
    static constexpr base::Duration pause = std::chrono::seconds(10);  ///< between two of ours
    static constexpr base::Duration delay_min = std::chrono::seconds(1);
    static constexpr base::Duration delay_max = std::chrono::seconds(3);

    Announcer(base::Duration interval, base::Random random)
        : interval_(interval), random_(random) {}

    void start(base::Instant now) {
        last_ = now - pause;
        handle_change(now);
    }
    void stop() { next_ = repeat_at_ = base::never; }

    /// What we would say differs from what we said.
    void handle_change(base::Instant now) {
        changed_ = true;
        next_ =
            std::min(next_, std::max(now + random_.between(delay_min, delay_max), last_ + pause));
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
