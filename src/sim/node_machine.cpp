#include "sim/node_machine.h"

#include "base/assert.h"
#include "ledger/genesis.h"
#include "node/tables.h"
#include "wallet/opened_key_file.h"

namespace meshchain::sim {
namespace {

constexpr std::string_view passphrase = "the same everywhere";

}  // namespace

Credentials::Credentials(base::Random random) {
    SeededEntropy entropy(random);
    QuickKdf kdf;
    crypto::HeapSecretMemory memory;
    entropy.fill(identity_seed);
    entropy.fill(validating_seed);
    auto made = wallet::create_key_file({kdf, entropy, memory}, {1, 8}, base::as_bytes(passphrase),
                                        "simulated");
    MESH_ASSERT(made.has_value());
    wallet = *std::move(made);
}

NodeMachine::NodeMachine(std::size_t index, Clock clock, const Credentials& credentials,
                         const ledger::Genesis& genesis, Options options, base::Random random)
    : Machine(index, clock),
      credentials_(credentials),
      genesis_(genesis),
      options_(std::move(options)),
      random_(random),
      disk_(options_.disk, options_.flash_kb),
      entropy_(random.stream("entropy")) {
    port().has_power = [this] { return disk_.has_power(); };
    const auto store = disk_.open(node::node_tables);
    MESH_ASSERT(store.has_value());
    const auto recorded =
        node::Node::record_new_key(**store, credentials_.validating().public_key());
    MESH_ASSERT(recorded.has_value());
    MESH_ASSERT((*store)->close().has_value());
}

std::expected<void, base::Error> NodeMachine::start(base::Now now) {
    MESH_ASSERT(!is_on());
    disk_.power_on(random_);
    port().is_dead = false;
    auto booted = boot(now);
    if (!booted) crash();
    return booted;
}

std::expected<void, base::Error> NodeMachine::boot(base::Now now) {
    MESH_TRY(store_, disk_.open(node::node_tables));
    ++starts_;
    if (options_.shares_records) MESH_CHECK(open_records(now));
    std::vector<wire::AirLink*> airs;
    if (options_.radio != nullptr) {
        air_ = std::make_unique<radio::RadioFrames>(
            now.instant,
            radio::RadioOptions{.airtime = options_.airtime, .outbox = {}, .reassembly = {}},
            *options_.radio, random_.stream("air " + std::to_string(starts_ - 1)));
        airs.push_back(air_.get());
    }
    if (options_.has_network) frames_ = std::make_unique<mesh::IpFrames>(port());
    node::NodeConfig config;
    config.role = options_.role;
    config.node_name = options_.name;
    config.store_undo_blocks = options_.undo_blocks;
    config.network.discovery_interval = options_.heartbeat;
    config.network.heartbeat_interval = options_.heartbeat;
    config.network.peer_timeout = std::max(config.network.peer_timeout, 6 * options_.heartbeat);
    config.network.segments = options_.segments;
    config.wallet.lock_after = {};
    node::Keys keys{credentials_.identity(), std::nullopt};
    std::vector<wire::Service*> services;
    if (records_) services.push_back(records_.get());
    if (options_.role == wire::Role::validator) keys.validating = credentials_.validating();
    MESH_TRY(node_,
             node::Node::create(config, genesis_, std::move(keys),
                                {.store = *store_,
                                 .link = frames_.get(),
                                 .entropy = entropy_,
                                 .kdf = kdf_,
                                 .log = options_.log,
                                 .time = &time_source_,
                                 .services = std::move(services),
                                 .witness = port().tamper ? port().tamper->witness() : nullptr,
                                 .airs = std::move(airs)},
                                now));
    if (records_) records_->attach(node_->neighbourhood());
    if (options_.has_wallet) MESH_CHECK(open_wallet(now));
    return node_->start(now);
}

std::expected<void, base::Error> NodeMachine::open_records(base::Now now) {
    records::RecordService::Options options{
        .store = {.table = node::tables::records, .chain = ledger::chain_id(genesis_)},
        .receipts = node::tables::receipts};
    for (const std::string& name : options_.segments) {
        options.store.segments.push_back(wire::segment_id(options.store.chain, name));
    }
    MESH_TRY(records_, records::RecordService::open(
                           *store_, options, credentials_.identity(),
                           random_.stream("records " + std::to_string(starts_)), now));
    return {};
}

std::expected<void, base::Error> NodeMachine::open_wallet(base::Now now) {
    MESH_CHECK(node_->open_wallet(now, wallet::encode(credentials_.wallet)));
    MESH_TRY(const auto opened,
             wallet::OpenedKeyFile::open({kdf_, entropy_, memory_}, credentials_.wallet,
                                         {base::as_bytes(passphrase)}));
    return node_->unlock_wallet(now, opened.keys(memory_, credentials_.wallet.keys.size()));
}

void NodeMachine::crash() {
    port().is_dead = true;
    node_.reset();
    records_.reset();
    air_.reset();
    frames_.reset();
    store_.reset();
    port().clear();
}

void NodeMachine::step(base::Now now) { node_->step(now); }

void NodeMachine::wipe() {
    MESH_ASSERT(!is_on());
    disk_.wipe();
}

}  // namespace meshchain::sim
