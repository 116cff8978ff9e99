#pragma once
// What is known about one peer (row F1). Heights and role are its own claims: they choose whom to
// ask, never what to believe. Its stake is what genesis says.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/link.h"
#include "base/time.h"
#include "crypto/identity.h"
#include "wire/control.h"

namespace meshchain::mesh {

/// 0 … 100. Falls in steps of one grade when a peer hands us something provably wrong, rises by
/// one for each useful thing.
class PeerScore {
public:
    static constexpr std::uint8_t excellent = 100;
    static constexpr std::uint8_t good = 75;
    static constexpr std::uint8_t fair = 50;
    static constexpr std::uint8_t poor = 25;
    static constexpr std::uint8_t failed = 0;

    explicit constexpr PeerScore(std::uint8_t value = fair) : value_(value) {}
    constexpr std::uint8_t value() const { return value_; }
    constexpr bool is_failed() const { return value_ == failed; }
    constexpr void reward() { value_ = value_ < excellent ? std::uint8_t(value_ + 1) : excellent; }
    constexpr void punish() { value_ = value_ > poor ? std::uint8_t(value_ - poor) : failed; }
    /// An answer that did not come: one point, and never down to FAILED.
    constexpr void disappoint() { value_ = value_ > 1 ? std::uint8_t(value_ - 1) : value_; }
    friend constexpr auto operator<=>(PeerScore, PeerScore) = default;

private:
    std::uint8_t value_;
};
/// "EXCELLENT" from 100, "GOOD" from 75, "FAIR" from 50, "POOR" from 1, "FAILED" at 0.
std::string_view grade(PeerScore score);

struct PeerMetrics {
    std::uint64_t successes = 0;
    std::uint64_t failures = 0;
    std::uint64_t useful = 0;  ///< objects it was the first to bring, requests it answered
    std::uint64_t frames_received = 0;
    std::uint64_t frames_sent = 0;
    base::Duration latency{};  ///< smoothed round trip; zero until measured
};

struct Peer {
    static constexpr std::uint8_t hops_unknown = 255;

    crypto::PublicKey key;
    crypto::NodeId id;
    bool id_shared = false;     ///< another key we know has the same 8-byte id
    bool is_static = false;     ///< dialled because the configuration names its address
    bool is_validator = false;  ///< its key is one of Options::validators
    wire::Amount stake;         ///< zero unless it is a validator
    bool connected = false;     ///< both sides hold a session, or it is heard on the air
    std::optional<std::uint32_t> radio = {};  ///< its number, where the air is the only way to it
    wire::Role role = wire::Role::relay;
    std::uint8_t state = 0;  ///< runtime::NodeState as last reported
    std::uint8_t hops = hops_unknown;
    wire::Slot slot;
    wire::Height height;
    wire::Height final_height;
    PeerScore score;
    PeerMetrics metrics;
    base::LinkAddress address;  ///< of its session, or of its last one
    base::Instant first_heard;
    base::Instant last_heard;
};

}  // namespace meshchain::mesh
