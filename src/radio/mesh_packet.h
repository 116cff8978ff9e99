#pragma once
// What travels between Meshtastic's radios, brokers and clients (rows E1, E4), as values and as the
// protobuf bytes of the official software: the packet, what it holds, and the envelope it has on
// MQTT. nanopb does the coding, from our own description of the fields (meshtastic.proto).
//
// Ownership: values own what they hold.
// Limits:    those of nanopb's fields; longer ones are refused. Unknown fields are skipped.
// Errors:    a MeshFault, to be counted: a flood of foreign packets builds no texts.
// Source:    firmware 2.7.26 and its protobufs.
// Format:    docs/formats/meshtastic.md

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "radio/packet.h"

namespace meshchain::radio {

inline constexpr NodeNumber everybody{0xffffffff};
inline constexpr std::uint8_t hops_max = 7;
/// "!0a1b2c3d", as Meshtastic writes a node.
std::string to_text(NodeNumber number);
/// CRC-32 (ISO 3309) of a radio's public key: how firmware 2.8 numbers a node.
NodeNumber node_number_of(base::Bytes public_key);

/// Numbers of applications. Ours is chosen in 258 … 511.
enum class Port : std::uint32_t {
    text = 1,
    node_info = 4,
    routing = 5,
    telemetry = 67,
};
inline constexpr std::uint32_t private_port_min = 258;
inline constexpr std::uint32_t private_port_max = 511;

/// What a packet says to its application, encrypted on the air.
struct Content {
    /// Encoded. The firmware checks it against a packet of 255 bytes with its header of 16.
    static constexpr std::size_t encoded_bytes_max = 239;

    Port port{};
    base::Buffer payload = {};
    bool wants_response = false;
    NodeNumber destination{};
    NodeNumber source{};
    std::uint32_t request_id = 0;  ///< of the packet that this one answers
    std::uint32_t reply_id = 0;
    /// Bit 0: may be put on MQTT; bit 1: wants a response. Firmware 2.8 drops packets without it.
    std::optional<std::uint32_t> bitfield = {};
    friend bool operator==(const Content&, const Content&) = default;
};

struct Ciphertext {
    base::Buffer bytes;
    friend bool operator==(const Ciphertext&, const Ciphertext&) = default;
};

struct MeshPacket {
    NodeNumber from{};  ///< as claimed: on MQTT and on the air anybody can write it
    NodeNumber to = everybody;
    std::uint32_t channel = 0;  ///< encrypted: the channel's hash; in clear: the radio's index
    std::variant<Content, Ciphertext> content = {};
    std::uint32_t id = 0;  ///< never 0: such packets are not relayed
    std::uint32_t rx_time = 0;
    float rx_snr = 0;
    std::int32_t rx_rssi = 0;
    std::uint8_t hop_limit = 0;  ///< that is left
    std::uint8_t hop_start = 0;  ///< at the sender; 2.8 drops what has less than hop_limit
    bool wants_ack = false;
    bool came_by_mqtt = false;
    bool is_pki = false;           ///< to one node, under its public key
    base::Buffer public_key = {};  ///< of the sender of such a packet; 32 bytes or none
    friend bool operator==(const MeshPacket&, const MeshPacket&) = default;
};

/// A packet as gateways publish it. All three parts must be there, or firmware drops it.
struct ServiceEnvelope {
    MeshPacket packet;
    std::string channel_id;
    std::string gateway_id;
    friend bool operator==(const ServiceEnvelope&, const ServiceEnvelope&) = default;
};

/// Port node_info: what people and radios call a node.
struct User {
    std::string id;          ///< as to_text()
    std::string long_name;   ///< 24 bytes are shown everywhere
    std::string short_name;  ///< 4 bytes
    std::uint32_t hardware = 0;
    std::uint32_t role = 0;
    base::Buffer public_key;       ///< 32 bytes or none
    bool is_unmessagable = false;  ///< nobody reads what people write to it
    friend bool operator==(const User&, const User&) = default;
};

/// Port telemetry: how busy the air is around a radio, in per cent.
struct DeviceMetrics {
    std::optional<float> channel_utilization;
    std::optional<float> air_util_tx;
    friend bool operator==(const DeviceMetrics&, const DeviceMetrics&) = default;
};

enum class MeshFault : std::uint8_t {
    malformed,  ///< no such message, or a field that is longer than any radio sends
    empty,      ///< a packet without content, an envelope that lacks a part
    id,         ///< 0
    hops,       ///< more than hops_max
};
inline constexpr std::size_t mesh_faults = 4;
std::string_view name(MeshFault fault);

template <class Value>
using Parsed = std::expected<Value, MeshFault>;

Parsed<Content> parse_content(base::Bytes bytes);
Parsed<MeshPacket> parse_mesh_packet(base::Bytes bytes);
Parsed<ServiceEnvelope> parse_service_envelope(base::Bytes bytes);
Parsed<User> parse_user(base::Bytes bytes);
/// Port routing: 0 acknowledges. Nothing for another kind of routing message.
Parsed<std::optional<std::uint32_t>> parse_routing(base::Bytes bytes);
/// Nothing for telemetry of another kind.
Parsed<std::optional<DeviceMetrics>> parse_telemetry(base::Bytes bytes);

/// Errors: too_large (a field longer than the format has room for).
std::expected<base::Buffer, base::Error> encode(const Content& content);
std::expected<base::Buffer, base::Error> encode(const MeshPacket& packet);
std::expected<base::Buffer, base::Error> encode(const ServiceEnvelope& envelope);
std::expected<base::Buffer, base::Error> encode(const User& user);
base::Buffer encode_routing(std::uint32_t error);
base::Buffer encode_telemetry(const DeviceMetrics& metrics);

}  // namespace meshchain::radio
