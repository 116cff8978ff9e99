#include "node/radio_config.h"

#include "base/utf8.h"
#include "node/config_problems.h"
#include "radio/virtual_radio.h"

namespace meshchain::node {
namespace {

constexpr std::size_t host_bytes_max = 253;

/// A name or address as it could stand in a host field; the door says what more is wrong with it.
void check_host(const std::string& field, const std::string& host, Problems& problems) {
    if (!host.empty() && host.size() <= host_bytes_max && base::is_displayable(host)) return;
    problems.add(field, quoted(host), "a name or an address");
}

void check_channels(const std::string& field, const std::vector<RadioChannel>& channels,
                    Problems& problems) {
    using radio::VirtualRadio;
    if (channels.empty() || channels.size() > VirtualRadio::channels_max) {
        problems.add(field + "channels", std::to_string(channels.size()) + " channels",
                     "1 to " + std::to_string(VirtualRadio::channels_max) +
                         ", the first of which is sent on");
    }
    for (const RadioChannel& channel : channels) {
        if (base::is_displayable(channel.name) && !channel.name.empty() &&
            channel.name.size() <= VirtualRadio::channel_name_bytes_max) {
            continue;
        }
        problems.add(field + "channels.name", quoted(channel.name),
                     "1 to " + std::to_string(VirtualRadio::channel_name_bytes_max) +
                         " bytes; of a channel without a name its preset's, as LongFast");
    }
}

struct DoorCheck {
    const std::string& field;
    Problems& problems;

    void operator()(const MqttRadio& door) const {
        check_host(field + "mqtt.host", door.host, problems);
        if (!door.password_path.empty()) {
            problems.path(field + "mqtt.password_path", door.password_path);
        }
        if (!door.authority_path.empty()) {
            problems.path(field + "mqtt.authority_path", door.authority_path);
        }
        check_channels(field + "mqtt.", door.channels, problems);
    }
    void operator()(const MulticastRadio& door) const {
        problems.number(field + "multicast.port", door.port, 1, UINT16_MAX);
        check_channels(field + "multicast.", door.channels, problems);
    }
    void operator()(const TcpRadio& door) const {
        check_host(field + "tcp.host", door.host, problems);
        problems.number(field + "tcp.port", door.port, 1, UINT16_MAX);
    }
    void operator()(const SerialRadio& door) const {
        problems.path(field + "serial.path", door.path);
        problems.number(field + "serial.baud", door.baud, 1'200, 4'000'000);
    }
};

}  // namespace

void check_radios(const std::vector<RadioConfig>& radios, Problems& problems) {
    if (radios.size() > radios_max) {
        problems.add("radios", std::to_string(radios.size()) + " radios",
                     "at most " + std::to_string(radios_max));
    }
    for (std::size_t i = 0; i < radios.size(); ++i) {
        const RadioConfig& radio = radios[i];
        const std::string field = "radios[" + std::to_string(i) + "].";
        std::visit(DoorCheck{field, problems}, radio.door);
        if (!radio.region.empty() && !radio::duty_permille_of(radio.region)) {
            problems.add(field + "region", quoted(radio.region),
                         "EU_433, EU_866, EU_868, EU_N_868, UA_433, UA_868 or US; elsewhere leave "
                         "it out, and let "
                         "share_permille be no more than half of what the law gives");
        }
        problems.number(field + "share_permille", radio.share_permille, 1, 1'000);
        problems.number(field + "bridge.budget_percent", radio.bridge.budget_percent, 1, 100);
        problems.number(field + "application_port", radio.application_port, radio::private_port_min,
                        radio::private_port_max);
        problems.number(field + "payload_bytes_max", radio.payload_bytes_max, payload_bytes_min,
                        radio::payload_bytes_max);
    }
}

}  // namespace meshchain::node
