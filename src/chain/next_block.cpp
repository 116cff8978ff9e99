#include "chain/next_block.h"

#include <algorithm>
#include <utility>

namespace meshchain::chain {
namespace {

/// What is on its way to all needs no question.
constexpr int turns_first = 4;
constexpr unsigned doublings_max = 4;

}  // namespace

void NextBlock::note_claim(base::Instant now, wire::Height final, wire::Height tip,
                           base::Duration turn) {
    note_tip(now, tip, turn);
    if (final <= tip) return;
    claimed_ = std::max(claimed_, final);
    if (is_behind()) return;
    tries_ = 0;
    ask_at_ = now + turns_first * turn + random_.between({}, turns_first * turn);
}

void NextBlock::note_asked(base::Instant now, base::Duration turn) {
    if (!is_behind() || std::exchange(has_yielded_, true)) return;
    ask_at_ = std::max(ask_at_, now + 2 * turn + random_.between({}, 2 * turn));
}

void NextBlock::note_tip(base::Instant now, wire::Height tip, base::Duration turn) {
    if (std::exchange(tip_, tip) == tip || !is_behind()) return;
    tries_ = 0;
    ask_at_ = claimed_ > tip ? now + turn / 4 + random_.between({}, turn) : base::never;
}

unsigned NextBlock::take_due(base::Instant now, bool is_coming, base::Duration turn) {
    if (now < ask_at_) return 0;
    has_yielded_ = false;
    if (!is_coming) ++tries_;
    if (tries_ > tries_max) {
        claimed_ = {};
        ask_at_ = base::never;
        return 0;
    }
    const unsigned doublings = tries_ == 0 ? 0 : std::min(tries_ - 1, doublings_max);
    const base::Duration pause = (4 * turn) * (1U << doublings);
    ask_at_ = now + pause + random_.between({}, pause);
    return is_coming ? 0 : tries_;
}

}  // namespace meshchain::chain
