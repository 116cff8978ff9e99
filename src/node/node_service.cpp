// Which service a node takes part with: a chain, the start of one from a FINAL state, or a light
// chain (rows A10, F5).

#include <algorithm>
#include <set>

#include "node/node_parts.h"

namespace meshchain::node {

std::optional<wire::ValidatorIndex> Node::Parts::validator_of(const crypto::PublicKey& node) const {
    if (genesis.stakes && chain) return chain->engine().validators().find_identity(node);
    const auto found =
        std::ranges::find(genesis.validators, node, &ledger::GenesisValidator::identity);
    if (found == genesis.validators.end()) return std::nullopt;
    return wire::ValidatorIndex{static_cast<std::uint16_t>(found - genesis.validators.begin())};
}

bool Node::Parts::is_alone() const {
    if (!chain || !chain->engine().self()) return false;
    return chain->engine().validators().all() == consensus::bit(*chain->engine().self());
}

/// Whose clocks count, and who has slots among the peers, follows the epochs.
void Node::Parts::follow_epoch() {
    if (!genesis.stakes || !chain || clock_epoch == chain->engine().epochs().now()) return;
    clock_epoch = chain->engine().epochs().now();
    const consensus::ValidatorSet& set = chain->engine().validators();
    std::vector<wire::Amount> stakes;
    std::vector<mesh::ValidatorIdentity> identities;
    for (std::uint16_t i = 0; i < set.size(); ++i) {
        stakes.push_back(set[{i}].stake);
        if (set.contains({i})) identities.push_back({set[{i}].identity, set[{i}].stake});
    }
    mesh->set_validators(std::move(identities));
    const auto self = chain->engine().self();
    clock->set_validators(std::move(stakes),
                          self ? std::optional<std::size_t>(self->value) : std::nullopt);
}

wire::Service& Node::Parts::service() {
    return const_cast<wire::Service&>(std::as_const(*this).service());
}

const wire::Service& Node::Parts::service() const {
    if (chain) return *chain;
    if (light) return *light;
    MESH_ASSERT(snapshot != nullptr);
    return *snapshot;
}

std::expected<void, base::Error> Node::Parts::open_service(std::optional<crypto::SigningKey> key,
                                                           base::Now now) {
    std::array<std::byte, 8> seed;
    doors.entropy.fill(seed);
    const base::Random random(base::Reader(seed).u64());
    if (config.role == wire::Role::light) {
        MESH_TRY(light, chain::LightChain::open(genesis, doors.store, random.stream("light"),
                                                log.for_module("chain"), this));
        return {};
    }
    validating_key = std::move(key);
    const bool wanted = config.sync_start == SyncStart::snapshot;
    MESH_TRY(const bool due, chain::SnapshotStart::is_due(doors.store, wanted));
    if (!due) {
        MESH_CHECK(forget_gathered_state());
        return open_chain(now);
    }
    MESH_TRY(snapshot,
             chain::SnapshotStart::open(genesis, doors.store, tables::consensus,
                                        random.stream("snapshot"), log.for_module("chain"), this));
    return {};
}

/// Somebody began with a snapshot and wants the whole history now.
std::expected<void, base::Error> Node::Parts::forget_gathered_state() {
    MESH_TRY(const auto phase, chain::StateStaging::phase_of(doors.store));
    if (phase != chain::StateStaging::Phase::gathering) return {};
    MESH_TRY(auto staging, chain::StateStaging::open(doors.store, genesis));
    return staging.clear();
}

std::expected<void, base::Error> Node::Parts::open_chain(base::Now now) {
    std::array<std::byte, 8> seed;
    doors.entropy.fill(seed);
    const base::Random random(base::Reader(seed).u64());
    MESH_TRY(chain, chain::Chain::open(genesis,
                                       {.store = doors.store,
                                        .consensus_table = tables::consensus,
                                        .validating_key = std::exchange(validating_key, {}),
                                        .proposal_bytes_max = config.max_block_size,
                                        .random = random.stream("chain"),
                                        .log = log.for_module("chain"),
                                        .verifier = doors.verifier,
                                        .witness = doors.witness,
                                        .choice = this,
                                        .sync_timeout = config.sync_timeout,
                                        .undo_blocks_max = config.store_undo_blocks,
                                        .keep_blocks = config.store_keep_blocks,
                                        .has_air_alone = doors.link == nullptr},
                                       now));
    state_server = std::make_unique<chain::StateServer>(doors.store, *chain);
    return {};
}

wire::ChainStatus Node::Parts::chain_status(base::Now now) const {
    if (chain) return chain->status(now);
    return light ? light->status(now) : snapshot->status(now);
}

void Node::Parts::handle_peer(base::Now now, const crypto::PublicKey& peer, wire::Slot slot,
                              chain::PeerHeights heights, bool directly) {
    if (chain) return chain->handle_peer(now, peer, slot, heights, directly);
    if (light) return light->handle_peer(now, peer, heights);
    snapshot->handle_peer(now, peer, heights);
}

void Node::Parts::handle_peer_lost(base::Now now, const crypto::PublicKey& peer) {
    if (state_server) state_server->forget_peer(peer);
    if (chain) return chain->handle_peer_lost(peer);
    if (light) return light->handle_peer_lost(peer);
    snapshot->handle_peer_lost(now, peer);
}

std::optional<chain::Event> Node::Parts::poll_chain_event() {
    if (chain) return chain->poll_event();
    return light ? light->poll_event() : snapshot->poll_event();
}

void Node::Parts::change_service(base::Now now) {
    if (!snapshot || chain || service_fault || !lifecycle.is_running()) return;
    if (snapshot->outcome() == chain::SnapshotStart::Outcome::working) return;
    snapshot->stop(now);
    auto changed = open_chain(now);
    if (!changed) {
        log.error("the chain does not open on the state that came: " +
                  base::sentence(changed.error()));
        service_fault = changed.error();
        return;
    }
    snapshot.reset();
    if (const auto started = chain->start(now); !started) service_fault = started.error();
    for (const mesh::Peer& peer : mesh->peers()) {
        if (peer.connected) {
            chain->handle_peer(now, peer.key, chain->slot(now), {peer.height, peer.final_height});
        }
    }
    mesh->request_hello(now);  // others state their slots anew, which checks the clock
}

std::expected<void, base::Error> Node::Parts::start_wallet_from_state() {
    if (chain->store().base().height == wire::Height{} || wallet->tip()) return {};
    MESH_TRY(const auto view,
             chain::StateView::open(doors.store, chain->store(), chain->final_height()));
    const auto& keys = wallet->key_file().keys;
    const std::set<crypto::PublicKey> own(keys.begin(), keys.end());
    std::vector<wallet::OwnedCoin> coins;
    MESH_CHECK(view->each_coin([&](const wire::StateCoin& coin) {
        if (own.contains(coin.output.owner)) coins.push_back({coin.outpoint, coin.output});
        return true;
    }));
    return wallet->start_from(coins, {view->at().height, view->at().hash});
}

}  // namespace meshchain::node
