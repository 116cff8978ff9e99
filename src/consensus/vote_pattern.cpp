#include "consensus/vote_pattern.h"

#include <algorithm>
#include <bit>

namespace meshchain::consensus {
namespace {

bool in_pattern(wire::Round round, std::uint32_t period) {
    return round.value % period < VotePattern::rounds_per_period;
}

/// How many of the rounds below `end` are in the pattern.
std::uint64_t pattern_rounds_below(std::uint64_t end, std::uint32_t period) {
    const std::uint64_t each = std::min(period, VotePattern::rounds_per_period);
    return end / period * each + std::min(end % period, each);
}

}  // namespace

std::uint32_t VotePattern::period(wire::Round round, wire::Round oldest_non_final) {
    if (round <= oldest_non_final) return 1;
    const std::uint32_t eighth = (round.value - oldest_non_final.value) / 8;
    return std::bit_floor(std::clamp<std::uint32_t>(eighth, 1, period_max));
}

bool VotePattern::is_voting_round(wire::Round round, wire::Round oldest_non_final) const {
    const bool in_burst =
        burst_from_ && round >= *burst_from_ && round.value - burst_from_->value < burst_rounds;
    return in_burst || in_pattern(round, period(round, oldest_non_final));
}

/// Silent for over two of the rounds in which this node itself would have voted: counted in plain
/// rounds, every pause of the pattern would look like silence (docs/decisions/0012).
bool VotePattern::was_silent(wire::ValidatorIndex validator, wire::Round until,
                             std::uint32_t period) const {
    const std::optional<wire::Round>& last = last_heard_[validator.value];
    if (!last) return true;
    if (*last >= until) return false;
    return pattern_rounds_below(until.value, period) -
               pattern_rounds_below(std::uint64_t{last->value} + 1, period) >
           2;
}

void VotePattern::note_vote(wire::ValidatorIndex from, wire::Round vote_round, wire::Round now,
                            wire::Round oldest_non_final) {
    const std::uint32_t own = period(vote_round, oldest_non_final);
    const bool surprising = !in_pattern(vote_round, own) || was_silent(from, vote_round, own);
    std::optional<wire::Round>& last = last_heard_[from.value];
    if (!last || *last < vote_round) last = vote_round;
    const bool rested =
        !burst_from_ || now < *burst_from_ || now.value - burst_from_->value >= burst_pause_rounds;
    if (surprising && rested && own > rounds_per_period) burst_from_ = now;
}

}  // namespace meshchain::consensus
