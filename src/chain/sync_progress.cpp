#include "chain/sync_progress.h"

#include <algorithm>

namespace meshchain::chain {
namespace {

/// A pace is taken over at least so long, and then smoothed.
constexpr base::Duration measured_every = std::chrono::milliseconds(500);

}  // namespace

std::string_view name(SyncState state) {
    switch (state) {
        case SyncState::idle: return "IDLE";
        case SyncState::syncing: return "SYNCING";
        case SyncState::synced: return "SYNCED";
        case SyncState::behind: return "BEHIND";
        case SyncState::error: return "ERROR";
    }
    return "UNKNOWN";
}

SyncState SyncProgress::judge(const Situation& situation) {
    if (situation.has_failed) return SyncState::error;
    if (situation.proven || situation.is_fetching) return SyncState::syncing;
    if (situation.is_behind) return SyncState::behind;
    return situation.has_peers ? SyncState::synced : SyncState::idle;
}

void SyncProgress::update(base::Instant now, const Situation& situation) {
    SyncState next = judge(situation);
    const bool is_behind = next == SyncState::behind || next == SyncState::syncing;
    if (is_behind && progress_at_ == base::never) {
        start_ = measured_ = situation.applied;
        progress_at_ = measured_at_ = now;
        per_block_.reset();
    }
    start_ = std::min(start_, situation.applied);  // a side branch was taken back first
    if (situation.applied > applied_) progress_at_ = now;
    if (!is_behind) progress_at_ = base::never;
    if (is_behind && now - progress_at_ >= timeout_) next = SyncState::error;
    applied_ = situation.applied;
    target_ = std::max(situation.proven.value_or(applied_), applied_);
    if (is_behind) measure(now, applied_);
    state_ = next;
}

void SyncProgress::measure(base::Instant now, wire::Height applied) {
    if (now - measured_at_ < measured_every) return;
    if (applied > measured_) {
        const base::Duration pace = (now - measured_at_) / (applied.value - measured_.value);
        per_block_ = per_block_ ? (3 * *per_block_ + pace) / 4 : pace;
        measured_at_ = now;
    } else if (applied < measured_) {
        measured_at_ = now;
    }
    measured_ = applied;
}

base::Instant SyncProgress::poll_timeout() const {
    const bool waits = progress_at_ != base::never && state_ != SyncState::error;
    return waits ? progress_at_ + timeout_ : base::never;
}

std::uint32_t SyncProgress::percent() const {
    if (applied_ >= target_) return 100;
    // start_ is never above applied_, so the whole is not zero here.
    return static_cast<std::uint32_t>((applied_.value - start_.value) * 100 /
                                      (target_.value - start_.value));
}

std::optional<base::Duration> SyncProgress::remaining() const {
    if (!per_block_ || applied_ >= target_) return std::nullopt;
    return *per_block_ * (target_.value - applied_.value);
}

}  // namespace meshchain::chain
