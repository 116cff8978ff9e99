#pragma once
// What a client and its radio say to each other over TCP or serial (rows E5, E7): Meshtastic's
// ToRadio and FromRadio, and how they are framed in a stream.
//
// Limits: stream_message_max a message. Errors: as in radio/mesh_packet.h.
// Source: firmware 2.7.26, StreamAPI.
// Format: docs/formats/meshtastic.md

#include "radio/mesh_packet.h"

namespace meshchain::radio {

inline constexpr std::size_t stream_message_max = 512;

/// Asks for everything that the radio knows; it ends with ConfigComplete of this nonce.
struct WantConfig {
    std::uint32_t nonce = 0;
    friend bool operator==(const WantConfig&, const WantConfig&) = default;
};
struct Disconnect {
    friend bool operator==(const Disconnect&, const Disconnect&) = default;
};
/// A TCP client that is silent for 15 minutes is dropped.
struct Heartbeat {
    std::uint32_t nonce = 0;
    friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
using ToRadio = std::variant<MeshPacket, WantConfig, Disconnect, Heartbeat>;

struct MyInfo {
    NodeNumber number{};
    friend bool operator==(const MyInfo&, const MyInfo&) = default;
};
struct NodeInfo {
    NodeNumber number{};
    std::optional<User> user;
    std::optional<DeviceMetrics> metrics;
    float snr = 0;
    std::uint32_t last_heard = 0;  ///< seconds of the radio's clock
    std::uint32_t channel = 0;
    bool came_by_mqtt = false;
    std::optional<std::uint32_t> hops_away = {};
    friend bool operator==(const NodeInfo&, const NodeInfo&) = default;
};
/// As the radio numbers presets and regions.
struct LoraConfig {
    bool uses_preset = false;
    std::uint32_t preset = 0;
    std::uint32_t bandwidth = 0;
    std::uint32_t spreading_factor = 0;
    std::uint32_t coding_rate = 0;
    std::uint32_t region = 0;
    std::uint32_t hop_limit = 0;
    bool may_transmit = false;
    friend bool operator==(const LoraConfig&, const LoraConfig&) = default;
};
struct ConfigComplete {
    std::uint32_t nonce = 0;
    friend bool operator==(const ConfigComplete&, const ConfigComplete&) = default;
};
/// It has forgotten its client: shake hands again.
struct Rebooted {
    friend bool operator==(const Rebooted&, const Rebooted&) = default;
};
struct Channel {
    std::int32_t index = 0;
    base::Buffer psk;  ///< as set: see radio/channel_key.h
    std::string name;  ///< empty: that of the preset
    bool has_uplink = false;
    bool has_downlink = false;
    std::uint32_t role = 0;  ///< 0 off, 1 primary, 2 secondary
    friend bool operator==(const Channel&, const Channel&) = default;
};
struct QueueStatus {
    std::int32_t result = 0;  ///< 0: taken; 32: the queue is full
    std::uint32_t free = 0;
    std::uint32_t size = 0;
    std::uint32_t packet_id = 0;
    friend bool operator==(const QueueStatus&, const QueueStatus&) = default;
};
/// What we do not look at: other settings, files, logs.
struct OtherNews {
    friend bool operator==(const OtherNews&, const OtherNews&) = default;
};

struct FromRadio {
    std::uint32_t id = 0;
    std::variant<OtherNews, MeshPacket, MyInfo, NodeInfo, LoraConfig, ConfigComplete, Rebooted,
                 Channel, QueueStatus>
        news;
    friend bool operator==(const FromRadio&, const FromRadio&) = default;
};

Parsed<ToRadio> parse_to_radio(base::Bytes bytes);
Parsed<FromRadio> parse_from_radio(base::Bytes bytes);
/// Errors: too_large.
std::expected<base::Buffer, base::Error> encode(const ToRadio& message);
std::expected<base::Buffer, base::Error> encode(const FromRadio& message);

/// 0x94 0xC3, length, message. Asserts stream_message_max.
base::Buffer frame_for_stream(base::Bytes message);

/// Finds messages in what a stream brings, whatever noise lies between them: a serial port carries
/// log lines too. Never holds more than one message.
class StreamReader {
public:
    /// Takes bytes until a message is whole; the rest has to be handed in again. Returns how many.
    std::size_t handle_bytes(base::Bytes bytes);
    /// The message, once; borrows until the next handle_bytes().
    std::optional<base::Bytes> poll_message();

    /// Bytes that belonged to no message.
    std::uint64_t skipped_bytes() const { return skipped_; }

private:
    static constexpr std::size_t head_bytes = 4;

    std::size_t length() const;
    /// Drops the first byte, and what after it cannot begin a message.
    void resynchronise();

    base::Buffer held_;
    bool is_whole_ = false;
    std::uint64_t skipped_ = 0;
};

}  // namespace meshchain::radio
