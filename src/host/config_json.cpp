#include "host/config_json.h"

#include <algorithm>

#include "host/file.h"
#include "host/json_document.h"
#include "host/radio_json.h"

namespace meshchain::host {
namespace {

using base::Error;
using node::NodeConfig;

constexpr std::size_t radios_read_max = 100;

template <class T>
struct Choice {
    std::string_view name;
    T value;
};
constexpr Choice<wire::Role> roles[] = {{"validator", wire::Role::validator},
                                        {"relay", wire::Role::relay},
                                        {"light", wire::Role::light}};
constexpr Choice<node::SyncStart> sync_starts[] = {{"genesis", node::SyncStart::genesis},
                                                   {"snapshot", node::SyncStart::snapshot}};
constexpr Choice<node::StoreEngine> engines[] = {{"sqlite", node::StoreEngine::sqlite},
                                                 {"flashlog", node::StoreEngine::flashlog}};
constexpr Choice<node::StoreEncryption> encryptions[] = {
    {"none", node::StoreEncryption::none},
    {"passphrase", node::StoreEncryption::passphrase},
    {"device", node::StoreEncryption::device}};
constexpr Choice<base::LogLevel> levels[] = {{"debug", base::LogLevel::debug},
                                             {"info", base::LogLevel::info},
                                             {"warning", base::LogLevel::warning},
                                             {"error", base::LogLevel::error}};

constexpr Choice<node::LogFormat> formats[] = {{"text", node::LogFormat::text},
                                               {"json", node::LogFormat::json}};

template <class T, std::size_t N>
auto one_of(const Choice<T> (&choices)[N]) {
    return [&choices](std::string_view text) -> std::expected<T, Error> {
        std::string allowed;
        for (const Choice<T>& choice : choices) {
            if (choice.name == text) return choice.value;
            allowed += (allowed.empty() ? "" : ", ") + std::string(choice.name);
        }
        return base::failure(base::Errc::invalid_argument,
                             "'" + std::string(text.substr(0, 60)) + "' is not allowed", "",
                             "allowed: " + allowed);
    };
}

template <class T, std::size_t N>
std::string text_of(const Choice<T> (&choices)[N], T value) {
    const auto found = std::ranges::find(choices, value, &Choice<T>::value);
    return found == std::end(choices) ? "unknown" : std::string(found->name);
}

std::expected<crypto::NodeId, Error> parse_node_id(std::string_view text) {
    const auto bytes = base::from_hex(text);
    crypto::NodeId id;
    if (!bytes || bytes->size() != id.bytes.size()) {
        return base::failure(base::Errc::malformed,
                             "'" + std::string(text.substr(0, 60)) + "' is no node id", "",
                             "write its 16 hexadecimal digits");
    }
    std::ranges::copy(*bytes, id.bytes.begin());
    return id;
}

/// An address whose port means nothing.
std::expected<base::LinkAddress, Error> parse_host(std::string_view text) {
    auto address = base::parse_link_address(std::string(text) + ":0");
    if (!address) address.error().advice = "write an address without port, like 192.0.2.7";
    return address;
}

std::string host_text(const base::LinkAddress& address) {
    const std::string text = base::to_string(address);
    return text.substr(0, text.rfind(':'));
}

std::int64_t ms(base::Duration duration) {
    return std::chrono::duration_cast<base::Milliseconds>(duration).count();
}

std::vector<Error> read_network(const Json& json, node::NetworkConfig& network) {
    JsonObject object(json, "network");
    object.read("enabled", network.enabled);
    object.read_as("listen", network.listen, base::parse_link_address);
    object.read_as("interface", network.interface, parse_host);
    object.read("multicast", network.multicast);
    object.read_as("multicast_group", network.multicast_group, base::parse_link_address);
    for (const Json* peer : object.children("static_peers", 1000)) {
        const auto address = peer->is_string()
                                 ? base::parse_link_address(peer->get_ref<const std::string&>())
                                 : base::failure(base::Errc::malformed, "a peer is no text", "");
        if (address) {
            network.static_peers.push_back(*address);
        } else {
            object.fail({address.error().code, address.error().what, "network.static_peers",
                         "write each like \"192.0.2.7:4000\""});
        }
    }
    for (const Json* name : object.children("segments", 1000)) {
        if (name->is_string()) {
            network.segments.push_back(name->get<std::string>());
        } else {
            object.fail({base::Errc::malformed, "a segment is no text", "network.segments",
                         "write each like \"kitchen\""});
        }
    }
    object.read_milliseconds("discovery_interval_ms", network.discovery_interval);
    object.read_milliseconds("heartbeat_interval_ms", network.heartbeat_interval);
    object.read_milliseconds("peer_timeout_ms", network.peer_timeout);
    return object.finish_all();
}

std::vector<Error> read_kodikon(const Json& json, node::KodikonConfig& kodikon) {
    JsonObject object(json, "kodikon");
    object.read("enabled", kodikon.enabled);
    object.read_as("listen", kodikon.listen, base::parse_link_address);
    object.read_as("interface", kodikon.interface, parse_host);
    object.read_as("broadcast", kodikon.broadcast, base::parse_link_address);
    object.read("peers_max", kodikon.peers_max);
    return object.finish_all();
}

std::vector<Error> read_api(const Json& json, node::ApiConfig& api) {
    JsonObject object(json, "api");
    object.read_as("address", api.address, base::parse_link_address);
    object.read("tls_certificate", api.tls_certificate);
    object.read("tls_key", api.tls_key);
    return object.finish_all();
}

std::vector<Error> read_wallet(const Json& json, node::WalletConfig& wallet) {
    JsonObject object(json, "wallet");
    object.read_milliseconds("lock_after_ms", wallet.lock_after);
    object.read("device_secret_path", wallet.device_secret_path);
    return object.finish_all();
}

std::vector<Error> read_records(const Json& json, node::RecordsConfig& records) {
    JsonObject object(json, "records");
    object.read("enabled", records.enabled);
    object.read("capacity", records.capacity);
    object.read("size_mb", records.size_mb);
    return object.finish_all();
}

std::vector<Error> read_log(const Json& json, node::LogConfig& log) {
    JsonObject object(json, "log");
    object.read_as("format", log.format, one_of(formats));
    object.read_as("level", log.level, one_of(levels));
    if (const Json* modules = object.child("modules")) {
        JsonObject names(*modules, "log.modules");
        for (const auto& [name, value] : names.entries()) {
            names.read_as(name.c_str(), log.modules[name], one_of(levels));
        }
        object.absorb(names.finish_all());
    }
    return object.finish_all();
}

/// What the text says, and everything that is wrong with it.
struct Reading {
    NodeConfig config;
    std::vector<Error> problems;
};

Reading read_config(const Json& json) {
    NodeConfig config;
    JsonObject object(json, "");
    object.read("node_name", config.node_name);
    object.read_as("node_id", config.node_id, parse_node_id);
    object.read_as("role", config.role, one_of(roles));
    object.read("stake", config.stake.units);
    object.read("storage_path", config.storage_path);
    object.read("wallet_path", config.wallet_path);
    object.read("max_peers", config.max_peers);
    object.read("max_block_size", config.max_block_size);
    base::Duration block_time = base::Duration::min();
    object.read_milliseconds("block_time_ms", block_time);
    if (block_time != base::Duration::min()) config.block_time = block_time;
    object.read_milliseconds("sync_timeout_ms", config.sync_timeout);
    if (const Json* part = object.child("sync")) {
        JsonObject sync(*part, "sync");
        sync.read_as("start", config.sync_start, one_of(sync_starts));
        object.absorb(sync.finish());
    }
    if (const Json* part = object.child("store")) {
        JsonObject store(*part, "store");
        store.read_as("engine", config.store_engine, one_of(engines));
        store.read("size_mb", config.store_size_mb);
        store.read_as("encryption", config.store_encryption, one_of(encryptions));
        store.read("passphrase_path", config.store_passphrase_path);
        store.read("quota_mb", config.store_quota_mb);
        store.read("keep_blocks", config.store_keep_blocks);
        store.read("undo_blocks", config.store_undo_blocks);
        object.absorb(store.finish());
    }
    if (const Json* part = object.child("network")) {
        object.absorb(read_network(*part, config.network));
    }
    const auto radios = object.children("radios", radios_read_max);
    for (std::size_t i = 0; i < radios.size(); ++i) {
        std::vector<Error> found;
        config.radios.push_back(read_radio(*radios[i], "radios[" + std::to_string(i) + "]", found));
        object.absorb(std::move(found));
    }
    if (const Json* part = object.child("kodikon")) {
        object.absorb(read_kodikon(*part, config.kodikon));
    }
    if (const Json* part = object.child("api")) object.absorb(read_api(*part, config.api));
    if (const Json* part = object.child("wallet")) {
        object.absorb(read_wallet(*part, config.wallet));
    }
    if (const Json* part = object.child("records")) {
        object.absorb(read_records(*part, config.records));
    }
    if (const Json* part = object.child("log")) object.absorb(read_log(*part, config.log));
    std::vector<Error> problems = object.finish_all();
    // A field that could not be read has its default here, which is never the problem.
    std::ranges::move(node::problems(config), std::back_inserter(problems));
    return {std::move(config), std::move(problems)};
}

Reading read_config(std::string_view text, std::string_view source) {
    const auto json = parse_json(text, source);
    if (!json) return {{}, {json.error()}};
    Reading reading = read_config(*json);
    for (Error& problem : reading.problems) {
        problem.where = std::string(source) + ", field " + problem.where;
    }
    return reading;
}

void add_settings(const Json& values, const Json& given, const std::string& prefix,
                  std::vector<Setting>& settings) {
    for (const auto& [name, value] : values.items()) {
        const auto found = given.find(name);
        const bool is_given = found != given.end();
        const std::string path = prefix + name;
        if (value.is_object() && path != "log.modules") {
            add_settings(value, is_given ? *found : Json::object(), path + ".", settings);
        } else {
            settings.push_back({path, to_line(value), is_given ? "config.json" : "default"});
        }
    }
}

Json network_json(const node::NetworkConfig& network) {
    Json peers = Json::array();
    for (const base::LinkAddress& peer : network.static_peers) {
        peers.push_back(base::to_string(peer));
    }
    return {{"enabled", network.enabled},
            {"listen", base::to_string(network.listen)},
            {"interface", host_text(network.interface)},
            {"multicast", network.multicast},
            {"multicast_group", base::to_string(network.multicast_group)},
            {"static_peers", std::move(peers)},
            {"segments", network.segments},
            {"discovery_interval_ms", ms(network.discovery_interval)},
            {"heartbeat_interval_ms", ms(network.heartbeat_interval)},
            {"peer_timeout_ms", ms(network.peer_timeout)}};
}

Json kodikon_json(const node::KodikonConfig& kodikon) {
    return {{"enabled", kodikon.enabled},
            {"listen", base::to_string(kodikon.listen)},
            {"interface", host_text(kodikon.interface)},
            {"broadcast", base::to_string(kodikon.broadcast)},
            {"peers_max", kodikon.peers_max}};
}

Json log_json(const node::LogConfig& log) {
    Json modules = Json::object();
    for (const auto& [module, level] : log.modules) modules[module] = text_of(levels, level);
    return {{"format", text_of(formats, log.format)},
            {"level", text_of(levels, log.level)},
            {"modules", std::move(modules)}};
}

Json config_json(const NodeConfig& config, Secrets secrets) {
    Json json = Json::object();
    json["node_name"] = config.node_name;
    if (config.node_id) json["node_id"] = crypto::to_hex(*config.node_id);
    json["role"] = text_of(roles, config.role);
    json["stake"] = config.stake.units;
    json["storage_path"] = config.storage_path;
    json["wallet_path"] = config.wallet_path;
    json["max_peers"] = config.max_peers;
    json["max_block_size"] = config.max_block_size;
    if (config.block_time) json["block_time_ms"] = ms(*config.block_time);
    json["sync_timeout_ms"] = ms(config.sync_timeout);
    json["sync"] = {{"start", text_of(sync_starts, config.sync_start)}};
    json["store"] = {{"engine", text_of(engines, config.store_engine)},
                     {"size_mb", config.store_size_mb},
                     {"encryption", text_of(encryptions, config.store_encryption)},
                     {"passphrase_path", config.store_passphrase_path},
                     {"quota_mb", config.store_quota_mb},
                     {"keep_blocks", config.store_keep_blocks},
                     {"undo_blocks", config.store_undo_blocks}};
    json["network"] = network_json(config.network);
    json["radios"] = Json::array();
    for (const node::RadioConfig& radio : config.radios) {
        json["radios"].push_back(to_json(radio, secrets));
    }
    json["kodikon"] = kodikon_json(config.kodikon);
    json["api"] = {{"address", base::to_string(config.api.address)},
                   {"tls_certificate", config.api.tls_certificate},
                   {"tls_key", config.api.tls_key}};
    json["wallet"] = {{"lock_after_ms", ms(config.wallet.lock_after)},
                      {"device_secret_path", config.wallet.device_secret_path}};
    json["records"] = {{"enabled", config.records.enabled},
                       {"capacity", config.records.capacity},
                       {"size_mb", config.records.size_mb}};
    json["log"] = log_json(config.log);
    return json;
}

}  // namespace

Json to_json(const NodeConfig& config) { return config_json(config, Secrets::kept); }
Json shown_json(const NodeConfig& config) { return config_json(config, Secrets::hidden); }

std::expected<NodeConfig, Error> parse_config(std::string_view text, std::string_view source) {
    Reading reading = read_config(text, source);
    if (reading.problems.empty()) return std::move(reading.config);
    return std::unexpected(std::move(reading.problems.front()));
}

std::vector<Error> config_problems(std::string_view text, std::string_view source) {
    return read_config(text, source).problems;
}

std::expected<std::vector<Setting>, Error> settings_of(std::string_view text,
                                                       std::string_view source) {
    MESH_TRY(const NodeConfig config, parse_config(text, source));
    MESH_TRY(const Json given, parse_json(text, source));
    std::vector<Setting> settings;
    add_settings(shown_json(config), given, "", settings);
    return settings;
}

std::expected<NodeConfig, Error> load_config(const std::filesystem::path& path) {
    MESH_TRY(const base::Buffer bytes, read_file(path, config_bytes_max));
    return parse_config(base::as_text(bytes), path.string());
}

std::expected<void, Error> save_config(const NodeConfig& config,
                                       const std::filesystem::path& path) {
    MESH_CHECK(node::validate(config));
    return write_file(path, base::as_bytes(to_page(to_json(config)) + "\n"));
}

}  // namespace meshchain::host
