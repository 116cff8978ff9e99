#pragma once
// Votes (BLOCK_ACK), certificates and evidence (rows A6, A10, A11, J4; PROTOCOL.md P3).
//
// Format: docs/formats/vote.md

#include <vector>

#include "wire/block.h"

namespace meshchain::wire {

/// (block, round), ordered by (round, slot of the block).
struct Checkpoint {
    static constexpr std::size_t size = 4 + 4 + 32;
    Round round;
    Slot slot;  ///< of the block
    Hash block;
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};
/// The protocol's order; two checkpoints of one round and slot are neither less nor greater.
constexpr bool precedes(const Checkpoint& a, const Checkpoint& b) {
    return a.round != b.round ? a.round < b.round : a.slot < b.slot;
}

/// One validator's vote S → T of one round: head vote and finality vote at once. The source
/// states its slot so that a surround vote can be judged without the blocks.
struct Vote {
    static constexpr std::size_t size = 2 + 4 + Checkpoint::size + 32 + 8 + 64;
    ValidatorIndex validator;
    Round round;              ///< T.round
    Checkpoint source;        ///< S
    Hash target;              ///< T.block
    std::uint64_t heard = 0;  ///< bitmap: validators heard directly this round
    crypto::Signature signature;
    friend bool operator==(const Vote&, const Vote&) = default;
};

/// `mc/ack/1` ‖ chain ‖ type 2 ‖ validator's full key ‖ fields.
base::Buffer preimage(const ChainId& chain, const Vote& vote, const crypto::PublicKey& validator);
void encode(const Vote& vote, base::Buffer& out);
base::Buffer encode(const Vote& vote);
std::optional<Vote> read_vote(base::Reader& in);
/// Errors: malformed.
std::expected<Vote, base::Error> parse_vote(base::Bytes bytes);

/// Votes of more than 2/3 of stake with source exactly `final` and target round final.round + 1:
/// they prove `final` justified and final by themselves.
struct Certificate {
    Checkpoint final;
    std::vector<Vote> votes;  ///< ascending by validator
    friend bool operator==(const Certificate&, const Certificate&) = default;
};
/// The votes share source and round, which are written once. Asserts that they do.
base::Buffer encode(const Certificate& certificate);
/// Errors: malformed (votes not ascending), too_large (more than validators_max).
std::expected<Certificate, base::Error> parse_certificate(base::Bytes bytes);
/// H(`mc/cert/1` ‖ encoded certificate).
Hash certificate_hash(const Certificate& certificate);

/// Two signed messages that no honest key signs: portable proof for slashing.
struct VoteEvidence {
    Vote first;  ///< of the two, the one with the lower target round; then the lower target
    Vote second;
    friend bool operator==(const VoteEvidence&, const VoteEvidence&) = default;
};
struct BlockEvidence {
    BlockHeader first;  ///< the one with the lower hash
    BlockHeader second;
    friend bool operator==(const BlockEvidence&, const BlockEvidence&) = default;
};
using Evidence = std::variant<VoteEvidence, BlockEvidence>;
base::Buffer encode(const Evidence& evidence);
/// Whether it convicts is for consensus to judge.
/// Errors: malformed (also: of two validators, or two blocks of different slots), wrong_version.
std::expected<Evidence, base::Error> parse_evidence(base::Bytes bytes);

}  // namespace meshchain::wire
