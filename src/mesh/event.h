#pragma once
// What mesh tells the node, taken with Mesh::poll_event() in the order it happened.

#include <cstdint>
#include <string_view>
#include <variant>

#include "crypto/signature.h"
#include "wire/control.h"

namespace meshchain::mesh {

/// Both sides hold a session: what is sent to this peer now is accepted there.
struct PeerDiscovered {
    crypto::PublicKey peer;
};

enum class LossReason : std::uint8_t {
    silent,       ///< not heard for Options::peer_timeout
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

/// A verified STATUS.
struct PeerHeartbeat {
    crypto::PublicKey peer;
    wire::Heartbeat heartbeat;
};

using Event = std::variant<PeerDiscovered, PeerLost, PeerStatus, PeerHeartbeat>;

}  // namespace meshchain::mesh
