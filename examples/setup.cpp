// Set-up: keys, the genesis of a new chain, a node's folder, and the node running in it.

#include <cstdio>

#include "crypto/identity.h"
#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/file.h"
#include "host/node_setup.h"
#include "host/system_entropy.h"
#include "host/system_wall_clock.h"

namespace {

using namespace meshchain;

std::expected<void, base::Error> set_up(const std::filesystem::path& path) {
    // The node's keys. A validator gives the public ones to whoever makes the genesis.
    const host::DataFolder folder(path);
    MESH_CHECK(host::make_folder(path));
    host::SystemEntropy entropy;
    MESH_TRY(const node::Keys keys, host::load_or_make_keys(folder, entropy));

    // The genesis: who validates, who owns the first coins. Its hash names the chain.
    const crypto::PublicKey owner = keys.identity.public_key();
    ledger::Genesis genesis;
    genesis.start = host::SystemWallClock().read();
    genesis.block_time_ms = 1000;
    genesis.rank_delay_ms = 300;
    genesis.validators = {
        {keys.identity.public_key(), keys.validating->public_key(), owner, {100}}};
    genesis.allocations = {{owner, {1'000'000}}};
    ledger::sort_canonically(genesis);

    node::NodeConfig config;
    config.node_name = "first";
    config.role = wire::Role::validator;
    config.network.listen = node::ipv4({127, 0, 0, 1}, 0);
    config.network.interface = node::ipv4({127, 0, 0, 1}, 0);
    MESH_CHECK(host::write_node(folder, genesis, keys, config));

    MESH_TRY(const auto node, host::EmbeddedNode::open(path));
    MESH_CHECK(node->start());
    MESH_TRY(const node::StatusView status, node->status());
    std::printf("node %s of chain %s runs on %s\n", status.node_id.c_str(),
                crypto::to_hex(status.chain).c_str(),
                base::to_string(node->link_address()).c_str());
    return node->stop();
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, set_up); }
