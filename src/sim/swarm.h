#pragma once
// A scenario drawn from a seed: not only when things go wrong, but which things can, among whom,
// over what network and on what disks ("swarm testing", Groce et al., 2012).
//
// It stays within what the protocol promises to survive: those who break the rules, whose disks are
// replaced, or whose clocks are set wrong hold less than a third of the stake together, and who
// cheats is nobody's only way to others.

#include "sim/scenario.h"

namespace meshchain::sim {

struct SwarmLimits {
    std::size_t validators_max = 10;
    std::size_t relays_max = 2;
    base::Duration hostile_min = std::chrono::seconds(40);
    base::Duration hostile_max = std::chrono::seconds(120);
    /// On every third chain validators come and go.
    bool stakes_move = false;
};

/// So small, and for so short a time, that hundreds are played while somebody waits; every kind of
/// fault and of attacker is among them.
inline constexpr SwarmLimits small_villages{.validators_max = 5,
                                            .relays_max = 1,
                                            .hostile_min = std::chrono::seconds(25),
                                            .hostile_max = std::chrono::seconds(40)};

/// Passes check().
Scenario draw_scenario(std::uint64_t seed, const SwarmLimits& limits = {});

}  // namespace meshchain::sim
