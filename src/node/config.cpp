#include "node/config.h"

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "node/config_problems.h"
#include "wire/announcement.h"

namespace meshchain::node {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 12> log_modules{"api",   "chain",   "consensus", "host",
                                                       "kv",    "ledger",  "mesh",      "node",
                                                       "radio", "runtime", "wallet",    "wire"};
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t static_peers_max = 64;

void check_node(const NodeConfig& config, Problems& problems) {
    const std::string& name = config.node_name;
    if (name.empty() || name.size() > name_bytes_max || !base::is_displayable(name)) {
        problems.add(
            "node_name", base::is_displayable(name) ? "'" + name.substr(0, 80) + "'" : "this text",
            "1 to " + std::to_string(name_bytes_max) + " bytes without control characters");
    }
    if (config.role > wire::Role::light) {
        problems.add("role", std::to_string(unsigned(config.role)), "validator, relay or light");
    }
    problems.number("stake", config.stake.units, 0, wire::Amount::units_max);
    problems.path("storage_path", config.storage_path);
    problems.path("wallet_path", config.wallet_path);
    if (config.storage_path == config.wallet_path && !config.wallet_path.empty()) {
        problems.add("wallet_path", "'" + config.wallet_path + "'",
                     "a path of its own, not that of storage_path");
    }
    problems.number("store.size_mb", config.store_size_mb, store_size_mb_min, store_size_mb_max);
    if (config.store_encryption != StoreEncryption::none &&
        config.store_engine != StoreEngine::flashlog) {
        problems.add("store.encryption", "encryption with SQLite",
                     "none, or else store.engine flashlog");
    }
    if (config.store_quota_mb != 0) {
        problems.number("store.quota_mb", config.store_quota_mb, 4, 1'048'576);
    }
    if (config.store_keep_blocks != 0) {
        problems.number("store.keep_blocks", config.store_keep_blocks, 64, 1'000'000'000);
    }
    problems.number("store.undo_blocks", config.store_undo_blocks, 8, 32'768);
    problems.number("max_peers", config.max_peers, 1, 100);
    problems.number("max_block_size", config.max_block_size, 1024, 65'536);
    if (config.block_time) {
        problems.duration("block_time_ms", *config.block_time, milliseconds(200), hours(1));
    }
    problems.duration("sync_timeout_ms", config.sync_timeout, seconds(10), hours(24));
}

void check_static_peers(const NetworkConfig& network, Problems& problems) {
    if (network.static_peers.size() > static_peers_max) {
        problems.add("network.static_peers",
                     std::to_string(network.static_peers.size()) + " addresses",
                     "at most " + std::to_string(static_peers_max));
    }
    for (const base::LinkAddress& peer : network.static_peers) {
        if (peer.port == 0 || is_multicast(peer)) {
            problems.add("network.static_peers", base::to_string(peer),
                         "the address of one node, with a port from 1 to 65535");
        }
    }
}

void check_segments(const NetworkConfig& network, Problems& problems) {
    if (network.segments.size() > wire::Announcement::segments_max) {
        problems.add("network.segments", std::to_string(network.segments.size()) + " names",
                     "at most " + std::to_string(wire::Announcement::segments_max));
    }
    std::set<std::string> seen;
    for (const std::string& name : network.segments) {
        const bool is_shown = base::is_displayable(name);
        if (is_shown && !name.empty() && name.size() <= wire::Announcement::name_bytes_max &&
            seen.insert(name).second) {
            continue;
        }
        problems.add("network.segments", is_shown ? "'" + name.substr(0, 80) + "'" : "this text",
                     "names of 1 to " + std::to_string(wire::Announcement::name_bytes_max) +
                         " bytes without control characters, each once");
    }
}

void check_network(const NetworkConfig& network, Problems& problems) {
    if (is_multicast(network.listen)) {
        problems.add("network.listen", base::to_string(network.listen),
                     "an address of this machine, or 0.0.0.0 for all of them");
    }
    if (!is_ipv4(network.interface) || is_multicast(network.interface)) {
        problems.add("network.interface", base::to_string(network.interface),
                     "the IPv4 address of a network card, or 0.0.0.0 for the system's choice");
    }
    if (!is_ipv4(network.multicast_group) || !is_multicast(network.multicast_group) ||
        network.multicast_group.port == 0) {
        problems.add("network.multicast_group", base::to_string(network.multicast_group),
                     "224.0.0.0 to 239.255.255.255 with a port from 1 to 65535");
    }
    check_static_peers(network, problems);
    check_segments(network, problems);
    problems.duration("network.discovery_interval_ms", network.discovery_interval,
                      milliseconds(100), minutes(10));
    problems.duration("network.heartbeat_interval_ms", network.heartbeat_interval,
                      milliseconds(100), minutes(10));
    // A peer whose every other heartbeat is lost must not be taken for dead.
    problems.duration("network.peer_timeout_ms", network.peer_timeout,
                      std::max<base::Duration>(seconds(1), 2 * network.heartbeat_interval),
                      hours(1));
}

void check_kodikon(const KodikonConfig& kodikon, Problems& problems) {
    const auto is_of_one = [](const base::LinkAddress& address) {
        return is_ipv4(address) && !is_multicast(address);
    };
    if (!is_of_one(kodikon.listen) || kodikon.listen.port == 0) {
        problems.add("kodikon.listen", base::to_string(kodikon.listen),
                     "an IPv4 address of this machine, or 0.0.0.0 for all of them, with the port "
                     "that Kodikon nodes use, from 1 to 65535");
    }
    if (!is_of_one(kodikon.interface)) {
        problems.add("kodikon.interface", base::to_string(kodikon.interface),
                     "the IPv4 address of a network card, or 0.0.0.0 for the system's choice");
    }
    if (!is_of_one(kodikon.broadcast) || kodikon.broadcast.port == 0) {
        problems.add("kodikon.broadcast", base::to_string(kodikon.broadcast),
                     "an IPv4 broadcast address, such as 192.168.1.255, with a port from 1 to "
                     "65535");
    }
    problems.number("kodikon.peers_max", kodikon.peers_max, 1, 100);
}

void check_wallet(const WalletConfig& wallet, Problems& problems) {
    if (wallet.lock_after != base::Duration::zero()) {
        problems.duration("wallet.lock_after_ms", wallet.lock_after, seconds(1), hours(24));
    }
    if (!wallet.device_secret_path.empty()) {
        problems.path("wallet.device_secret_path", wallet.device_secret_path);
    }
}

void check_records(const RecordsConfig& records, Problems& problems) {
    problems.number("records.capacity", records.capacity, 16, 2'000'000);
    problems.number("records.size_mb", records.size_mb, 1, 16'384);
}

void check_log(const LogConfig& log, Problems& problems) {
    for (const auto& [module, level] : log.modules) {
        if (std::ranges::find(log_modules, module) != log_modules.end()) continue;
        std::string allowed;
        for (const std::string_view name : log_modules) {
            allowed += (allowed.empty() ? "" : ", ") + std::string(name);
        }
        problems.add("log.modules", "'" + module.substr(0, 80) + "'", allowed);
    }
}

}  // namespace

bool is_ipv4(const base::LinkAddress& address) {
    const base::LinkAddress prefix = ipv4({}, 0);
    return std::equal(prefix.host.begin(), prefix.host.begin() + 12, address.host.begin());
}

bool is_multicast(const base::LinkAddress& address) {
    if (!is_ipv4(address)) return address.host[0] == std::byte{0xff};
    return (address.host[12] & std::byte{0xf0}) == std::byte{0xe0};
}

bool is_loopback(const base::LinkAddress& address) {
    if (is_ipv4(address)) return address.host[12] == std::byte{127};
    base::LinkAddress one;
    one.host[15] = std::byte{1};
    return address.host == one.host;
}

namespace {

void check_api(const ApiConfig& api, Problems& problems) {
    const bool has_tls = !api.tls_certificate.empty() && !api.tls_key.empty();
    if (!is_loopback(api.address) && !has_tls) {
        problems.add("api.address", base::to_string(api.address) + " without TLS",
                     "an address of this machine alone, like 127.0.0.1:0 or [::1]:8080, or any "
                     "with api.tls_certificate and api.tls_key");
    }
    if (api.tls_certificate.empty() != api.tls_key.empty()) {
        problems.add(api.tls_key.empty() ? "api.tls_key" : "api.tls_certificate", "nothing",
                     "a path, as the other file of TLS is named too");
    }
    if (!api.tls_certificate.empty()) problems.path("api.tls_certificate", api.tls_certificate);
    if (!api.tls_key.empty()) problems.path("api.tls_key", api.tls_key);
}

}  // namespace

std::vector<base::Error> problems(const NodeConfig& config) {
    Problems problems;
    check_node(config, problems);
    check_network(config.network, problems);
    check_radios(config.radios, problems);
    if (!config.network.enabled && config.radios.empty()) {
        problems.add("network.enabled", "a node that nobody reaches", "true, or else a radio");
    }
    check_kodikon(config.kodikon, problems);
    // Each would take some of the other's datagrams.
    if (config.kodikon.enabled && config.network.enabled &&
        config.kodikon.listen.port == config.network.listen.port) {
        problems.add("kodikon.listen", base::to_string(config.kodikon.listen),
                     "another port than that of network.listen");
    }
    check_api(config.api, problems);
    check_wallet(config.wallet, problems);
    check_records(config.records, problems);
    check_log(config.log, problems);
    return problems.take();
}

std::expected<void, base::Error> validate(const NodeConfig& config) {
    std::vector<base::Error> found = problems(config);
    if (!found.empty()) return std::unexpected(std::move(found.front()));
    return {};
}

std::expected<void, base::Error> check_repeated(const NodeConfig& config,
                                                const crypto::PublicKey& identity,
                                                base::Duration block_time) {
    const crypto::NodeId derived = crypto::node_id(identity);
    if (config.node_id && *config.node_id != derived) {
        return base::failure(base::Errc::invalid_argument,
                             crypto::to_hex(*config.node_id) + " is not this identity's id, " +
                                 crypto::to_hex(derived),
                             "node_id", "leave the field out, or put the right key file in place");
    }
    if (config.block_time && *config.block_time != block_time) {
        return base::failure(base::Errc::invalid_argument,
                             ms_text(*config.block_time) + " differs from genesis, which says " +
                                 ms_text(block_time),
                             "block_time_ms", "leave the field out: genesis decides");
    }
    return {};
}

}  // namespace meshchain::node
