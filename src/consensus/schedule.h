#pragma once
// What the clock says: slots, rounds, who leads a slot, when a validator speaks in a round
// (PROTOCOL.md P3 Time, Selection). A pure function of genesis and of an epoch's roster, so
// every node agrees on it.
//
// Time: slot t lasts block_time; round k is slots kA … kA + A - 1, and everybody is in it from
// vote_lead before the first of them. Nothing before the start.

#include <array>
#include <optional>
#include <span>

#include "base/time.h"
#include "consensus/validator_set.h"
#include "wire/vote.h"

namespace meshchain::consensus {

/// Chain parameters, from genesis.
struct Params {
    wire::ChainId chain;                ///< also the hash of the genesis block
    base::WallTime start;               ///< of slot 0
    base::Milliseconds block_time{};    ///< length of a slot, at least 3 * rank_delay
    base::Milliseconds rank_delay{};    ///< between the ranked leaders of a slot
    std::uint32_t slots_per_round = 1;  ///< A
    std::uint32_t vote_delay = 1;       ///< D: a target lies so many slots before its round
    base::Milliseconds vote_lead{};     ///< a round starts so long before its first slot
    crypto::Hash seed;
    std::uint32_t epoch_slots = 0;    ///< between two rises of the epoch; 0: it has one for ever
    std::uint32_t unbond_epochs = 0;  ///< so long after leaving one can still be slashed
};

/// Genesis, justified and final by definition.
constexpr wire::Checkpoint genesis_checkpoint(const wire::ChainId& chain) {
    return {.round = {}, .slot = {}, .block = chain};
}

class Leaders {
public:
    static constexpr std::size_t count_max = 3;

    void push(wire::ValidatorIndex leader) { leaders_[size_++] = leader; }
    /// In order of rank.
    std::span<const wire::ValidatorIndex> ranked() const { return {leaders_.data(), size_}; }
    std::optional<std::uint8_t> rank_of(wire::ValidatorIndex validator) const;

private:
    std::array<wire::ValidatorIndex, count_max> leaders_{};
    std::size_t size_ = 0;
};

class Schedule {
public:
    /// `validators` outlives the schedule. Asserts positive times, A and D.
    Schedule(const Params& params, const ValidatorSet& validators);

    const Params& params() const { return params_; }

    /// Nothing before the chain's start, or beyond the last slot a u32 names.
    std::optional<wire::Slot> slot_at(base::WallTime now) const;
    base::WallTime start_of(wire::Slot slot) const;
    wire::Round round_of(wire::Slot slot) const;
    wire::Slot first_slot(wire::Round round) const;
    /// Whose votes are due. Nothing where there is no slot.
    std::optional<wire::Round> round_at(base::WallTime now) const;
    /// Whose votes may be due by a clock that is a slot ahead. Nothing where there is no slot.
    std::optional<wire::Round> latest_round(base::WallTime now) const {
        return round_at(now + params_.block_time);
    }
    base::WallTime start_of(wire::Round round) const {
        return start_of(first_slot(round)) - params_.vote_lead;
    }
    base::Milliseconds round_length() const { return params_.block_time * params_.slots_per_round; }

    /// Up to three distinct validators, drawn by weight without replacement.
    Leaders leaders(wire::Slot slot) const { return leaders(slot, *validators_, params_.seed); }
    /// Of an epoch with this set and seed.
    Leaders leaders(wire::Slot slot, const ValidatorSet& set, const crypto::Hash& seed) const;
    /// When the leader of this rank sends.
    base::WallTime proposal_time(wire::Slot slot, std::uint8_t rank) const {
        return start_of(slot) + params_.rank_delay * rank;
    }
    /// A block received before this, the time of the next rank, is timely.
    base::WallTime timely_until(wire::Slot slot, std::uint8_t rank) const {
        return start_of(slot) + params_.rank_delay * (rank + 1);
    }
    /// From the start of the round: in its first half, in an order drawn from the seed, so that
    /// on radio no two validators speak at once.
    base::Milliseconds ack_offset(wire::Round round, wire::ValidatorIndex validator) const;

private:
    crypto::Hash draw(std::string_view domain, const crypto::Hash& seed, std::uint32_t time,
                      std::uint16_t what) const;

    Params params_;
    const ValidatorSet* validators_;
};

}  // namespace meshchain::consensus
