#pragma once
// Everything that can be configured about a node (row D1), as plain values with their defaults.
// Reading and writing a file is host's (host/config_json.h); judging the values is done here.
//
// Errors: each names the field, its value and what is allowed, so that nobody has to guess.

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/link.h"
#include "base/log.h"
#include "base/time.h"
#include "crypto/identity.h"
#include "node/radio_config.h"
#include "wire/control.h"
#include "wire/numbers.h"

namespace meshchain::node {

constexpr base::LinkAddress ipv4(std::array<std::uint8_t, 4> host, std::uint16_t port) {
    base::LinkAddress address;
    address.host[10] = address.host[11] = std::byte{0xff};
    for (std::size_t i = 0; i < 4; ++i) address.host[12 + i] = std::byte{host[i]};
    address.port = port;
    return address;
}

bool is_ipv4(const base::LinkAddress& address);
bool is_multicast(const base::LinkAddress& address);
bool is_loopback(const base::LinkAddress& address);

struct NetworkConfig {
    bool enabled = true;  ///< false: the node has nothing but its radios
    base::LinkAddress listen = ipv4({0, 0, 0, 0}, 9998);  ///< port 0: any free one
    /// The network card that multicast uses, by its own address (port unused); 0.0.0.0: the
    /// system's choice.
    base::LinkAddress interface = ipv4({0, 0, 0, 0}, 0);
    bool multicast = true;  ///< find peers on the group; without it only static peers are met
    base::LinkAddress multicast_group = ipv4({239, 255, 77, 67}, 9999);
    std::vector<base::LinkAddress> static_peers;
    std::vector<std::string> segments;  ///< groups this node belongs to, for messages to a group
    base::Duration discovery_interval = std::chrono::seconds(5);
    base::Duration heartbeat_interval = std::chrono::seconds(5);
    base::Duration peer_timeout = std::chrono::seconds(30);
    friend bool operator==(const NetworkConfig&, const NetworkConfig&) = default;
};

struct ApiConfig {
    /// Port 0: any free one. Another than a loopback address needs the two files of TLS.
    base::LinkAddress address = ipv4({127, 0, 0, 1}, 0);
    std::string tls_certificate;  ///< PEM, relative to the data folder; empty: no TLS
    std::string tls_key;          ///< PEM, readable for its owner alone
    friend bool operator==(const ApiConfig&, const ApiConfig&) = default;
};

/// A bridge to Kodikon nodes of a trusted LAN (host/kodikon_link.h).
struct KodikonConfig {
    bool enabled = false;
    base::LinkAddress listen = ipv4({0, 0, 0, 0}, 9999);
    /// The network card by its own address (port unused), which is what Kodikon nodes are told to
    /// send to; 0.0.0.0: the system's choice.
    base::LinkAddress interface = ipv4({0, 0, 0, 0}, 0);
    base::LinkAddress broadcast = ipv4({255, 255, 255, 255}, 9999);
    std::uint32_t peers_max = 20;
    friend bool operator==(const KodikonConfig&, const KodikonConfig&) = default;
};

struct WalletConfig {
    /// The wallet locks itself so long after it was unlocked; zero: never.
    base::Duration lock_after = std::chrono::minutes(10);
    /// Where the secret lies that a PIN needs, relative to the data folder; empty: the user's own
    /// state folder, which backups of the data folder do not contain (host/device_secret.h).
    std::string device_secret_path;
    friend bool operator==(const WalletConfig&, const WalletConfig&) = default;
};

/// Shared records (rows G1 to G4; records/record_service.h).
struct RecordsConfig {
    bool enabled = true;
    std::uint32_t capacity = 100'000;  ///< records held, own ones included
    std::uint32_t size_mb = 128;       ///< of them, in the store
    friend bool operator==(const RecordsConfig&, const RecordsConfig&) = default;
};

enum class LogFormat : unsigned char {
    text,  ///< for people
    json,  ///< one object a line, for programs
};

struct LogConfig {
    LogFormat format = LogFormat::text;
    base::LogLevel level = base::LogLevel::info;
    std::map<std::string, base::LogLevel> modules = {};  ///< these differ from `level`
    friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

/// Where a node without a chain begins (row F5).
enum class SyncStart : std::uint8_t { genesis, snapshot };

/// What keeps the node's data: host/sqlite_store.h or kv/flash_log.h.
enum class StoreEngine : std::uint8_t { sqlite, flashlog };

/// What the key of the store is sealed under (host/store_key.h); of the flash log alone.
enum class StoreEncryption : std::uint8_t { none, passphrase, device };

inline constexpr std::uint32_t store_size_mb_min = 16;
inline constexpr std::uint32_t store_size_mb_max = 8191;

struct NodeConfig {
    std::string node_name = "MeshChain Node";
    /// Derived from the identity; a configured one must match it, which guards against a swapped
    /// key file.
    std::optional<crypto::NodeId> node_id;
    wire::Role role = wire::Role::relay;
    wire::Amount stake;                      ///< what the node asks to bond
    std::string storage_path = "store.db";   ///< relative to the data folder
    std::string wallet_path = "wallet.key";  ///< relative to the data folder
    StoreEngine store_engine = StoreEngine::sqlite;
    std::uint32_t store_size_mb = 256;  ///< of the flash log, which never shrinks
    StoreEncryption store_encryption = StoreEncryption::none;
    /// Where the passphrase of the store lies, relative to the data folder; empty: it is asked for.
    std::string store_passphrase_path;
    std::uint32_t store_quota_mb = 0;  ///< that the node may use of it, or of the disk; 0: all
    /// Up to FINAL; older ones are pruned, as the node runs. 0: all are kept.
    std::uint32_t store_keep_blocks = 0;
    /// The undo quota: at so many blocks above FINAL the node is STALLED (PROTOCOL.md P2.7).
    std::uint32_t store_undo_blocks = 16'384;
    std::uint32_t max_peers = 20;
    std::uint32_t max_block_size = 4096;       ///< of blocks this node proposes
    std::optional<base::Duration> block_time;  ///< genesis has it; a differing value is refused
    base::Duration sync_timeout = std::chrono::seconds(300);
    SyncStart sync_start = SyncStart::genesis;
    NetworkConfig network;
    std::vector<RadioConfig> radios;
    KodikonConfig kodikon;
    ApiConfig api;
    WalletConfig wallet;
    RecordsConfig records;
    LogConfig log;
    friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

/// Everything that is wrong with the values, in the order of the fields; empty when all is well.
std::vector<base::Error> problems(const NodeConfig& config);
/// The first of the problems. Errors: invalid_argument.
std::expected<void, base::Error> validate(const NodeConfig& config);

/// What genesis and the key file fix and a configuration may only repeat.
/// Errors: invalid_argument (node_id or block_time says otherwise).
std::expected<void, base::Error> check_repeated(const NodeConfig& config,
                                                const crypto::PublicKey& identity,
                                                base::Duration block_time);

}  // namespace meshchain::node
