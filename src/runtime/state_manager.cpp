#include "runtime/state_manager.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"

namespace meshchain::runtime {
namespace {

constexpr unsigned bit(NodeState state) { return 1U << static_cast<unsigned>(state); }

/// For each state the set of states that may follow: the table of the header.
constexpr std::array<unsigned, node_states> followers = [] {
    using enum NodeState;
    constexpr unsigned always = bit(error) | bit(shutting_down);
    std::array<unsigned, node_states> table{};
    table[static_cast<std::size_t>(initializing)] = bit(waiting_peers) | always;
    table[static_cast<std::size_t>(waiting_peers)] = bit(syncing) | bit(synchronized) | always;
    table[static_cast<std::size_t>(syncing)] = bit(waiting_peers) | bit(synchronized) | always;
    table[static_cast<std::size_t>(synchronized)] =
        bit(waiting_peers) | bit(syncing) | bit(validating) | always;
    table[static_cast<std::size_t>(validating)] =
        bit(waiting_peers) | bit(syncing) | bit(synchronized) | always;
    table[static_cast<std::size_t>(error)] =
        bit(initializing) | bit(waiting_peers) | bit(shutting_down);
    table[static_cast<std::size_t>(shutting_down)] = bit(initializing);
    return table;
}();

}  // namespace

std::string_view name(NodeState state) {
    switch (state) {
        case NodeState::initializing: return "INITIALIZING";
        case NodeState::waiting_peers: return "WAITING_PEERS";
        case NodeState::syncing: return "SYNCING";
        case NodeState::synchronized: return "SYNCHRONIZED";
        case NodeState::validating: return "VALIDATING";
        case NodeState::error: return "ERROR";
        case NodeState::shutting_down: return "SHUTTING_DOWN";
    }
    return "UNKNOWN";
}

StateManager::StateManager(base::Instant now, base::Log log, const StateLimits& limits)
    : log_(log), entered_(now), callbacks_(limits.callbacks_max), history_(limits.history_max) {
    MESH_ASSERT(limits.history_max > 0);
}

bool StateManager::allowed(NodeState from, NodeState to) {
    return (followers[static_cast<std::size_t>(from)] & bit(to)) != 0;
}

std::expected<void, base::Error> StateManager::set_state(base::Instant now, NodeState next) {
    if (notifying_) {
        return base::failure(base::Errc::conflict, "the state is being changed already",
                             "state manager", "post the change to the event loop");
    }
    if (next == state_) return {};
    if (!allowed(state_, next)) {
        return base::failure(
            base::Errc::conflict,
            std::string(name(state_)) + " cannot become " + std::string(name(next)),
            "state manager");
    }
    const StateChange change{state_, next, now};
    spent_[static_cast<std::size_t>(state_)] += now - entered_;
    state_ = next;
    entered_ = now;
    record(change);
    notify(change);
    return {};
}

base::Duration StateManager::total_time(NodeState state, base::Instant now) const {
    const base::Duration spent = spent_[static_cast<std::size_t>(state)];
    return state == state_ ? spent + time_in_state(now) : spent;
}

std::expected<StateCallbackId, base::Error> StateManager::add_callback(StateCallback callback) {
    MESH_ASSERT(callback);
    for (Registration& place : callbacks_) {
        if (place.id != 0) continue;
        place = {++last_id_, callback};
        return StateCallbackId{place.id};
    }
    return base::failure(base::Errc::full,
                         "all " + std::to_string(callbacks_.size()) + " callbacks are taken",
                         "state manager", "remove one or raise callbacks_max");
}

bool StateManager::remove_callback(StateCallbackId id) {
    for (Registration& place : callbacks_) {
        if (place.id == 0 || place.id != static_cast<std::uint64_t>(id)) continue;
        place.id = 0;
        return true;
    }
    return false;
}

std::vector<StateChange> StateManager::history(std::size_t count) const {
    const std::uint64_t kept = std::min<std::uint64_t>({changes_, history_.size(), count});
    std::vector<StateChange> newest;
    newest.reserve(kept);
    for (std::uint64_t n = changes_ - kept; n < changes_; ++n) {
        newest.push_back(history_[n % history_.size()]);
    }
    return newest;
}

void StateManager::record(const StateChange& change) {
    history_[changes_ % history_.size()] = change;
    ++changes_;
}

void StateManager::notify(const StateChange& change) {
    const std::uint64_t newest = last_id_;
    notifying_ = true;
    for (Registration& place : callbacks_) {
        if (place.id == 0 || place.id > newest) continue;
        StateCallback callback = place.callback;  // its place may be given to another meanwhile
        if (const Outcome outcome = callback(change); !outcome) {
            ++callback_failures_;
            log_.warning("callback of state " + std::string(name(change.to)) +
                         " failed: " + base::sentence(outcome.error()));
        }
    }
    notifying_ = false;
}

}  // namespace meshchain::runtime
