#pragma once
// Which peers to ask or to send to (row F2): at random, with weight
//     0.5 · score + 0.3 · height + 0.2 · low latency,
// each term scaled to 0 … 100 over the candidates, the worst of them 0 and the best 100 (100 for
// all where they are equal). Whole numbers, so that every run of one seed is the same.
//
// A height is a claim: who lies about it gains at most three tenths of the weight.

#include <span>
#include <vector>

#include "base/random.h"
#include "mesh/peer.h"

namespace meshchain::mesh {

struct Candidate {
    crypto::PublicKey key;
    PeerScore score;
    wire::Height height;
    base::Duration latency{};  ///< zero: not measured, which counts like the slowest
};

/// How many peers get what is not sent to all.
inline constexpr std::size_t broadcast_peers = 3;

/// Weights in tenths, 1 … 1000, in the order of the candidates. Nobody's is 0: who never was
/// chosen could never show what he is worth.
std::vector<std::uint32_t> selection_weights(std::span<const Candidate> candidates);

/// The index that `ticket` draws: each index owns as many tickets as its weight says.
/// Asserts that `ticket` is below their sum.
std::size_t pick(std::span<const std::uint32_t> weights, std::uint64_t ticket);

/// At most `count` different candidates, in the order in which they were drawn.
std::vector<crypto::PublicKey> select_peers(std::vector<Candidate> candidates, std::size_t count,
                                            base::Random& random);

}  // namespace meshchain::mesh
