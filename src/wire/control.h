#pragma once
// Control messages: signed by their origin, never bridged (PROTOCOL.md P1.2, P1.3).
//
// A control payload is body ‖ signature (64). The signature covers `mc/ctl/1` ‖ chain ‖ type ‖
// origin key ‖ sequence u64 ‖ body; key and chain are known from the session, HELLO carries them.
// Format: docs/formats/control.md

#include <span>

#include "wire/frame.h"
#include "wire/vote.h"

namespace meshchain::wire {

base::Buffer control_preimage(const ChainId& chain, MessageType type,
                              const crypto::PublicKey& origin, std::uint64_t sequence,
                              base::Bytes body);

inline constexpr std::size_t control_body_bytes_max =
    ip_payload_bytes_max - crypto::Signature::size;

struct ControlPayload {
    base::Bytes body;  ///< borrows
    crypto::Signature signature;
};
/// Errors: malformed (shorter than a signature).
std::expected<ControlPayload, base::Error> split_control(base::Bytes payload);

enum class Role : std::uint8_t { validator = 0, relay = 1, light = 2 };
std::string_view name(Role role);

/// Where a node's chain stands. Claims, not proofs: they choose whom to ask, never what to believe.
struct ChainStatus {
    static constexpr std::size_t size = 4 + 4 + 4 + 2 * Checkpoint::size + 2;
    Slot slot;      ///< the sender's own clock
    Height height;  ///< of its head
    Height final_height;
    Checkpoint justified;
    Checkpoint final;
    std::uint16_t slot_phase = 0;  ///< how much of the slot has passed, in 1/65536
    friend bool operator==(const ChainStatus&, const ChainStatus&) = default;
};

using Cookie = std::array<std::byte, 24>;  ///< time u64 ‖ MAC of address and time

/// COOKIE, the one unsigned control message: version ‖ cookie.
base::Buffer encode_cookie(const Cookie& cookie);
/// Errors: malformed, wrong_version.
std::expected<Cookie, base::Error> parse_cookie(base::Bytes payload);

/// PEER_HELLO (row E8; PROTOCOL.md P1.9).
struct Hello {
    std::uint8_t version_min = 1;
    std::uint8_t version_max = 1;
    ChainId chain;
    crypto::PublicKey identity;
    Role role = Role::relay;
    bool accepted = false;  ///< the sender holds a session for the receiver already
    Cookie cookie{};        ///< zero until the receiver has sent one
    ChainStatus status;
    friend bool operator==(const Hello&, const Hello&) = default;
};
base::Buffer encode(const Hello& hello);
/// Errors: malformed (also: an empty version range, an unknown role).
std::expected<Hello, base::Error> parse_hello(base::Bytes body);

/// STATUS (row F8): the heartbeat. With frame header and signature it stays within 100 bytes.
struct Heartbeat {
    static constexpr std::size_t size = 1 + 4 + 4 + 4 + 2;
    std::uint8_t state = 0;  ///< the node state's number (runtime::NodeState)
    Slot slot;
    Height height;
    Height final_height;
    std::uint16_t slot_phase = 0;  ///< how much of the slot has passed, in 1/65536
    friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
static_assert(FrameHeader::size + Heartbeat::size + crypto::Signature::size <= 100);
base::Buffer encode(const Heartbeat& heartbeat);
/// Errors: malformed.
std::expected<Heartbeat, base::Error> parse_heartbeat(base::Bytes body);

/// VOTE_REQ (PROTOCOL.md P3 Lost votes), behind a version byte: "I hold these votes of this round;
/// send the others."
struct VoteRequest {
    Round round;
    std::uint64_t held = 0;  ///< bitmap over validators
    friend bool operator==(const VoteRequest&, const VoteRequest&) = default;
};
base::Buffer encode(const VoteRequest& request);
/// Errors: malformed, wrong_version.
std::expected<VoteRequest, base::Error> parse_vote_request(base::Bytes body);

}  // namespace meshchain::wire
