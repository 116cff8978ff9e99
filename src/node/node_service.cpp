// Which service a node takes part with: a chain, the start of one from a FINAL state, or a light
// chain (rows A10, F5).

#include <algorithm>
#include <set>

#include "node/node_parts.h"

namespace meshchain::node {

std::optional<wire::ValidatorIndex> Node::Parts::validator_of(const crypto::PublicKey& node) const {
    const auto found =
        std::ranges::find(genesis.validators, node, &ledger::GenesisValidator::identity);
    if (found == genesis.validators.end()) return std::nullopt;
    return wire::ValidatorIndex{static_cast<std::uint16_t>(found - genesis.validators.begin())};
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
                                                log.for_module("chain")));
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
                                        random.stream("snapshot"), log.for_module("chain")));
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
                                        .choice = this,
                                        .sync_timeout = config.sync_timeout},
                                       now));
    state_server = std::make_unique<chain::StateServer>(doors.store, *chain);
    return {};
}

wire::ChainStatus Node::Parts::chain_status(base::Now now) const {
    if (chain) return chain->status(now);
    return light ? light->status(now) : snapshot->status(now);
}

void Node::Parts::handle_peer(base::Now now, const crypto::PublicKey& peer, wire::Slot slot,
                              chain::PeerHeights heights) {
    if (chain) return chain->handle_peer(now, peer, slot, heights);
    if (light) return light->handle_peer(now, peer, heights);
    snapshot->handle_peer(now, peer, heights);
}

void Node::Parts::handle_peer_lost(base::Now now, const crypto::PublicKey& peer) {
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

runtime::NodeState Node::Parts::state_without_chain() const {
    using runtime::NodeState;
    if (service_fault || (light ? light->fault() : snapshot->fault())) return NodeState::error;
    if (mesh->connected_count() == 0) return NodeState::waiting_peers;
    return light ? NodeState::synchronized : NodeState::syncing;
}

void Node::Parts::fill_without_chain(StatusView& view, base::Now now) const {
    const auto fill_final = [&](const std::optional<chain::ProvenFinal>& final) {
        if (!final) return;
        view.final_height = final->height();
        view.final_block = final->hash();
        view.justified = final->certificate.final;
    };
    if (light) {
        view.slot = light->slot(now);
        fill_final(light->final());
        view.mempool_transactions = light->payments();
        // What others claim says that we may be behind, and never by how much.
        view.sync = {
            chain::name(light->is_behind() ? chain::SyncState::behind : chain::SyncState::synced),
            light->final_height(), 100};
        return;
    }
    view.slot = snapshot->slot(now);
    fill_final(snapshot->target());
    view.sync = {chain::name(chain::SyncState::syncing), view.final_height, snapshot->percent()};
}

HealthView Node::Parts::health_without_chain() const {
    HealthView view;
    const auto part = [&](std::string_view name) -> PartHealth& {
        return view.parts.emplace_back(PartHealth{name, PartState::ok, {}});
    };
    const auto add = [&](PartHealth& to, Problem problem) {
        to.state = std::max(to.state, problem.state);
        view.state = std::max(view.state, problem.state);
        to.problems.push_back(std::move(problem));
    };
    PartHealth& store = part("store");
    const auto& fault = service_fault ? service_fault : light ? light->fault() : snapshot->fault();
    if (fault) {
        add(store, {"store_failed", PartState::failed, "The store failed", base::sentence(*fault),
                    "free or replace the disk, then restart the node"});
    }
    part("chain").state = PartState::absent;
    part("mempool").state = PartState::absent;
    PartHealth& network = part("mesh");
    if (mesh->connected_count() == 0) {
        add(network, {"no_peers", PartState::failed, "No peers",
                      light ? "a light node learns of FINAL from others alone"
                            : "the state this node is to start from comes from others",
                      "check the network, or name a peer in network.static_peers"});
    }
    part("clock");
    PartHealth& sync = part("sync");
    if (snapshot && !snapshot->trouble().empty()) {
        add(sync, {"snapshot_failed", PartState::degraded, "No state to start from",
                   snapshot->trouble(), "name other peers, or set sync.start to genesis"});
    }
    part("wallet").state = PartState::absent;
    if (wallet) {
        add(view.parts.back(),
            {"wallet_blind", PartState::degraded, "The wallet does not see its coins",
             light ? "a light node holds no coins" : "the state is still on its way",
             light ? "ask for proofs of single payments with `meshchain tx proof`, or make this "
                     "node a relay"
                   : "wait until the node is synchronized"});
    }
    return view;
}

base::Error Node::Parts::no_chain(std::string what) const {
    if (light) {
        return {base::Errc::unsupported, "a light node does not hold " + std::move(what), "node",
                "ask a node of role relay or validator, or make this one a relay"};
    }
    return {base::Errc::unavailable, std::move(what) + " have not come yet", "node",
            "wait until `meshchain status` says that the node is synchronized"};
}

std::expected<TransactionView, base::Error> Node::Parts::transaction_without_chain(
    const wire::Txid& txid) const {
    TransactionView view;
    view.txid = txid;
    if (light && light->is_under_way(txid)) view.certainty = Certainty::seen;
    if (const auto proof = light ? light->find_proof(txid) : nullptr) {
        view.certainty = Certainty::final;
        view.live_percent = 100;
        view.transaction = proof->inclusion.transaction;
        view.height = proof->inclusion.height;
        view.fee = view.transaction->body.fee.amount();
        view.bytes = wire::encoded_bytes(*view.transaction);
    }
    return view;
}

std::expected<wire::Txid, base::Error> Node::Parts::submit_without_chain(
    base::Now now, const wire::WireTransaction& transaction) {
    if (!light) return std::unexpected(no_chain("the coins it spends"));
    const auto* whole = std::get_if<wire::Transaction>(&transaction);
    if (whole == nullptr) {
        return base::failure(base::Errc::unsupported,
                             "the compact form leaves out the coin, which a light node lacks",
                             "transaction", "hand it in in its long form");
    }
    MESH_TRY(const wire::Txid txid, light->submit(now, *whole));
    send_all(now);
    return txid;
}

std::expected<ProofView, base::Error> Node::prove(base::Now system, const wire::Txid& txid) {
    Parts& parts = *parts_;
    const base::Now now = parts.clock->at(system.instant);
    const auto view_of = [&](const chain::TransactionProof& proof) {
        return ProofView{txid,
                         true,
                         100,
                         proof.inclusion.height,
                         proof.headers.back().height,
                         chain::encode(proof)};
    };
    if (parts.chain) {
        const auto& certificate = parts.chain->engine().certificate();
        if (!certificate) {
            return base::failure(base::Errc::not_found, "nothing is FINAL yet", "transaction proof",
                                 "wait until `meshchain tx` says FINAL");
        }
        consensus::ProvenHeight above{parts.chain->final_height(), *certificate};
        MESH_TRY(const auto place, parts.chain->store().find(txid));
        if (place && place->height < above.height) {
            // The nearest one makes the shortest proof.
            MESH_TRY(auto kept, parts.chain->certificates().find(place->height, place->height));
            if (kept && kept->height < above.height) above = *std::move(kept);
        }
        MESH_TRY(const auto proof,
                 chain::make_proof(parts.chain->store(), above.certificate, above.height, txid));
        return view_of(proof);
    }
    if (!parts.light) return std::unexpected(parts.no_chain("the blocks"));
    MESH_TRY(const auto progress, parts.light->prove(now, txid));
    parts.send_all(now);
    if (progress.proof != nullptr) return view_of(*progress.proof);
    if (progress.state == chain::LightProofs::State::unknown) {
        return base::failure(base::Errc::not_found,
                             "no peer proves that a FINAL block holds " + crypto::to_hex(txid.hash),
                             "transaction proof", "ask again when the payment should be FINAL");
    }
    ProofView view;
    view.txid = txid;
    if (progress.headers_total > 0) {
        view.percent = static_cast<std::uint32_t>(100 * progress.headers / progress.headers_total);
    }
    return view;
}

}  // namespace meshchain::node
