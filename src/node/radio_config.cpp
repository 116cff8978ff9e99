#include "node/radio_config.h"

#include <set>

#include "base/utf8.h"
#include "node/config.h"
#include "node/config_problems.h"
#include "radio/virtual_radio.h"

namespace meshchain::node {
namespace {

constexpr std::size_t host_bytes_max = 253;
/// As much as the serial port's door takes.
constexpr std::size_t serial_path_bytes_max = 253;
constexpr std::size_t root_bytes_max = 128;
constexpr std::size_t user_bytes_max = 1'024;
/// Of one's own radio; the longest is a preset's.
constexpr std::size_t own_channel_bytes_max = 12;

/// As a text in an error, but for what looks like a link with a password in it.
std::string quoted_host(const std::string& host) {
    return host.find('@') == std::string::npos ? quoted(host) : "this text";
}

/// An IPv4 address alone, as each door reads it.
std::optional<base::LinkAddress> ipv4_of(const std::string& text) {
    const auto address = base::parse_link_address(text + ":0");
    // It would take other spellings as well: "[::ffff:192.0.2.1]".
    if (!address || !is_ipv4(*address) || base::to_string(*address) != text + ":0") {
        return std::nullopt;
    }
    return *address;
}

void check_channels(const std::string& field, const std::vector<RadioChannel>& channels,
                    Problems& problems) {
    using radio::VirtualRadio;
    if (channels.empty() || channels.size() > VirtualRadio::channels_max) {
        problems.add(field + "channels", std::to_string(channels.size()) + " channels",
                     "1 to " + std::to_string(VirtualRadio::channels_max) +
                         ", the first of which is sent on");
        return;
    }
    std::set<std::string> seen;
    for (const RadioChannel& channel : channels) {
        const std::string& name = channel.name;
        if (base::is_displayable(name) && !name.empty() &&
            name.size() <= VirtualRadio::channel_name_bytes_max &&
            name.find_first_of("/+#") == std::string::npos && name != "PKI" &&
            seen.insert(name).second) {
            continue;
        }
        problems.add(field + "channels.name", quoted(name),
                     "1 to " + std::to_string(VirtualRadio::channel_name_bytes_max) +
                         " bytes without / + # and other than PKI, each once; of a channel without "
                         "a name its preset's, as LongFast");
    }
}

struct DoorCheck {
    const std::string& field;
    Problems& problems;

    void operator()(const MqttRadio& door) const {
        if (!is_broker_host(door.host)) {
            problems.add(field + "mqtt.host", quoted_host(door.host),
                         "a name or an address, without mqtt:// and without the port");
        }
        check_user(door);
        if (!root_fault(door.root).empty()) {
            problems.add(field + "mqtt.root", quoted(door.root),
                         "that of the gateways, such as msh or msh/EU_868: 1 to " +
                             std::to_string(root_bytes_max) +
                             " bytes without wildcards, each level with a name");
        }
        check_authority(door);
        check_channels(field + "mqtt.", door.channels, problems);
    }
    void operator()(const MulticastRadio& door) const {
        const auto group = ipv4_of(door.group);
        if (!group || !is_multicast(*group)) {
            problems.add(field + "multicast.group", quoted(door.group),
                         "224.0.0.0 to 239.255.255.255; the radios have 224.0.0.69");
        }
        problems.number(field + "multicast.port", door.port, 1, UINT16_MAX);
        const auto card = ipv4_of(door.interface);
        if (!door.interface.empty() && (!card || is_multicast(*card))) {
            problems.add(field + "multicast.interface", quoted(door.interface),
                         "the IPv4 address of a network card, or nothing for the system's choice");
        }
        check_channels(field + "multicast.", door.channels, problems);
    }
    void operator()(const TcpRadio& door) const {
        const std::string& host = door.host;
        if (host.empty() || host.size() > host_bytes_max || !base::is_displayable(host) ||
            host.find_first_of("/ ") != std::string::npos) {
            problems.add(field + "tcp.host", quoted_host(host),
                         "a name or an address, without tcp:// and without the port");
        }
        problems.number(field + "tcp.port", door.port, 1, UINT16_MAX);
        check_own_channel(field + "tcp.channel", door.channel);
    }
    void operator()(const SerialRadio& door) const {
        if (!door.path.starts_with('/') || door.path.size() > serial_path_bytes_max ||
            !base::is_displayable(door.path)) {
            problems.add(field + "serial.path", quoted(door.path),
                         "the full path of a serial port, like /dev/ttyUSB0");
        }
        problems.number(field + "serial.baud", door.baud, 1'200, 4'000'000);
        check_own_channel(field + "serial.channel", door.channel);
    }

private:
    void check_user(const MqttRadio& door) const {
        if (door.user.size() > user_bytes_max || door.user.find('\0') != std::string::npos) {
            problems.add(field + "mqtt.user", "this text",
                         "at most " + std::to_string(user_bytes_max) + " bytes without zeros");
        }
        if (door.password_path.empty()) return;
        if (door.user.empty()) {
            problems.add(field + "mqtt.password_path", "a password without a user",
                         "nothing, or else mqtt.user as well");
        } else {
            problems.path(field + "mqtt.password_path", door.password_path);
        }
    }
    void check_authority(const MqttRadio& door) const {
        if (door.authority_path.empty()) return;
        if (!door.tls) {
            problems.add(field + "mqtt.authority_path", "an authority without TLS",
                         "nothing, or else mqtt.tls as well");
        } else {
            problems.path(field + "mqtt.authority_path", door.authority_path);
        }
    }
    void check_own_channel(const std::string& name_field, const std::string& channel) const {
        if (channel.size() <= own_channel_bytes_max && base::is_displayable(channel)) return;
        problems.add(name_field, quoted(channel),
                     "a channel's name as the radio has it, of at most " +
                         std::to_string(own_channel_bytes_max) +
                         " bytes; empty: its primary channel");
    }
};

/// The channels that are listed for a door; nothing where its radio has them.
const std::vector<RadioChannel>* channels_of(const RadioConfig& radio) {
    if (const auto* mqtt = std::get_if<MqttRadio>(&radio.door)) return &mqtt->channels;
    if (const auto* multicast = std::get_if<MulticastRadio>(&radio.door)) {
        return &multicast->channels;
    }
    return nullptr;
}

void check_mirror(const std::string& field, const RadioConfig& radio, Problems& problems) {
    if (!radio.mirror) return;
    const MirrorConfig& mirror = *radio.mirror;
    const std::string& channel = mirror.channel;
    if (const auto* channels = channels_of(radio)) {
        if (std::ranges::find(*channels, channel, &RadioChannel::name) == channels->end()) {
            problems.add(field + "mirror.channel", quoted(channel),
                         "the name of one of the radio's `channels`");
        }
    } else if (channel.empty() || channel.size() > own_channel_bytes_max ||
               !base::is_displayable(channel)) {
        problems.add(field + "mirror.channel", quoted(channel),
                     "a channel's name as the radio has it, of 1 to " +
                         std::to_string(own_channel_bytes_max) + " bytes");
    }
    if (!mirror.alerts && !mirror.payments) {
        problems.add(field + "mirror", "a mirror of nothing",
                     "\"alerts\": \"high\" for these and critical ones, or \"payments\": true, or "
                     "no mirror");
    }
    if (radio.listen_only) {
        problems.add(field + "mirror", "a mirror on a radio that only listens",
                     "no mirror, or listen_only as false");
    }
    problems.number(field + "mirror.budget_percent", mirror.budget_percent, 1, 100);
}

void check_same(const std::vector<RadioConfig>& radios, std::size_t index, Problems& problems) {
    for (std::size_t before = 0; before < index; ++before) {
        if (!is_same_radio(radios[before], radios[index])) continue;
        problems.add("radios[" + std::to_string(index) + "]",
                     "the radio of radios[" + std::to_string(before) + "] once more",
                     "each radio once, as both would spend its air");
        return;
    }
}

}  // namespace

bool is_broker_host(std::string_view host) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_' || c == ':';
    };
    return !host.empty() && host.size() <= host_bytes_max && std::ranges::all_of(host, fits);
}

std::string_view root_fault(std::string_view root) {
    if (root.empty() || root.size() > root_bytes_max || !base::is_displayable(root)) {
        return "has not 1 to 128 printable bytes";
    }
    if (root.find_first_of("+#") != std::string_view::npos) return "has a wildcard";
    if (root.starts_with('/') || root.ends_with('/') || root.find("//") != std::string_view::npos) {
        return "has a level without a name";
    }
    if (root.starts_with('$')) return "is the broker's own";
    return {};
}

void check_radios(const std::vector<RadioConfig>& radios, Problems& problems) {
    if (radios.size() > radios_max) {
        problems.add("radios", std::to_string(radios.size()) + " radios",
                     "at most " + std::to_string(radios_max));
    }
    for (std::size_t i = 0; i < radios.size(); ++i) {
        const RadioConfig& radio = radios[i];
        const std::string field = "radios[" + std::to_string(i) + "].";
        std::visit(DoorCheck{field, problems}, radio.door);
        check_same(radios, i, problems);
        if (!radio.region.empty() && !radio::duty_permille_of(radio.region)) {
            problems.add(field + "region", quoted(radio.region),
                         "EU_433, EU_866, EU_868, EU_N_868, UA_433, UA_868 or US; elsewhere leave "
                         "it out, and let "
                         "share_permille be no more than half of what the law gives");
        }
        problems.number(field + "share_permille", radio.share_permille, 1, 1'000);
        problems.number(field + "bridge.budget_percent", radio.bridge.budget_percent, 1, 100);
        check_mirror(field, radio, problems);
        problems.number(field + "application_port", radio.application_port, radio::private_port_min,
                        radio::private_port_max);
        problems.number(field + "payload_bytes_max", radio.payload_bytes_max, payload_bytes_min,
                        radio::payload_bytes_max);
    }
}

}  // namespace meshchain::node
