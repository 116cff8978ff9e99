#pragma once
// What a user is told about catching up (row F5): state, share and remaining time. Counted from
// proven heights alone: what somebody claims only makes us say that we may be behind.
//
// Time: `update` takes now, and wants to be called after every change and about once a second.

#include <optional>
#include <string_view>

#include "base/time.h"
#include "wire/numbers.h"

namespace meshchain::chain {

enum class SyncState : std::uint8_t { idle = 0, syncing = 1, synced = 2, behind = 3, error = 4 };
std::string_view name(SyncState state);  ///< "IDLE", "SYNCING", … (row F5)

class SyncProgress {
public:
    struct Situation {
        wire::Height applied;
        std::optional<wire::Height> proven;  ///< a FINAL above ours that is worked towards
        bool is_behind = false;              ///< somebody believable is ahead
        bool is_fetching = false;            ///< blocks are on their way
        bool has_peers = false;
        bool has_failed = false;  ///< nothing can go on
    };

    /// Without a block for so long while behind, the state is ERROR until one comes.
    explicit SyncProgress(base::Duration timeout) : timeout_(timeout) {}

    void update(base::Instant now, const Situation& situation);
    /// When time alone changes the state.
    base::Instant poll_timeout() const;

    SyncState state() const { return state_; }
    /// The proven height that is worked towards, or what is applied.
    wire::Height target() const { return target_; }
    /// Of the way from where this catch-up began.
    std::uint32_t percent() const;
    /// At the pace so far; nothing before a pace is known, or when there is no proven target.
    std::optional<base::Duration> remaining() const;

private:
    static SyncState judge(const Situation& situation);
    void measure(base::Instant now, wire::Height applied);

    base::Duration timeout_;
    SyncState state_ = SyncState::idle;
    wire::Height start_{};
    wire::Height applied_{};
    wire::Height target_{};
    base::Instant measured_at_{};
    wire::Height measured_{};
    std::optional<base::Duration> per_block_;
    base::Instant progress_at_ = base::never;  ///< never: not behind
};

}  // namespace meshchain::chain
