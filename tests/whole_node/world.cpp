#include "whole_node/world.h"

#include <algorithm>

#include "base/assert.h"
#include "chain/test_long_chain.h"
#include "crypto/heap_secret_memory.h"
#include "wallet/opened_key_file.h"

namespace meshchain::tests {
namespace {

constexpr std::string_view passphrase = "correct horse battery staple";
constexpr base::WallTime chain_start = base::wall_from_unix_ms(1'800'000'000'000);

std::unique_ptr<kv::MemoryStore> open_store(const std::shared_ptr<kv::MemoryMedium>& disk,
                                            std::uint64_t quota_bytes = 0) {
    auto store = kv::MemoryStore::open(disk, {node::node_tables, quota_bytes});
    MESH_ASSERT(store.has_value());
    return std::move(*store);
}

}  // namespace

struct World::Port final : base::Link {
    Port(World& world_in, std::size_t index_in) : world(world_in), index(index_in) {}

    std::size_t datagram_bytes_max() const override { return 1472; }
    std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                          base::Bytes datagram) override {
        world.post(index, to, datagram);
        return {};
    }
    std::optional<base::Datagram> receive(base::MutableBytes buffer) override {
        if (arrived.empty()) return std::nullopt;
        const Flight flight = std::move(arrived.front());
        arrived.pop_front();
        MESH_ASSERT(flight.bytes.size() <= buffer.size());
        std::ranges::copy(flight.bytes, buffer.begin());
        return base::Datagram{flight.from, flight.multicast, flight.bytes.size()};
    }

    World& world;
    std::size_t index;
    std::deque<Flight> arrived;
};

struct World::Host {
    explicit Host(base::Random random) : entropy(random.stream("entropy")) {}
    std::shared_ptr<kv::MemoryMedium> disk = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> store;  ///< open while the node lives
    std::unique_ptr<kv::FaultyStore> faulty;
    SeededEntropy entropy;
    sim::QuickKdf kdf;
    sim::SettableTimeSource time_source;
    base::Milliseconds clock_error{};
    crypto::HeapSecretMemory memory;
    wallet::KeyFileDoors wallet_doors() { return {kdf, entropy, memory}; }
    crypto::SigningKey::Seed identity_seed{};
    crypto::SigningKey::Seed validating_seed{};
    wallet::KeyFile wallet_file;
    std::unique_ptr<Port> port;
    std::unique_ptr<mesh::IpFrames> frames;
    std::unique_ptr<node::Node> node;
};
World::World(Options options) : options_(options), random_(options.seed) {
    genesis_.start = chain_start;
    genesis_.block_time_ms = 1000;
    genesis_.rank_delay_ms = 300;
    for (std::size_t i = 0; i < options.nodes; ++i) {
        hosts_.push_back(std::make_unique<Host>(random_.stream(std::to_string(i))));
        Host& host = *hosts_.back();
        host.entropy.fill(host.identity_seed);
        host.entropy.fill(host.validating_seed);
        host.wallet_file = *wallet::create_key_file(host.wallet_doors(), {1, 8},
                                                    base::as_bytes(passphrase), "test");
        const auto identity = crypto::SigningKey::from_seed(host.identity_seed).public_key();
        const auto key = crypto::SigningKey::from_seed(host.validating_seed).public_key();
        if (i + options.observers < options.nodes) {
            genesis_.validators.push_back({identity, key, host.wallet_file.keys[0], {100}});
        }
        for (int coin = 0; coin < 10; ++coin) {
            genesis_.allocations.push_back({host.wallet_file.keys[0], {1000}});
        }
        host.store = open_store(host.disk);
        MESH_ASSERT(node::Node::record_new_key(*host.store, key).has_value());
        host.store.reset();
    }
    if (options.past_blocks > 0) {
        for (int coin = 0; coin < 50; ++coin) {
            genesis_.allocations.push_back({past_payer().public_key(), {1'000'000}});
        }
    }
    ledger::sort_canonically(genesis_);
    if (options.genesis) genesis_ = options.genesis(genesis_);
    wall_ = genesis_.start + std::chrono::seconds(options.past_blocks) - std::chrono::seconds(2);
    if (options.past_blocks > 0) make_past();
}

crypto::SigningKey World::past_payer() {
    return crypto::SigningKey::from_seed(crypto::SigningKey::Seed{});
}

void World::make_past() {
    std::map<crypto::PublicKey, crypto::SigningKey> keys;
    keys.emplace(past_payer().public_key(), past_payer());
    for (const auto& host : hosts_) {
        auto key = crypto::SigningKey::from_seed(host->validating_seed);
        keys.emplace(key.public_key(), std::move(key));
    }
    const auto store = open_store(past_);
    const chain::test::LongChain made(*store, genesis_,
                                      [&](const auto& key) { return keys.at(key).clone(); },
                                      {.blocks = options_.past_blocks,
                                       .payer = past_payer().public_key(),
                                       .consensus_table = node::tables::consensus});
}

void World::preload(std::size_t index) {
    const auto from = open_store(past_);
    const auto to = open_store(hosts_[index]->disk);
    for (const kv::TableInfo& table : node::node_tables) {
        std::vector<std::pair<base::Buffer, base::Buffer>> rows;
        MESH_ASSERT(from->scan({.table = table.table},
                               [&](base::Bytes key, base::Bytes value) {
                                   rows.emplace_back(base::to_buffer(key), base::to_buffer(value));
                                   return true;
                               })
                        .has_value());
        for (const auto& [key, value] : rows) {
            kv::Batch batch;
            batch.put(table.table, key, value);
            MESH_ASSERT(to->commit(batch).has_value());
        }
    }
}

World::~World() = default;

bool World::is_alive(std::size_t index) const { return hosts_[index]->node != nullptr; }

node::Node& World::operator[](std::size_t index) { return *hosts_[index]->node; }

crypto::PublicKey World::payee(std::size_t index) const {
    return hosts_[index]->wallet_file.keys[0];
}

crypto::PublicKey World::identity(std::size_t index) const {
    return crypto::SigningKey::from_seed(hosts_[index]->identity_seed).public_key();
}

std::expected<void, base::Error> World::add_keys(std::size_t index) {
    Host& host = *hosts_[index];
    MESH_TRY(const auto opened, wallet::OpenedKeyFile::open(host.wallet_doors(), host.wallet_file,
                                                            {base::as_bytes(passphrase)}));
    const std::size_t more = host.wallet_file.keys.size() + wallet::KeyFile::lookahead;
    MESH_TRY(host.wallet_file, opened.with_keys(host.wallet_doors(), host.wallet_file, more));
    MESH_CHECK(host.node->handle_key_file(host.wallet_file));
    return host.node->unlock_wallet(now(), opened.keys(host.memory, more));
}

kv::FaultyStore& World::disk(std::size_t index) { return *hosts_[index]->faulty; }

std::unique_ptr<kv::MemoryStore> World::open_disk(std::size_t index) {
    MESH_ASSERT(!is_alive(index));
    return open_store(hosts_[index]->disk);
}

crypto::SigningKey World::identity_key(std::size_t index) const {
    return crypto::SigningKey::from_seed(hosts_[index]->identity_seed);
}

void World::start(std::size_t index) { MESH_ASSERT(try_start(index).has_value()); }

std::expected<void, base::Error> World::try_start(std::size_t index) {
    auto started = boot(index);
    if (!started) kill(index);
    return started;
}

std::expected<void, base::Error> World::boot(std::size_t index) {
    Host& host = *hosts_[index];
    MESH_ASSERT(host.node == nullptr);
    host.store = open_store(host.disk, options_.quota_bytes ? options_.quota_bytes(index) : 0);
    host.faulty = std::make_unique<kv::FaultyStore>(*host.store);
    host.port = std::make_unique<Port>(*this, index);
    host.frames = std::make_unique<mesh::IpFrames>(*host.port);
    node::NodeConfig config;
    const bool observes = index + options_.observers >= hosts_.size();
    config.role = observes ? wire::Role::relay : wire::Role::validator;
    if (options_.configure) options_.configure(index, config);
    node::Doors doors{*host.faulty, host.frames.get(), host.entropy,
                      host.kdf,     nullptr,           &host.time_source};
    if (options_.services) doors.services = options_.services(index);
    MESH_TRY(host.node, node::Node::create(config, genesis_,
                                           {crypto::SigningKey::from_seed(host.identity_seed),
                                            crypto::SigningKey::from_seed(host.validating_seed)},
                                           std::move(doors), now(index)));
    if (options_.created) options_.created(*host.node);
    MESH_ASSERT(host.node->open_wallet(now(index), wallet::encode(host.wallet_file)).has_value());
    const auto opened = wallet::OpenedKeyFile::open(host.wallet_doors(), host.wallet_file,
                                                    {base::as_bytes(passphrase)});
    MESH_ASSERT(
        host.node
            ->unlock_wallet(now(index), opened->keys(host.memory, host.wallet_file.keys.size()))
            .has_value());
    return host.node->start(now(index));
}

base::Now World::now(std::size_t index) const { return {now_, wall_ + hosts_[index]->clock_error}; }

void World::set_clock_error(std::size_t index, base::Milliseconds error) {
    hosts_[index]->clock_error = error;
}

void World::set_synchronised(std::size_t index, bool synchronised) {
    hosts_[index]->time_source.error.reset();
    if (synchronised) hosts_[index]->time_source.error = std::chrono::milliseconds(5);
}

void World::kill(std::size_t index) {
    Host& host = *hosts_[index];
    host.node.reset();
    host.frames.reset();
    host.port.reset();
    host.faulty.reset();
    host.store.reset();
}

base::LinkAddress World::address(std::size_t index) {
    return node::ipv4({10, 0, 0, static_cast<std::uint8_t>(index + 1)}, 4000);
}

void World::post(std::size_t from, const std::optional<base::LinkAddress>& to,
                 base::Bytes datagram) {
    ++datagrams_;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (to ? *to == address(i) : i != from) launch(from, i, !to, datagram);
    }
}

void World::launch(std::size_t from, std::size_t to, bool multicast, base::Bytes datagram) {
    if (passes_ && !passes_(from, to, datagram)) return;
    if (!hears(from, to) || random_.chance(options_.loss_percent, 100)) return;
    const base::Instant arrival =
        now_ + random_.between(std::chrono::microseconds(200), options_.delay_max);
    flights_.insert({arrival, {to, address(from), multicast, base::to_buffer(datagram)}});
}

void World::step_all() {
    while (!flights_.empty() && flights_.begin()->first <= now_) {
        auto flight = std::move(flights_.extract(flights_.begin()).mapped());
        if (Host& host = *hosts_[flight.to]; host.port) {
            host.port->arrived.push_back(std::move(flight));
        }
    }
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (hosts_[i]->node) hosts_[i]->node->step(now(i));
    }
}

base::Instant World::next_event(base::Instant end) const {
    base::Instant next = flights_.empty() ? end : std::min(end, flights_.begin()->first);
    for (const auto& host : hosts_) {
        if (host->node) next = std::min(next, host->node->poll_timeout(now()));
    }
    // Work due at once still takes a moment, or two nodes could answer each other for ever.
    return std::max(next, now_ + std::chrono::microseconds(100));
}

void World::run_for(base::Duration duration) {
    const base::Instant end = now_ + duration;
    const base::Instant origin_instant = now_;
    const base::WallTime origin_wall = wall_;
    while (now_ < end) {
        now_ = std::min(next_event(end), end);
        wall_ = origin_wall + std::chrono::duration_cast<base::Milliseconds>(now_ - origin_instant);
        step_all();
    }
}

}  // namespace meshchain::tests
