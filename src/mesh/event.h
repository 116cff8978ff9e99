#pragma once
// What mesh tells the node, taken with Mesh::poll_event() in the order it happened.

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/time.h"
#include "crypto/signature.h"
#include "wire/control.h"

namespace meshchain::mesh {

/// Both sides hold a session, or its word was heard on the air: what is sent to it now is taken.
struct PeerDiscovered {
    crypto::PublicKey peer;
};

enum class LossReason : std::uint8_t {
    silent,       ///< not heard for Options::peer_timeout, on the air for two status intervals
    punished,     ///< its score fell to FAILED
    replaced,     ///< it moved, or another took its address
    crowded_out,  ///< a static peer or validator needed its slot
    stopped,      ///< we stopped
};
std::string_view name(LossReason reason);

struct PeerLost {
    crypto::PublicKey peer;
    LossReason reason;
};

/// A verified HELLO: the peer's own slot and where its chain stands, as it claims.
struct PeerStatus {
    crypto::PublicKey peer;
    wire::Role role;
    wire::ChainStatus status;
};

/// How a word came that was heard on the air.
struct AirPath {
    bool is_direct;  ///< no relay between
};

/// A verified STATUS.
struct PeerHeartbeat {
    crypto::PublicKey peer;
    wire::Heartbeat heartbeat;
    std::optional<AirPath> air = std::nullopt;  ///< nothing: over a session
};

enum class RoutedOutcome : std::uint8_t {
    taken,    ///< handed up there
    refused,  ///< it arrived, and nobody there had a use for it
    lost,     ///< no receipt came: whether it arrived is not known
};
std::string_view name(RoutedOutcome outcome);

/// A routed message of ours to one key came to its end.
struct RoutedSettled {
    crypto::PublicKey to;
    std::uint64_t sequence;  ///< as Mesh::send_routed returned it
    wire::MessageType type;
    RoutedOutcome outcome;
    std::uint8_t attempts;  ///< up to the one that was answered
    std::uint8_t hops_there;
    std::uint8_t hops_back;
    base::Duration round_trip;  ///< of the attempt that was answered
};

/// A validator answered Mesh::ask_clock(): what its clock showed at some moment of the round trip.
struct ClockStated {
    crypto::PublicKey validator;
    wire::Slot slot;
    std::uint16_t slot_phase;
    base::Duration round_trip;
};

using Event =
    std::variant<PeerDiscovered, PeerLost, PeerStatus, PeerHeartbeat, RoutedSettled, ClockStated>;

}  // namespace meshchain::mesh
