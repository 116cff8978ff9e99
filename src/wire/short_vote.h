#pragma once
// A vote as it is first said on the air (rows A6, E6): who hears it knows the blocks that it names,
// or soon will, so the first bytes of their hashes do. Repeated votes are whole ones, which name
// what somebody has missed.
//
// The signature is that of the whole vote: what is expanded wrongly verifies for nobody.
//
// Errors: malformed, wrong_version.
// Format: docs/formats/air.md

#include <expected>
#include <optional>

#include "wire/air_question.h"
#include "wire/vote.h"

namespace meshchain::wire {

struct ShortVote {
    static constexpr std::size_t bytes_min = 1 + 1 + 2 + 1 + 4 + 4 + 64;
    static constexpr std::size_t bytes_max = bytes_min + 8;

    ValidatorIndex validator;
    std::uint16_t round_low = 0;  ///< of the round; which one is meant is the nearest
    std::uint8_t distance = 0;    ///< rounds from the source to the target, at least one
    BlockName source;
    BlockName target;
    std::uint64_t heard = 0;
    crypto::Signature signature;
    friend bool operator==(const ShortVote&, const ShortVote&) = default;
};

/// Nothing where the source is too many rounds back.
std::optional<ShortVote> shorten(const Vote& vote);
/// The round that `vote` means in the round `now`.
Round round_of(const ShortVote& vote, Round now);
/// The vote that it stands for, if these are the blocks that it names.
Vote expand(const ShortVote& vote, Round round, Slot source_slot, const Hash& source,
            const Hash& target);

base::Buffer encode(const ShortVote& vote);
std::expected<ShortVote, base::Error> parse_short_vote(base::Bytes payload);

}  // namespace meshchain::wire
