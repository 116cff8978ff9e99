#pragma once
// When a node that has nothing but the air asks for the block after its own, because others are
// FINAL above it (row F5; docs/decisions/0190-one-block-after-the-other.md).
//
// Time:  poll_timeout() says when to call take_due(). Questions are asked a few turns apart, at
//        growing intervals while nothing comes of them; a new block starts anew.
// Trust: what others claim to be FINAL is believed by nobody. A false claim costs tries_max
//        questions, until somebody claims it again.

#include "base/random.h"
#include "base/time.h"
#include "wire/numbers.h"

namespace meshchain::chain {

class NextBlock {
public:
    static constexpr unsigned tries_max = 8;

    explicit NextBlock(base::Random random) : random_(random) {}

    /// Somebody says that this is FINAL, and `tip` is ours. `turn`: in which a question is
    /// answered.
    void note_claim(base::Instant now, wire::Height final, wire::Height tip, base::Duration turn);
    /// Somebody else asked: whoever answers him is heard here as well.
    void note_asked(base::Instant now, base::Duration turn);
    /// Our own tip, after every change.
    void note_tip(base::Instant now, wire::Height tip, base::Duration turn);
    /// A claim is above our tip.
    bool is_behind() const { return ask_at_ != base::never; }
    /// How often it was asked for the same, this time included; 0: now is not the time.
    /// `is_coming`: the block is on its way.
    unsigned take_due(base::Instant now, bool is_coming, base::Duration turn);
    base::Instant poll_timeout() const { return ask_at_; }

private:
    base::Random random_;
    wire::Height claimed_{};
    wire::Height tip_{};
    unsigned tries_ = 0;
    bool has_yielded_ = false;
    base::Instant ask_at_ = base::never;
};

}  // namespace meshchain::chain
