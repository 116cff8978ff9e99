#include <algorithm>
#include <optional>

#include "node/config.h"

namespace meshchain::node {
namespace {

constexpr std::uint16_t mqtt_port = 1883;
constexpr std::uint16_t mqtt_tls_port = 8883;
constexpr std::string_view this_machine = "127.0.0.1";

std::optional<base::LinkAddress> address_of(std::string host) {
    constexpr std::string_view mapped = "::ffff:";
    if (host.starts_with(mapped) && host.contains('.')) host.erase(0, mapped.size());
    if (const auto address = base::parse_link_address(host + ":0")) return *address;
    if (const auto address = base::parse_link_address("[" + host + "]:0")) return *address;
    return std::nullopt;
}

/// One text for each spelling. Which names are one machine only a name service knows.
std::string plain_host(std::string host) {
    std::ranges::transform(host, host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (host.ends_with('.')) host.pop_back();
    if (host == "localhost") return std::string(this_machine) + ":0";
    const auto address = address_of(host);
    if (!address) return host;
    const bool is_this = is_loopback(*address) && !is_ipv4(*address);
    return is_this ? std::string(this_machine) + ":0" : base::to_string(*address);
}

/// Empty where the system chooses.
std::string plain_interface(const std::string& interface) {
    return interface == "0.0.0.0" ? "" : interface;
}

/// Without what leads nowhere. Where ".." leads to, as behind a link, only the file system knows.
std::string plain_path(std::string_view path) {
    std::string plain;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        if (!part.empty() && part != ".") plain += "/" + std::string(part);
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return plain;
}

struct SameDoor {
    bool operator()(const MqttRadio& one, const MqttRadio& other) const {
        return plain_host(one.host) == plain_host(other.host) && port_of(one) == port_of(other) &&
               one.root == other.root;
    }
    bool operator()(const MulticastRadio& one, const MulticastRadio& other) const {
        const std::string card = plain_interface(one.interface);
        const std::string other_card = plain_interface(other.interface);
        // The system may choose the one that the other names.
        return one.group == other.group && one.port == other.port &&
               (card == other_card || card.empty() || other_card.empty());
    }
    bool operator()(const TcpRadio& one, const TcpRadio& other) const {
        return plain_host(one.host) == plain_host(other.host) && one.port == other.port;
    }
    bool operator()(const SerialRadio& one, const SerialRadio& other) const {
        return plain_path(one.path) == plain_path(other.path);
    }
    template <class One, class Other>
    bool operator()(const One&, const Other&) const {
        return false;
    }
};

}  // namespace

std::uint16_t port_of(const MqttRadio& door) {
    if (door.port != 0) return door.port;
    return door.tls ? mqtt_tls_port : mqtt_port;
}

bool is_same_radio(const RadioConfig& one, const RadioConfig& other) {
    return std::visit(SameDoor{}, one.door, other.door);
}

}  // namespace meshchain::node
