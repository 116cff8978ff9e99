#include "host/node_inspection.h"

#include <algorithm>

#include "host/config_json.h"
#include "host/http_server.h"
#include "host/line_filter.h"
#include "host/mqtt_link.h"
#include "host/node_keys.h"
#include "host/node_setup.h"
#include "host/radio_files.h"
#include "host/sqlite_store.h"
#include "kv/limits.h"

namespace meshchain::host {
namespace {

constexpr std::size_t log_kind_bytes = 1024;

}  // namespace

std::vector<base::Error> all_config_problems(const DataFolder& folder, std::string_view text) {
    const std::string source = folder.config().string();
    std::vector<base::Error> problems = config_problems(text, source);
    if (!problems.empty()) return problems;
    const auto config = parse_config(text, source);
    if (!config) return problems;
    problems = radio_file_problems(config->radios, folder.root());
    const auto genesis = load_genesis(folder.genesis());
    const auto keys = load_node_keys(folder.node_keys());
    if (genesis && keys) {
        const auto repeated = check_repeated(*config, keys->identity.public_key(),
                                             base::Milliseconds(genesis->block_time_ms));
        if (!repeated) problems.push_back(repeated.error());
        if (config->role == wire::Role::validator && !is_validator(*genesis, *keys)) {
            problems.push_back({base::Errc::invalid_argument,
                                "genesis lists no validator with this node's keys", "role",
                                "set role to relay, or use the genesis this node was enrolled in"});
        }
    }
    for (base::Error& problem : problems) {
        problem.where = source + ", field " + problem.where;
    }
    return problems;
}

std::vector<node::MemoryLimit> memory_limits(const node::NodeConfig& config,
                                             const ledger::Genesis& genesis) {
    std::vector<node::MemoryLimit> limits = node::memory_limits(config, genesis);
    const HttpServer::Options api;
    limits.push_back({"host", "API connections", api.connections_max,
                      2 * (api.limits.header_bytes_max + api.limits.body_bytes_max)});
    limits.push_back(
        {"host", "store cache", 1, SqliteOptions::cache_bytes_usual + kv::batch_bytes_max});
    const auto by_mqtt = std::ranges::count_if(config.radios, [](const node::RadioConfig& radio) {
        return std::holds_alternative<node::MqttRadio>(radio.door);
    });
    if (by_mqtt > 0) {
        limits.push_back({"host", "MQTT messages on their way", static_cast<std::size_t>(by_mqtt),
                          MqttLink::message_bytes_max});
    }
    limits.push_back({"host", "log lines counted", LineFilter::kinds_max, log_kind_bytes});
    return limits;
}

}  // namespace meshchain::host
