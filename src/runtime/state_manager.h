#pragma once
// What the node is doing, how long already, and what it did before.
//
//   from \ to      INIT  WAIT  SYNCING  SYNCHRONIZED  VALIDATING  ERROR  SHUTTING_DOWN
//   INITIALIZING    .    yes    .        .             .           yes    yes
//   WAITING_PEERS   .     .    yes      yes            .           yes    yes
//   SYNCING         .    yes    .       yes            .           yes    yes
//   SYNCHRONIZED    .    yes   yes       .            yes          yes    yes
//   VALIDATING      .    yes   yes      yes            .           yes    yes
//   ERROR          yes   yes    .        .             .            .     yes
//   SHUTTING_DOWN  yes    .     .        .             .            .      .
//
// WAITING_PEERS leads straight to SYNCHRONIZED where a peer is found that has nothing newer.
// ERROR is left by starting over or by looking for peers anew; SHUTTING_DOWN only by a restart.
//
// Re-entry: a callback must not change the state (conflict): it posts the change to the loop.
//           It may add and remove callbacks; one added hears of the next change.
// Errors:   a failing callback is counted and logged, and stops neither the change nor the others.
// Limits:   StateLimits; the history keeps the newest changes.
// Threads:  one owner.

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "runtime/callback.h"
#include "runtime/limits.h"

namespace meshchain::runtime {

enum class NodeState : std::uint8_t {
    initializing = 0,
    waiting_peers = 1,
    syncing = 2,
    synchronized = 3,
    validating = 4,
    error = 5,
    shutting_down = 6,
};
inline constexpr std::size_t node_states = 7;

/// "WAITING_PEERS".
std::string_view name(NodeState state);

struct StateChange {
    NodeState from = NodeState::initializing;
    NodeState to = NodeState::initializing;
    base::Instant at{};
};

/// Called after the change was made.
using StateCallback = Callback<Outcome(const StateChange& change)>;

/// Names one callback for its whole life; never reused for another.
enum class StateCallbackId : std::uint64_t {};

class StateManager {
public:
    explicit StateManager(base::Instant now, base::Log log = {}, const StateLimits& limits = {});

    static bool allowed(NodeState from, NodeState to);

    /// Enters `next`; entering the present state again changes nothing and succeeds.
    /// Errors: conflict (not an allowed transition, or called from a callback); nothing changed.
    std::expected<void, base::Error> set_state(base::Instant now, NodeState next);

    NodeState state() const { return state_; }
    /// Since the present state was entered.
    base::Duration time_in_state(base::Instant now) const { return now - entered_; }
    /// All the time ever spent in `state`, up to `now`.
    base::Duration total_time(NodeState state, base::Instant now) const;

    /// Errors: full.
    std::expected<StateCallbackId, base::Error> add_callback(StateCallback callback);
    /// False when it was removed already.
    bool remove_callback(StateCallbackId id);

    /// The newest changes, oldest first, at most `count`.
    std::vector<StateChange> history(std::size_t count = SIZE_MAX) const;
    std::uint64_t changes() const { return changes_; }
    std::uint64_t callback_failures() const { return callback_failures_; }

private:
    struct Registration {
        std::uint64_t id = 0;  ///< 0: free
        StateCallback callback{};
    };

    void record(const StateChange& change);
    void notify(const StateChange& change);

    base::Log log_;
    NodeState state_ = NodeState::initializing;
    base::Instant entered_;
    std::array<base::Duration, node_states> spent_{};  ///< in states already left
    std::vector<Registration> callbacks_;
    std::vector<StateChange> history_;  ///< a ring, entry n at n modulo its size
    std::uint64_t changes_ = 0;
    std::uint64_t last_id_ = 0;
    std::uint64_t callback_failures_ = 0;
    bool notifying_ = false;
};

}  // namespace meshchain::runtime
