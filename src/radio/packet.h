#pragma once
// What a packet of ours on the radio holds (row E6; PROTOCOL.md P1.4): three bytes of header, then
// a message, a piece of a longer one, or a wish for more pieces of one.
//
// The first byte never begins a text in UTF-8, nor JSON, so that foreign programs on our port are
// told apart. Who sent a packet is said by Meshtastic's header, and believed by nobody.
//
// Ownership: a parsed packet borrows from the bytes it was parsed from.
// Limits:    payload_bytes_max (radio/lora.h) a packet, longer ones are encoded by nobody.
// Errors:    a PacketFault, to be counted: a flood of foreign packets builds no texts.
// Format:    docs/formats/radio-frame.md

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <variant>

#include "coding/erasure_code.h"
#include "crypto/identity.h"
#include "radio/lora.h"
#include "wire/addressee.h"
#include "wire/message_type.h"

namespace meshchain::radio {

/// A radio, as Meshtastic numbers them.
enum class NodeNumber : std::uint32_t {};

/// Of a control message, whose signature covers it: who made it and when, as in wire::FrameHeader.
struct Origin {
    static constexpr std::size_t size = crypto::NodeId::size + 4 + 4;

    crypto::NodeId node;
    std::uint32_t timestamp = 0;
    std::uint32_t sequence = 0;
    friend bool operator==(const Origin&, const Origin&) = default;
};

/// An object has no origin: it says itself whose it is. Without `to` it is for everybody.
struct Message {
    wire::MessageType type{};
    std::optional<wire::Addressee> to = std::nullopt;
    std::optional<Origin> origin = std::nullopt;
    base::Bytes payload;
};

/// What precedes a message's payload.
struct Head {
    bool has_addressee = false;
    bool has_origin = false;
    friend bool operator==(const Head&, const Head&) = default;
};
constexpr Head head_of(const Message& message) {
    return {message.to.has_value(), message.origin.has_value()};
}
constexpr std::size_t bytes_of(const Head& head) {
    return (head.has_addressee ? 4 : 0) + (head.has_origin ? Origin::size : 0);
}

/// The first four bytes of the hash of all of a message, which also tells whether pieces were true.
enum class TransferId : std::uint32_t {};

struct Piece {
    wire::MessageType type{};
    Head head;  ///< of the joined message
    TransferId transfer{};
    coding::Cut cut;         ///< two pieces at least; message_bytes has 16 bits
    std::uint8_t index = 0;  ///< from cut.pieces() on: for repair
    std::uint8_t rest = 0;   ///< how many more follow without being asked for
    base::Bytes bytes;
};

/// "I miss so many pieces of what you send."
struct Wish {
    wire::MessageType type{};
    NodeNumber sender{};  ///< of the pieces
    TransferId transfer{};
    std::uint8_t missing = 0;  ///< one at least
    friend bool operator==(const Wish&, const Wish&) = default;
};

using Packet = std::variant<Message, Piece, Wish>;

inline constexpr std::size_t header_bytes = 3;
/// Of a packet that carries a piece, before the piece.
inline constexpr std::size_t piece_overhead_bytes = header_bytes + 8;

enum class PacketFault : std::uint8_t {
    foreign,  ///< not ours at all
    version,  ///< of a version we do not speak
    flags,    ///< flags that nobody has defined, or that exclude each other
    length,   ///< too short, too long, or not as long as it has to be
    cut,      ///< pieces that no message is cut into
};
inline constexpr std::size_t packet_faults = 5;
std::string_view name(PacketFault fault);

std::expected<Packet, PacketFault> parse_packet(base::Bytes bytes);
/// Asserts that it is what parse_packet accepts.
base::Buffer encode(const Packet& packet);

/// What travels in pieces: addressee and origin, if any, then the payload.
base::Buffer join(const Message& message);
/// Undoes it; borrows. Errors: length.
std::expected<Message, PacketFault> split(wire::MessageType type, const Head& head,
                                          base::Bytes joined);
TransferId transfer_id(wire::MessageType type, const Head& head, base::Bytes joined);

}  // namespace meshchain::radio
