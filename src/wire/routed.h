#pragma once
// ROUTED (row F9): a message of one origin to one key, to all or to a segment, over as many hops as
// its limit allows. An object (PROTOCOL.md P1.2): it signs no field of the frame, carries its own
// time, and every node on the way can verify it.
//
// The signature covers `mc/route/1` ‖ chain ‖ type 20 ‖ every field below, so neither a relay nor
// another chain can change destination, attempt or hop limit.
// Limits: `routed_payload_bytes_max` bytes inside.
// Format: docs/formats/routed.md

#include <string_view>
#include <variant>

#include "wire/frame.h"
#include "wire/transaction.h"

namespace meshchain::wire {

/// A group of nodes that a message can be sent to: the first 8 bytes of H(`mc/seg/1` ‖ chain ‖
/// name).
struct SegmentId {
    static constexpr std::size_t size = 8;
    std::array<std::byte, size> bytes{};
    friend auto operator<=>(const SegmentId&, const SegmentId&) = default;
};
SegmentId segment_id(const ChainId& chain, std::string_view name);

/// Every node within reach.
struct Everybody {
    friend auto operator<=>(const Everybody&, const Everybody&) = default;
};
using Destination = std::variant<crypto::PublicKey, Everybody, SegmentId>;

struct RoutedMessage {
    /// The origin tries one message so often: 0, 1, … A repetition has the same sequence.
    static constexpr std::uint8_t attempts_max = 3;

    crypto::PublicKey origin;
    std::uint32_t issued = 0;     ///< seconds since 1970 by the origin's clock
    std::uint64_t sequence = 0;   ///< rises strictly, over restarts too
    std::uint8_t attempt = 0;     ///< below attempts_max
    std::uint8_t hop_limit = 0;   ///< of the frame that left the origin; hops so far follow
    bool receipt_wanted = false;  ///< only with one key as destination
    Destination destination;
    MessageType type{};  ///< of what is inside; its rule has class `routed`
    base::Buffer payload;
    crypto::Signature signature;
    friend bool operator==(const RoutedMessage&, const RoutedMessage&) = default;
};

/// Everything around the payload of a message to one key, the longest destination.
inline constexpr std::size_t routed_overhead_bytes = 1 + crypto::PublicKey::size + 4 + 8 + 1 + 1 +
                                                     1 + 1 + crypto::PublicKey::size + 1 +
                                                     crypto::Signature::size;
inline constexpr std::size_t routed_payload_bytes_max =
    ip_payload_bytes_max - routed_overhead_bytes;

base::Buffer routed_preimage(const ChainId& chain, const RoutedMessage& message);
/// Asserts that the payload is within its limit.
base::Buffer encode(const RoutedMessage& message);
/// Errors: malformed (also: an attempt, hop limit, flag or destination that cannot be), too_large,
/// wrong_version.
std::expected<RoutedMessage, base::Error> parse_routed(base::Bytes payload);

/// RECEIPT, inside a ROUTED of its own: which message arrived, and what became of it.
struct Receipt {
    static constexpr std::size_t size = 1 + 8 + 1 + 1 + 1;
    enum class Outcome : std::uint8_t {
        taken = 0,
        refused = 1,  ///< nobody there takes this type, or what it says was of no use
    };

    std::uint64_t sequence = 0;
    std::uint8_t attempt = 0;
    std::uint8_t hops = 0;  ///< that the message travelled
    Outcome outcome = Outcome::taken;
    friend bool operator==(const Receipt&, const Receipt&) = default;
};
base::Buffer encode(const Receipt& receipt);
/// Errors: malformed, wrong_version.
std::expected<Receipt, base::Error> parse_receipt(base::Bytes payload);

}  // namespace meshchain::wire
