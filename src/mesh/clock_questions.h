#pragma once
// Which clocks we asked for over several hops, and when (PROTOCOL.md P3, "the clock is checked").
// An answer counts once, from the one that was asked, and only with the nonce of the question: what
// was said to an earlier one, or to the same key elsewhere, means nothing.
//
// Time:   instants must not go backwards.
// Limits: `open_max` questions; the oldest is given up for a new one.

#include <algorithm>
#include <optional>
#include <vector>

#include "base/time.h"
#include "crypto/signature.h"
#include "wire/clock_question.h"

namespace meshchain::mesh {

class ClockQuestions {
public:
    static constexpr std::size_t open_max = 16;

    /// A later question to the same validator takes the place of the one before.
    void note(base::Instant now, const crypto::PublicKey& to, const wire::ClockNonce& nonce) {
        std::erase_if(open_, [&](const Question& question) { return question.to == to; });
        if (open_.size() == open_max) open_.erase(open_.begin());
        open_.push_back({to, nonce, now});
    }
    /// When the question was asked that this answers; nothing if none was, or it was answered.
    std::optional<base::Instant> take(const crypto::PublicKey& from,
                                      const wire::ClockNonce& nonce) {
        const auto found = std::ranges::find_if(open_, [&](const Question& question) {
            return question.to == from && question.nonce == nonce;
        });
        if (found == open_.end()) return std::nullopt;
        const base::Instant asked = found->asked;
        open_.erase(found);
        return asked;
    }
    std::size_t open() const { return open_.size(); }

private:
    struct Question {
        crypto::PublicKey to;
        wire::ClockNonce nonce;
        base::Instant asked;
    };
    std::vector<Question> open_;  ///< the oldest first
};

}  // namespace meshchain::mesh
