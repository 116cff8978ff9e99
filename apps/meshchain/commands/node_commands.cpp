// node keys, node init: on the files, while no node uses the folder.

#include "crypto/identity.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/genesis_json.h"
#include "host/json_document.h"
#include "host/node_setup.h"
#include "host/system_entropy.h"
#include "meshchain/commands/commands.h"
#include "wallet/address.h"
#include "wallet/key_file.h"

namespace meshchain::app {
namespace {

// --- node keys ---------------------------------------------------------------------------------

struct StoreOptions {
    std::string engine;
    std::string encryption;
    std::string passphrase_file;

    host::Json to_json() const {
        host::Json json = host::Json::object();
        if (!engine.empty()) json["engine"] = engine;
        if (!encryption.empty()) json["encryption"] = encryption;
        if (!passphrase_file.empty()) {
            json["passphrase_path"] = std::filesystem::absolute(passphrase_file).string();
        }
        return json;
    }
    void add_to(std::vector<Option>& options) {
        options.push_back({"--store", "ENGINE", "sqlite or flashlog (sqlite)", &engine});
        options.push_back({"--store-encryption", "HOW",
                           "none, passphrase or device; with flashlog (none)", &encryption});
        options.push_back({"--store-passphrase-file", "FILE",
                           "where the store's passphrase lies at every start (the terminal)",
                           &passphrase_file});
    }
};

struct KeysOptions {
    std::uint64_t stake = 0;
    std::string payout;
    StoreOptions store;
};

std::expected<crypto::PublicKey, base::Error> payout_key(const host::DataFolder& folder,
                                                         const std::string& address) {
    if (!address.empty()) return host::parse_owner(address);
    const auto path = folder.wallet(node::NodeConfig{});
    auto bytes = host::read_file(path, wallet::KeyFile::bytes_max);
    if (!bytes) {
        bytes.error().advice = "make a wallet first, or give --payout ADDRESS";
        return std::unexpected(bytes.error());
    }
    MESH_TRY(const wallet::KeyFile wallet, wallet::parse_key_file(*bytes));
    return wallet.keys.front();
}

std::expected<node::NodeConfig, base::Error> store_config(const StoreOptions& options) {
    return host::parse_config(host::to_line({{"store", options.to_json()}}), "command line");
}

std::expected<Output, base::Error> keys(const Context& context, const KeysOptions& options) {
    const host::DataFolder folder(context.data);
    MESH_CHECK(host::make_folder(folder.root()));
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(folder.root()));
    MESH_TRY(const crypto::PublicKey payout, payout_key(folder, options.payout));
    host::SystemEntropy entropy;
    MESH_TRY(const node::NodeConfig config, store_config(options.store));
    MESH_TRY(const node::Keys keys, host::load_or_make_keys(folder, entropy, config));
    if (!keys.validating) {
        return base::failure(base::Errc::unsupported, "no validating key in this file",
                             folder.node_keys().string(),
                             "use a folder of its own for a validator");
    }
    const ledger::GenesisValidator validator{keys.identity.public_key(),
                                             keys.validating->public_key(), payout,
                                             wire::Amount{options.stake}};
    return output(host::to_json(validator),
                  "Node       " + crypto::to_hex(crypto::node_id(validator.identity)) +
                      "\nIdentity   " + crypto::to_hex(validator.identity) + "\nValidating " +
                      crypto::to_hex(validator.key) + "\nPayout     " +
                      wallet::encode_address(payout) +
                      "\n\nWith --json this is the file that `genesis create --validator` takes.");
}

Command keys_command(const Context& context) {
    const auto o = std::make_shared<KeysOptions>();
    Command command{
        .name = "keys",
        .summary = "Make the node's keys if there are none; print their public parts",
        .examples =
            "Example:\n"
            "  meshchain node keys --data alice --stake 100 --json > alice.json",
        .options = {{"--stake", "UNITS", "stake of this validator in the genesis (0)", &o->stake},
                    {"--payout", "ADDRESS",
                     "who gets what it earns (first address of DIR/wallet.key)", &o->payout}},
        .run = [&context, o] { return keys(context, *o); }};
    o->store.add_to(command.options);
    return command;
}

// --- node init ---------------------------------------------------------------------------------

struct InitOptions {
    std::string genesis;
    std::string role;
    std::string name;
    std::string listen;
    std::string interface;
    std::vector<std::string> static_peers;
    bool no_multicast = false;
    bool snapshot_start = false;
    StoreOptions store;  ///< as `node keys` had them
};

/// By way of JSON, so that the flags obey the very rules of the file.
std::expected<node::NodeConfig, base::Error> config_from(const InitOptions& options,
                                                         bool validator) {
    host::Json json = {{"role", validator ? "validator" : "relay"}};
    if (!options.role.empty()) json["role"] = options.role;
    if (!options.name.empty()) json["node_name"] = options.name;
    if (options.snapshot_start) json["sync"] = {{"start", "snapshot"}};
    json["store"] = options.store.to_json();
    host::Json& network = json["network"] = host::Json::object();
    network["multicast"] = !options.no_multicast;
    network["static_peers"] = options.static_peers;
    if (!options.listen.empty()) network["listen"] = options.listen;
    if (!options.interface.empty()) network["interface"] = options.interface;
    return host::parse_config(host::to_line(json), "command line");
}

std::expected<Output, base::Error> init(const Context& context, const InitOptions& options) {
    const host::DataFolder folder(context.data);
    MESH_TRY(const ledger::Genesis genesis, host::load_genesis(options.genesis));
    MESH_CHECK(host::make_folder(folder.root()));
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(folder.root()));
    host::SystemEntropy entropy;
    MESH_TRY(const node::NodeConfig stored, store_config(options.store));
    MESH_TRY(const node::Keys keys, host::load_or_make_keys(folder, entropy, stored));
    MESH_TRY(const node::NodeConfig config,
             config_from(options, host::is_validator(genesis, keys)));
    MESH_CHECK(host::write_node(folder, genesis, keys, config));
    const std::string chain = crypto::to_hex(ledger::chain_id(genesis));
    const std::string id = crypto::to_hex(crypto::node_id(keys.identity.public_key()));
    const std::string role(name(config.role));
    return output(
        {{"folder", folder.root().string()}, {"node_id", id}, {"role", role}, {"chain_id", chain}},
        "Node " + id + " (" + role + ") of chain " + chain + "\nis ready in " +
            folder.root().string() + ". Start it:\n  meshchain node run --data " +
            folder.root().string());
}

Command init_command(const Context& context) {
    const auto o = std::make_shared<InitOptions>();
    Command command{
        .name = "init",
        .summary = "Prepare a folder for a node",
        .examples =
            "Examples:\n"
            "  meshchain node init --data alice --genesis genesis.bin\n"
            "  meshchain node init --data bob --genesis genesis.bin \\\n"
            "      --listen 0.0.0.0:0 --static-peer 192.0.2.7:9998",
        .options = {{"--genesis", "FILE", "the chain to belong to", &o->genesis, true},
                    {"--role", "ROLE",
                     "validator, relay or light (what the genesis says of its keys)", &o->role},
                    {"--name", "TEXT", "a name for people (MeshChain Node)", &o->name},
                    {"--listen", "ADDRESS:PORT", "where peers reach it (0.0.0.0:9998)", &o->listen},
                    {"--interface", "ADDRESS", "the network card for multicast", &o->interface},
                    {"--static-peer", "ADDRESS:PORT", "a node to dial; repeat for each",
                     &o->static_peers},
                    {"--no-multicast", "", "meet static peers only", &o->no_multicast},
                    {"--snapshot-start", "", "begin with a FINAL state, without the history",
                     &o->snapshot_start}},
        .run = [&context, o] { return init(context, *o); }};
    o->store.add_to(command.options);
    return command;
}

}  // namespace

Command node_command(const Context& context) {
    return {.name = "node",
            .summary = "Prepare, run and stop a node",
            .commands = {keys_command(context), init_command(context), run_command(context),
                         stop_command(context), store_passphrase_command(context)}};
}

}  // namespace meshchain::app
