#pragma once
// How a node reaches a Meshtastic network (rows D1, E3, E5, E7, E9), as plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/link.h"
#include "radio/airtime_budget.h"
#include "radio/bridge_policy.h"
#include "radio/mesh_packet.h"
#include "records/alert.h"

namespace meshchain::node {

/// As it is set on the radios.
struct RadioChannel {
    std::string name;  ///< of one that has none, its preset's: "LongFast"
    base::Buffer psk;  ///< "AQ==" is one byte, 1
    friend bool operator==(const RadioChannel&, const RadioChannel&) = default;
};

/// Gateways of others, by an MQTT broker.
struct MqttRadio {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: the usual one, 1883 or with TLS 8883
    std::string user;
    std::string password_path;  ///< relative to the data folder; empty: no password
    std::string root = "msh";
    bool tls = false;
    std::string authority_path;  ///< PEM, relative to the data folder; empty: the system's
    std::vector<RadioChannel> channels;
    friend bool operator==(const MqttRadio&, const MqttRadio&) = default;
};

/// Radios on the local network that have UDP multicast switched on.
struct MulticastRadio {
    std::string group = "224.0.0.69";
    std::uint16_t port = 4403;
    std::string interface;  ///< IPv4 address of the network card; empty: the system's choice
    std::vector<RadioChannel> channels;
    friend bool operator==(const MulticastRadio&, const MulticastRadio&) = default;
};

/// A radio of our own on the network; its channel is set on the radio.
struct TcpRadio {
    std::string host;
    std::uint16_t port = 4403;
    std::string channel;  ///< empty: its primary one
    friend bool operator==(const TcpRadio&, const TcpRadio&) = default;
};

/// The same on a serial port.
struct SerialRadio {
    std::string path;
    std::uint32_t baud = 115'200;
    std::string channel;
    friend bool operator==(const SerialRadio&, const SerialRadio&) = default;
};

/// What people who have only the phone app read as plain texts (row E10).
struct MirrorConfig {
    std::string channel;  ///< of this radio, by its name
    /// Alarms from this priority on; nothing: none.
    std::optional<records::AlertPriority> alerts = {};
    bool payments = false;  ///< to this node's wallet, once they are FINAL
    std::uint32_t budget_percent = 25;
    friend bool operator==(const MirrorConfig&, const MirrorConfig&) = default;
};

struct RadioConfig {
    std::variant<MqttRadio, MulticastRadio, TcpRadio, SerialRadio> door;
    /// Whatever the packets cross, in the end they are on this air.
    radio::Preset preset = radio::Preset::long_fast;
    std::string region;                 ///< whose law holds: "EU_868"; empty: none is known
    std::uint32_t share_permille = 10;  ///< of the channel, for what this node originates
    std::uint32_t application_port = radio::private_port_min;
    std::uint32_t payload_bytes_max = radio::payload_bytes_max;  ///< less where radios sign
    bool listen_only = false;
    radio::BridgePolicy bridge{};  ///< of what comes by other links, what may cross to this radio
    std::optional<MirrorConfig> mirror{};
    friend bool operator==(const RadioConfig&, const RadioConfig&) = default;
};

/// Whether both are one radio, or one air, as far as the values say it: however a name is spelled,
/// whatever its channels. A second budget for it would send twice what may be sent.
bool is_same_radio(const RadioConfig& one, const RadioConfig& other);

/// The usual one where none is named.
std::uint16_t port_of(const MqttRadio& door);

/// A name or an address as MQTT links take it.
bool is_broker_host(std::string_view host);
/// Why this can be no root of topics: "has a wildcard"; empty: it can.
std::string_view root_fault(std::string_view root);

inline constexpr std::size_t radios_max = 4;
/// A piece of less carries nothing worth its head.
inline constexpr std::size_t payload_bytes_min = 64;

}  // namespace meshchain::node
