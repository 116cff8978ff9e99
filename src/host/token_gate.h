#pragma once
// The API's token: compared without telling by the time taken how much of it was right; whoever
// guesses waits for each answer, and longer the more guesses there were. The right token never
// waits.
//
// Limits: none of memory; a penalty is penalty_max at most.

#include <algorithm>
#include <string_view>

#include "base/time.h"
#include "crypto/hash.h"

namespace meshchain::host {

class TokenGate {
public:
    static constexpr base::Duration penalty_step = std::chrono::milliseconds(100);
    static constexpr base::Duration penalty_max = std::chrono::seconds(2);
    /// How long it takes until one guess is forgotten.
    static constexpr base::Duration forgetting = std::chrono::seconds(1);

    explicit TokenGate(std::string_view secret) : expected_(digest(secret)) {}

    /// Compares digests, so that neither content nor length of the token shows.
    bool is_token(std::string_view given) const {
        return crypto::equal_constant_time(digest(given).span(), expected_.span());
    }

    /// Counts a wrong token; returns how long its answer is to wait.
    base::Duration penalty(base::Instant now) {
        const auto forgotten = static_cast<std::uint64_t>((now - last_) / forgetting);
        recent_ -= std::min(recent_, forgotten);
        last_ += static_cast<base::Duration::rep>(forgotten) * forgetting;
        if (recent_ == 0) last_ = now;
        ++recent_;
        ++guesses_;
        return std::min(penalty_max, static_cast<base::Duration::rep>(recent_) * penalty_step);
    }
    std::uint64_t guesses() const { return guesses_; }

private:
    static crypto::Hash digest(std::string_view text) { return crypto::hash(base::as_bytes(text)); }

    crypto::Hash expected_;
    base::Instant last_{};
    std::uint64_t recent_ = 0;
    std::uint64_t guesses_ = 0;
};

}  // namespace meshchain::host
