#pragma once
// In which rounds to vote while something is not final (PROTOCOL.md P3 "What to vote for"): in
// each round at first, ever more rarely while the chain is stalled, in each again for a while when
// a silent validator is heard anew. So a stalled chain whispers, and a healed one hurries.

#include <array>
#include <optional>

#include "wire/numbers.h"

namespace meshchain::consensus {

class VotePattern {
public:
    static constexpr std::uint32_t period_max = 64;
    static constexpr std::uint32_t rounds_per_period = 3;
    static constexpr std::uint32_t burst_rounds = 8;
    static constexpr std::uint32_t burst_pause_rounds = 64;

    /// The largest power of two <= max(1, (round - oldest) / 8), at most 64.
    static std::uint32_t period(wire::Round round, wire::Round oldest_non_final);

    bool is_voting_round(wire::Round round, wire::Round oldest_non_final) const;
    /// A vote of the current round or the one before, for a block that is not final here.
    void note_vote(wire::ValidatorIndex from, wire::Round vote_round, wire::Round now,
                   wire::Round oldest_non_final);

private:
    bool was_silent(wire::ValidatorIndex validator, wire::Round until, std::uint32_t period) const;

    std::array<std::optional<wire::Round>, wire::validators_max> last_heard_;
    std::optional<wire::Round> burst_from_;
};

}  // namespace meshchain::consensus
