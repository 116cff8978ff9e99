#include "host/local_chain.h"

#include <boost/asio/io_context.hpp>

#include "host/argon2_kdf.h"
#include "host/file.h"
#include "host/locked_memory.h"
#include "host/node_setup.h"
#include "host/system_entropy.h"
#include "host/system_wall_clock.h"
#include "host/udp_link.h"
#include "wallet/opened_key_file.h"

namespace meshchain::host {
namespace {

constexpr base::KdfCost cheap{1, 64};
constexpr wire::Amount stake{100};

struct Made {
    DataFolder folder;
    node::Keys keys;
    crypto::PublicKey owner;
};

std::expected<Made, base::Error> make_member(const std::filesystem::path& path) {
    SystemEntropy entropy;
    Argon2Kdf kdf;
    const DataFolder folder(path);
    MESH_CHECK(make_folder(path));
    MESH_TRY(node::Keys keys, load_or_make_keys(folder, entropy));
    MESH_TRY(const wallet::KeyFile wallet,
             wallet::create_key_file({kdf, entropy, secret_memory()}, cheap,
                                     base::as_bytes(LocalChain::passphrase), "local"));
    MESH_CHECK(write_file(folder.wallet({}), wallet::encode(wallet), IfExists::refuse));
    return Made{folder, std::move(keys), wallet.keys.front()};
}

/// A group of their own keeps chains that run at the same time out of each other's way.
std::uint16_t random_port() {
    SystemEntropy entropy;
    std::array<std::byte, 2> bytes;
    entropy.fill(bytes);
    const unsigned drawn =
        std::to_integer<unsigned>(bytes[0]) << 8U | std::to_integer<unsigned>(bytes[1]);
    constexpr unsigned first = 20'000;
    return static_cast<std::uint16_t>(first + drawn % 10'000);  // below the ports that port 0 gives
}

/// Free just now; nobody else is likely to take it before its node does.
std::expected<std::uint16_t, base::Error> free_port() {
    boost::asio::io_context io;
    MESH_TRY(const auto link, UdpLink::open(io, {.address = "127.0.0.1", .multicast = false}));
    return link->local_address().port;
}

node::NodeConfig config_of(std::size_t index, std::uint16_t group_port) {
    node::NodeConfig config;
    config.node_name = "local " + std::to_string(index);
    config.role = wire::Role::validator;
    config.network.listen = node::ipv4({127, 0, 0, 1}, 0);
    config.network.interface = node::ipv4({127, 0, 0, 1}, 0);
    config.network.multicast_group.port = group_port;
    config.network.discovery_interval = std::chrono::milliseconds(500);
    config.network.heartbeat_interval = std::chrono::seconds(1);
    config.network.peer_timeout = std::chrono::seconds(5);
    config.log.level = base::LogLevel::warning;
    return config;
}

}  // namespace

std::expected<LocalChain, base::Error> LocalChain::create(const std::filesystem::path& root,
                                                          const Options& options) {
    ledger::Genesis genesis;
    genesis.start = SystemWallClock().read();
    genesis.block_time_ms = static_cast<std::uint32_t>(options.block_time.count());
    genesis.rank_delay_ms = genesis.block_time_ms / 3;
    std::vector<Made> made;
    for (std::size_t i = 0; i < options.nodes; ++i) {
        MESH_TRY(Made member, make_member(root / std::to_string(i)));
        genesis.validators.push_back({member.keys.identity.public_key(),
                                      member.keys.validating->public_key(), member.owner, stake});
        genesis.allocations.push_back({member.owner, options.coins});
        made.push_back(std::move(member));
    }
    ledger::sort_canonically(genesis);

    LocalChain chain;
    const std::uint16_t group_port = random_port();
    base::LinkAddress before;
    for (std::size_t i = 0; i < made.size(); ++i) {
        const Made& member = made[i];
        node::NodeConfig config = config_of(i, group_port);
        if (options.line) {
            config.network.multicast = false;
            MESH_TRY(config.network.listen.port, free_port());
            if (i > 0) config.network.static_peers = {before};
            before = config.network.listen;
        }
        if (i < options.segments.size()) config.network.segments = options.segments[i];
        MESH_CHECK(write_node(member.folder, genesis, member.keys, config));
        chain.members.push_back(
            {member.folder.root(), member.keys.identity.public_key(), member.owner});
    }
    return chain;
}

}  // namespace meshchain::host
