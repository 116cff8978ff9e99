#include "host/radio_json.h"

#include <sodium.h>

#include "host/json_document.h"
#include "radio/channel_key.h"

namespace meshchain::host {
namespace {

using base::Error;

constexpr std::size_t channels_read_max = 100;
constexpr std::size_t carry_read_max = 64;
constexpr const char* doors = "mqtt, multicast, tcp or serial";

std::expected<radio::Preset, Error> parse_preset(std::string_view text) {
    if (const auto preset = radio::preset_of(text)) return *preset;
    return base::failure(base::Errc::invalid_argument, "there is no such preset", "",
                         "write one as Meshtastic does, such as LONG_FAST or SHORT_TURBO");
}

std::string psk_text(const node::RadioChannel& channel, Secrets secrets) {
    // One byte names a key that everybody knows.
    if (secrets == Secrets::hidden && channel.psk.size() > 1) return "hidden";
    std::string text(sodium_base64_ENCODED_LEN(channel.psk.size(), sodium_base64_VARIANT_ORIGINAL),
                     '\0');
    sodium_bin2base64(text.data(), text.size(),
                      reinterpret_cast<const unsigned char*>(channel.psk.data()),
                      channel.psk.size(), sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();
    return text;
}

void read_channels(JsonObject& object, std::vector<node::RadioChannel>& channels) {
    const std::string path = object.field_path("channels");
    for (const Json* json : object.children("channels", channels_read_max)) {
        JsonObject channel(*json, path);
        node::RadioChannel& read = channels.emplace_back();
        channel.require({"name", "psk"});
        channel.read("name", read.name);
        channel.read_as("psk", read.psk, radio::parse_psk);
        object.absorb(channel.finish_all());
    }
}

Json channels_json(const std::vector<node::RadioChannel>& channels, Secrets secrets) {
    Json list = Json::array();
    for (const node::RadioChannel& channel : channels) {
        list.push_back({{"name", channel.name}, {"psk", psk_text(channel, secrets)}});
    }
    return list;
}

node::MqttRadio read_mqtt(JsonObject& object) {
    node::MqttRadio door;
    object.read("host", door.host);
    object.read("port", door.port);
    object.read("user", door.user);
    object.read("password_path", door.password_path);
    object.read("root", door.root);
    object.read("tls", door.tls);
    object.read("authority_path", door.authority_path);
    read_channels(object, door.channels);
    return door;
}

node::MulticastRadio read_multicast(JsonObject& object) {
    node::MulticastRadio door;
    object.read("group", door.group);
    object.read("port", door.port);
    object.read("interface", door.interface);
    read_channels(object, door.channels);
    return door;
}

node::TcpRadio read_tcp(JsonObject& object) {
    node::TcpRadio door;
    object.require({"host"});
    object.read("host", door.host);
    object.read("port", door.port);
    object.read("channel", door.channel);
    return door;
}

node::SerialRadio read_serial(JsonObject& object) {
    node::SerialRadio door;
    object.require({"path"});
    object.read("path", door.path);
    object.read("baud", door.baud);
    object.read("channel", door.channel);
    return door;
}

/// Stands in for a door that could not be read, which is not to be judged by what it lacks: in
/// order, and no other radio's.
node::SerialRadio unread(const std::string& path) { return {"/" + path, 115'200, ""}; }

/// Exactly one of the doors has to be there.
void read_door(JsonObject& object, const std::string& path, node::RadioConfig& radio) {
    unsigned found = 0;
    const auto read = [&](const char* name, auto reader) {
        const Json* json = object.child(name);
        if (json == nullptr) return;
        ++found;
        JsonObject door(*json, object.field_path(name));
        radio.door = reader(door);
        std::vector<Error> problems = door.finish_all();
        if (!problems.empty()) radio.door = unread(path);
        object.absorb(std::move(problems));
    };
    read("mqtt", read_mqtt);
    read("multicast", read_multicast);
    read("tcp", read_tcp);
    read("serial", read_serial);
    if (found == 1) return;
    radio.door = unread(path);
    object.fail({base::Errc::malformed,
                 found == 0 ? "nothing says how the radio is reached"
                            : "it says more than once how the radio is reached",
                 path, std::string("give each radio one of ") + doors});
}

void read_bridge(JsonObject& object, radio::BridgePolicy& bridge) {
    const Json* json = object.child("bridge");
    if (json == nullptr) return;
    JsonObject policy(*json, object.field_path("bridge"));
    policy.read("budget_percent", bridge.budget_percent);
    if (json->is_object() && json->contains("carry")) {
        bridge.carries.fill(false);
        const std::string path = policy.field_path("carry");
        for (const Json* item : policy.children("carry", carry_read_max)) {
            const std::string text = item->is_string() ? item->get<std::string>() : item->dump();
            if (const auto cargo = radio::cargo_of(text)) {
                bridge.carries[static_cast<std::size_t>(*cargo)] = true;
            } else {
                policy.fail({base::Errc::malformed,
                             "nothing called " + text.substr(0, 40) + " crosses", path,
                             "votes, blocks, transactions and records do; [] for nothing"});
            }
        }
    }
    object.absorb(policy.finish_all());
}

Json bridge_json(const radio::BridgePolicy& bridge) {
    Json carry = Json::array();
    for (std::size_t i = 0; i < radio::cargos; ++i) {
        if (bridge.carries[i]) carry.push_back(radio::name(static_cast<radio::Cargo>(i)));
    }
    return {{"carry", std::move(carry)}, {"budget_percent", bridge.budget_percent}};
}

std::expected<records::AlertPriority, Error> parse_priority(std::string_view text) {
    if (const auto priority = records::alert_priority(text)) return *priority;
    return base::failure(base::Errc::invalid_argument, "there is no such priority", "",
                         "write low, normal, high or critical");
}

void read_mirror(JsonObject& object, std::optional<node::MirrorConfig>& mirror) {
    const Json* json = object.child("mirror");
    if (json == nullptr) return;
    JsonObject fields(*json, object.field_path("mirror"));
    node::MirrorConfig& read = mirror.emplace();
    fields.require({"channel"});
    fields.read("channel", read.channel);
    records::AlertPriority least{};
    fields.read_as("alerts", least, parse_priority);
    if (json->is_object() && json->contains("alerts")) read.alerts = least;
    fields.read("payments", read.payments);
    fields.read("budget_percent", read.budget_percent);
    std::vector<Error> problems = fields.finish_all();
    // What could not be read is not to be judged by what it lacks.
    if (!problems.empty()) mirror.reset();
    object.absorb(std::move(problems));
}

Json mirror_json(const node::MirrorConfig& mirror) {
    Json json{{"channel", mirror.channel},
              {"payments", mirror.payments},
              {"budget_percent", mirror.budget_percent}};
    if (mirror.alerts) json["alerts"] = records::name(*mirror.alerts);
    return json;
}

struct DoorJson {
    Secrets secrets;

    std::pair<const char*, Json> operator()(const node::MqttRadio& door) const {
        return {"mqtt",
                {{"host", door.host},
                 {"port", door.port},
                 {"user", door.user},
                 {"password_path", door.password_path},
                 {"root", door.root},
                 {"tls", door.tls},
                 {"authority_path", door.authority_path},
                 {"channels", channels_json(door.channels, secrets)}}};
    }
    std::pair<const char*, Json> operator()(const node::MulticastRadio& door) const {
        return {"multicast",
                {{"group", door.group},
                 {"port", door.port},
                 {"interface", door.interface},
                 {"channels", channels_json(door.channels, secrets)}}};
    }
    std::pair<const char*, Json> operator()(const node::TcpRadio& door) const {
        return {"tcp", {{"host", door.host}, {"port", door.port}, {"channel", door.channel}}};
    }
    std::pair<const char*, Json> operator()(const node::SerialRadio& door) const {
        return {"serial", {{"path", door.path}, {"baud", door.baud}, {"channel", door.channel}}};
    }
};

}  // namespace

node::RadioConfig read_radio(const Json& json, const std::string& path,
                             std::vector<Error>& problems) {
    node::RadioConfig radio{.door = unread(path), .region = {}};
    JsonObject object(json, path);
    if (json.is_object()) read_door(object, path, radio);
    object.read_as("preset", radio.preset, parse_preset);
    object.read("region", radio.region);
    object.read("share_permille", radio.share_permille);
    object.read("application_port", radio.application_port);
    object.read("payload_bytes_max", radio.payload_bytes_max);
    object.read("listen_only", radio.listen_only);
    read_bridge(object, radio.bridge);
    read_mirror(object, radio.mirror);
    std::ranges::move(object.finish_all(), std::back_inserter(problems));
    return radio;
}

Json to_json(const node::RadioConfig& radio, Secrets secrets) {
    auto [name, door] = std::visit(DoorJson{secrets}, radio.door);
    Json json = Json::object();
    json[name] = std::move(door);
    json["preset"] = radio::name(radio.preset);
    json["region"] = radio.region;
    json["share_permille"] = radio.share_permille;
    json["application_port"] = radio.application_port;
    json["payload_bytes_max"] = radio.payload_bytes_max;
    json["listen_only"] = radio.listen_only;
    json["bridge"] = bridge_json(radio.bridge);
    if (radio.mirror) json["mirror"] = mirror_json(*radio.mirror);
    return json;
}

}  // namespace meshchain::host
