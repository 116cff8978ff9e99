#include "host/node_setup.h"

#include <algorithm>

#include "chain/tables.h"
#include "host/config_json.h"
#include "host/file.h"
#include "host/node_keys.h"
#include "host/node_store.h"
#include "host/store_marker.h"
#include "node/node.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

/// A record without a chain is of a key that was made before, and never saved: whoever made it was
/// interrupted, and nothing was signed.
std::expected<void, base::Error> drop_unused_record(kv::Store& store) {
    MESH_TRY(const std::uint64_t rows, store.count(chain::tables::meta));
    if (rows > 0) return {};
    kv::Batch batch;
    MESH_CHECK(store.scan({node::tables::consensus}, [&](base::Bytes key, base::Bytes) {
        batch.erase(node::tables::consensus, key);
        return true;
    }));
    return store.commit(batch);
}

std::expected<void, base::Error> record_new_key(const DataFolder& folder,
                                                const node::NodeConfig& config,
                                                const crypto::PublicKey& key) {
    MESH_TRY(const auto store, open_node_store(folder, config, StoreMode::create_if_absent));
    MESH_CHECK(drop_unused_record(*store));
    MESH_CHECK(node::Node::record_new_key(*store, key));
    return store->close();
}

}  // namespace

std::expected<ledger::Genesis, base::Error> load_genesis(const std::filesystem::path& path) {
    MESH_TRY(const base::Buffer bytes, read_file(path, genesis_bytes_max));
    auto genesis = ledger::parse_genesis(bytes);
    if (!genesis) {
        genesis.error().where = path.string() + ", " + genesis.error().where;
        if (genesis.error().advice.empty()) {
            genesis.error().advice = "copy the network's genesis file there: others have the same";
        }
    }
    return genesis;
}

std::expected<node::Keys, base::Error> load_or_make_keys(const DataFolder& folder,
                                                         base::Entropy& entropy,
                                                         const node::NodeConfig& config) {
    if (std::filesystem::exists(folder.node_keys())) return load_node_keys(folder.node_keys());
    node::Keys keys = generate_keys(entropy);
    // The keys last: a key without a record would keep silent for ever, as a restored one does.
    MESH_CHECK(record_new_key(folder, config, keys.validating->public_key()));
    MESH_CHECK(save_node_keys(keys, folder.node_keys()));
    // Of what the store holds no more is said than that it is there; what was known of the one of a
    // former key is not said of it.
    const auto known = read_store_marker(folder);
    if (!known) return keys;
    StoreMark mark;
    if (*known) mark.last_signed = (*known)->last_signed;
    MESH_CHECK(write_store_marker(folder, mark));
    return keys;
}

bool is_validator(const ledger::Genesis& genesis, const node::Keys& keys) {
    return keys.validating &&
           std::ranges::any_of(genesis.validators, [&](const ledger::GenesisValidator& validator) {
               return validator.identity == keys.identity.public_key() &&
                      validator.key == keys.validating->public_key();
           });
}

std::expected<void, base::Error> write_node(const DataFolder& folder,
                                            const ledger::Genesis& genesis, const node::Keys& keys,
                                            const node::NodeConfig& config) {
    for (const auto& path : {folder.config(), folder.genesis()}) {
        if (!std::filesystem::exists(path)) continue;
        return base::failure(base::Errc::exists, "this folder has a node already", path.string(),
                             "choose another folder, or edit config.json");
    }
    const bool may_stake_later = genesis.stakes && keys.validating;
    if (config.role == wire::Role::validator && !may_stake_later && !is_validator(genesis, keys)) {
        return base::failure(base::Errc::invalid_argument,
                             "the genesis does not list this node's keys as a validator's", "role",
                             "make the keys with `node keys` before the genesis, or be a relay");
    }
    MESH_CHECK(node::validate(config));
    MESH_CHECK(write_file(folder.genesis(), ledger::encode(genesis), IfExists::refuse));
    return save_config(config, folder.config());
}

}  // namespace meshchain::host
