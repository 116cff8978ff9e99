#pragma once
// Whether the store refuses what is to be written, from its counters: a disk around it that is full
// shows in no quota. A refusal counts until a minute has passed without another and something was
// written since, so that what is shown does not flicker while now and then a small batch fits.
//
// Time: `observe` once a second or so.

#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "kv/store.h"

namespace meshchain::node {

class RefusalWatch {
public:
    static constexpr base::Duration patience = std::chrono::minutes(1);

    /// `fault` is what keeps the chain from going on, if anything.
    void observe(base::Instant now, const kv::Stats& stats,
                 const std::optional<base::Error>& fault) {
        if (stats.commits_failed > failed_) {
            failed_ = stats.commits_failed;
            refused_at_ = now;
            commits_then_ = stats.commits;
            if (reason_.empty()) reason_ = "a commit was refused";
            if (fault) reason_ = base::sentence(*fault);
        }
        const bool is_over = now - refused_at_ >= patience && stats.commits > commits_then_;
        if (is_over && !fault) reason_.clear();
    }
    /// Empty while nothing is refused.
    const std::string& reason() const { return reason_; }

private:
    std::uint64_t failed_ = 0;
    std::uint64_t commits_then_ = 0;
    base::Instant refused_at_{};
    std::string reason_;
};

}  // namespace meshchain::node
