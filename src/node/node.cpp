#include "node/node.h"

#include <algorithm>

#include "node/node_parts.h"

namespace meshchain::node {
namespace {

/// A wall clock that gains or loses so much against the monotonic one has been set.
constexpr base::Milliseconds clock_step_min{500};
constexpr base::Duration time_error_asked_every = std::chrono::seconds(5);

std::uint64_t random_seed(base::Entropy& entropy) {
    std::array<std::byte, 8> bytes;
    entropy.fill(bytes);
    return base::Reader(bytes).u64();
}

mesh::Options mesh_options(const NodeConfig& config, const ledger::Genesis& genesis) {
    mesh::Options options;
    options.static_peers = config.network.static_peers;
    for (const auto& validator : genesis.validators) {
        options.validators.push_back({validator.identity, validator.stake});
    }
    options.multicast = config.network.multicast;
    options.name = config.node_name;
    options.segments = config.network.segments;
    options.peers_max = config.max_peers;
    options.peers_reserved = std::min(options.peers_reserved, options.peers_max);
    options.discovery_interval = config.network.discovery_interval;
    options.heartbeat_interval = config.network.heartbeat_interval;
    options.peer_timeout = config.network.peer_timeout;
    options.static_heartbeat_interval =
        std::min(options.static_heartbeat_interval, options.peer_timeout / 2);
    options.peer_forget_after = std::max(options.peer_forget_after, options.peer_timeout);
    return options;
}

base::Error not_this_role(std::string what, std::string advice) {
    return {base::Errc::invalid_argument, std::move(what), "role", std::move(advice)};
}

NodeClock::Options clock_options(const NodeConfig& config, const ledger::Genesis& genesis,
                                 std::optional<wire::ValidatorIndex> self) {
    NodeClock::Options options;
    options.agreement = base::Milliseconds{genesis.block_time_ms} / 3;
    // Two heartbeats at least, should one be lost.
    options.window = std::max(options.window, 3 * config.network.heartbeat_interval);
    options.air_doubt = options.agreement;
    for (const auto& validator : genesis.validators) options.stakes.push_back(validator.stake);
    if (self) options.self = self->value;
    return options;
}

/// Role and keys must fit genesis, or the node would believe itself something it is not.
std::expected<void, base::Error> check_role(const NodeConfig& config,
                                            const ledger::Genesis& genesis, const Keys& keys) {
    if (config.role != wire::Role::validator) return {};
    if (genesis.stakes && keys.validating) return {};  // it may stake later
    const auto is_ours = [&](const ledger::GenesisValidator& validator) {
        return keys.validating && validator.key == keys.validating->public_key() &&
               validator.identity == keys.identity.public_key();
    };
    if (std::ranges::any_of(genesis.validators, is_ours)) return {};
    return std::unexpected(
        not_this_role("genesis lists no validator with this node's identity and validating key",
                      "set role to relay, or use the genesis this node was enrolled in"));
}

/// What being a relay, or beginning at genesis, comes with.
struct InItsPlace {
    const char* as_relay;
    const char* from_genesis;
};

/// Refuses who follows proofs alone, or begins with a FINAL state.
std::expected<void, base::Error> check_begins_at_genesis(const NodeConfig& config, const char* why,
                                                         const InItsPlace& instead) {
    using std::string;
    if (config.role == wire::Role::light) {
        return base::failure(base::Errc::unsupported, string("role light ") + why, "role",
                             string("be a relay, ") + instead.as_relay);
    }
    if (config.sync_start == SyncStart::snapshot) {
        return base::failure(base::Errc::unsupported, string("a start from a FINAL state ") + why,
                             "sync.start",
                             string("set sync.start to genesis, ") + instead.from_genesis);
    }
    return {};
}

std::expected<void, base::Error> check_doors(const NodeConfig& config, const Doors& doors) {
    if (doors.link == nullptr && doors.airs.empty()) {
        return base::failure(base::Errc::invalid_argument, "a node without a link", "doors",
                             "give it a network or a radio");
    }
    if (doors.link == nullptr) {
        MESH_CHECK(check_begins_at_genesis(config, "asks for more than the air carries",
                                           {"or give it a network", "or give it a network"}));
    }
    if (doors.link == nullptr && !config.network.static_peers.empty()) {
        return base::failure(base::Errc::invalid_argument,
                             "peers to dial, and no network to dial them on",
                             "network.static_peers", "leave them out, or give it a network");
    }
    return {};
}

/// Whoever has no blocks from genesis on cannot follow sets that change yet.
std::expected<void, base::Error> check_epochs(const NodeConfig& config,
                                              const ledger::Genesis& genesis) {
    if (!genesis.stakes) return {};
    return check_begins_at_genesis(config, "cannot follow validators that change yet",
                                   {"which has every block", "and fetch every block"});
}

}  // namespace

Node::Parts::Parts(const NodeConfig& config_in, const ledger::Genesis& genesis_in, Doors doors_in,
                   base::Now now)
    : config(config_in),
      genesis(genesis_in),
      doors(std::move(doors_in)),
      log(doors.log, "node"),
      events(log.for_module("runtime")),
      state(now.instant, log),
      lifecycle(log),
      services(doors.services, log),
      last_system(now),
      last(now) {}

std::expected<void, base::Error> Node::Parts::build(Keys keys, base::Now now) {
    MESH_CHECK(validate(config));
    MESH_CHECK(ledger::validate(genesis));
    MESH_CHECK(check_epochs(config, genesis));
    MESH_CHECK(check_repeated(config, keys.identity.public_key(),
                              base::Milliseconds{genesis.block_time_ms}));
    MESH_CHECK(check_role(config, genesis, keys));
    MESH_CHECK(check_doors(config, doors));
    if (config.role != wire::Role::validator) keys.validating.reset();
    identity = keys.identity.public_key();
    if (genesis.stakes) {
        staking_identity = keys.identity.clone();
        if (keys.validating) staking_key = keys.validating->clone();
    }

    const base::Random random(random_seed(doors.entropy));
    chain_id = ledger::chain_id(genesis);
    MESH_CHECK(open_service(std::move(keys.validating), now));
    clock.emplace(clock_options(config, genesis, validator_of(identity)), now);
    MESH_TRY(rules, services.join_rules(mesh::mesh_rules(), service()));
    const mesh::Options options = mesh_options(config, genesis);
    MESH_CHECK(mesh::check(options));
    mesh = std::make_unique<mesh::Mesh>(
        options, mesh::Self{chain_id, std::move(keys.identity), config.role}, rules,
        mesh::Doors{doors.store, tables::mesh, doors.entropy, log.for_module("mesh")},
        random.stream("mesh"), *this);
    if (doors.link != nullptr) mesh->add_link(*doors.link);
    for (wire::AirLink* air : doors.airs) mesh->add_air(*air);

    lifecycle.add({"chain", [this](base::Now at) { return service().start(at); },
                   [this](base::Now at) {
                       if (state_server) state_server->stop(at);
                       service().stop(at);
                   }});
    lifecycle.add({"mesh",
                   [this](base::Now at) -> std::expected<void, base::Error> {
                       mesh->set_status(chain_status(at), std::uint8_t(state.state()));
                       return mesh->start(at);
                   },
                   [this](base::Now at) { mesh->stop(at); }});
    services.add_to(lifecycle);
    return {};
}

std::expected<std::unique_ptr<Node>, base::Error> Node::create(const NodeConfig& config,
                                                               const ledger::Genesis& genesis,
                                                               Keys keys, Doors doors,
                                                               base::Now now) {
    auto parts = std::make_unique<Parts>(config, genesis, std::move(doors), now);
    MESH_CHECK(parts->build(std::move(keys), now));
    return std::unique_ptr<Node>(new Node(std::move(parts)));
}

std::expected<void, base::Error> Node::record_new_key(kv::Store& store,
                                                      const crypto::PublicKey& validating_key) {
    return consensus::VoteStore::create(store, tables::consensus, validating_key);
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() = default;

std::expected<void, base::Error> Node::start(base::Now system) {
    Parts& parts = *parts_;
    parts.last_system = system;
    const base::Now now = parts.clock->at(system.instant);
    parts.started_at = now.instant;
    parts.last = now;
    MESH_CHECK(parts.lifecycle.start(now));
    static_cast<void>(parts.state.set_state(now.instant, runtime::NodeState::waiting_peers));
    parts.mesh->request_hello(now);
    parts.tell(runtime::EventType::node_started);
    step(system);
    return {};
}

void Node::stop(base::Now system) {
    Parts& parts = *parts_;
    const base::Now now = parts.clock->at(system.instant);
    if (!parts.lifecycle.is_running()) return;
    static_cast<void>(parts.state.set_state(now.instant, runtime::NodeState::shutting_down));
    parts.send_all(now);
    parts.tell(runtime::EventType::node_stopped);
    parts.events.run_once(now.instant);
    parts.lock_wallet();
    parts.lifecycle.stop(now);
}

void Node::step(base::Now system) { parts_->step(system); }

base::Instant Node::poll_timeout(base::Now system) const {
    const Parts& parts = *parts_;
    const base::Now now = parts.clock->at(system.instant);
    if (parts.link_has_more) return now.instant;
    base::Instant earliest =
        std::min({parts.mesh->poll_timeout(now), parts.service().poll_timeout(now),
                  parts.services.poll_timeout(now), parts.events.poll_timeout()});
    if (parts.wallet) earliest = std::min(earliest, parts.wallet_lock_due);
    if (parts.wallet && parts.chain) {
        earliest =
            std::min(earliest, parts.wallet_is_behind ? parts.wallet_read_due : parts.payments_due);
    }
    if (parts.state_server) {
        earliest = std::min(earliest, parts.state_server->poll_timeout(now));
    }
    return std::max(earliest, now.instant);
}

void Node::Parts::step(base::Now system) {
    follow_epoch();
    const base::Now now = advance_clock(system);
    last = now;
    mesh->set_status(chain_status(now), std::uint8_t(state.state()));
    link_has_more = mesh->handle_readable(now);
    if (mesh->poll_timeout(now) <= now.instant) mesh->handle_timeout(now);
    drain_mesh(now);
    if (chain && wallet)
        chain->hold_history(wallet->tip() ? wallet->tip()->height : wire::Height{});
    if (service().poll_timeout(now) <= now.instant) service().handle_timeout(now);
    if (state_server) state_server->handle_timeout(now);
    services.handle_timeout(now);
    read_chain_for_wallet();
    if (wallet_lock_due <= now.instant) lock_wallet();
    send_waiting_payments(now);
    send_all(now);
    drain_chain(now);
    change_service(now);
    update_state(now);
    observe(now.instant);
    tell_storage(now.instant);
    events.run_once(now.instant);
}

base::Now Node::Parts::advance_clock(base::Now system) {
    const auto drift =
        (system.wall - last_system.wall) -
        std::chrono::duration_cast<base::Milliseconds>(system.instant - last_system.instant);
    last_system = system;
    if (doors.time != nullptr && system.instant >= time_error_due) {
        time_error_max = doors.time->error_max();
        time_error_due = system.instant + time_error_asked_every;
    }
    const auto stepped = clock->advance(system, time_error_max);
    const base::Now now = clock->at(system.instant);
    if (std::chrono::abs(drift) >= clock_step_min) {
        log.warning("the system's clock was set by " + std::to_string(drift.count()) +
                    " ms; this node follows " + std::string(name(clock->source())) + " time");
    }
    if (stepped) {
        const auto step = std::chrono::duration_cast<base::Milliseconds>(*stepped);
        log.warning("this node's clock was " + std::to_string(step.count()) +
                    " ms behind and was put right; silent until other validators confirm it");
        if (chain) chain->handle_clock_step(now);
        mesh->request_hello(now);
    }
    if (chain && clock->is_off() != chain->is_clock_off()) {
        chain->set_clock_off(now, clock->is_off());
    }
    return now;
}

void Node::Parts::note_time_stated(base::Now now, const crypto::PublicKey& peer, wire::Slot slot,
                                   std::uint16_t slot_phase, bool on_air) {
    follow_epoch();  // it may have risen by what came just now
    const auto validator = validator_of(peer);
    // Slot 0 is also what a node says before the chain begins.
    if (!validator || slot == wire::Slot{}) return;
    const base::Milliseconds into_slot{std::int64_t{genesis.block_time_ms} * slot_phase / 65'536};
    const base::Milliseconds before{std::int64_t{genesis.block_time_ms} * slot.value};
    const base::WallTime stated = genesis.start + before + into_slot;
    clock->handle_sample(now.instant, validator->value, stated,
                         on_air ? NodeClock::Way::air : NodeClock::Way::session);
}

wire::Verdict Node::Parts::handle_frame(base::Now now, const wire::Ingress& from,
                                        wire::MessageType type, base::Bytes payload) {
    if (services.owns(type)) return services.handle(now, from, type, payload);
    if (state_server && type == wire::MessageType::state_request) {
        return state_server->handle(now, from, type, payload);
    }
    return service().handle(now, from, type, payload);
}

void Node::Parts::handle_repeat(base::Now now, wire::MessageType type, base::Bytes payload) {
    if (services.owns(type)) return services.handle_repeat(now, type, payload);
    service().handle_repeat(now, type, payload);
}

std::vector<crypto::PublicKey> Node::Parts::choose_peers(const Wish& wish) {
    MESH_ASSERT(mesh != nullptr);  // nothing is asked before the start
    return mesh->choose_peers(wish);
}

base::Duration Node::Parts::patience(const crypto::PublicKey& peer, base::Duration usual) const {
    return mesh->patience(peer, usual);
}

bool Node::Parts::reaches(const crypto::PublicKey& peer, wire::MessageType type) const {
    return mesh->reaches(peer, type);
}

bool Node::Parts::is_free(base::Instant now, wire::MessageType type) const {
    return mesh->is_free(now, type);
}

base::Duration Node::Parts::flood_time() const { return mesh->flood_time(); }

void Node::Parts::send_all(base::Now now) {
    const auto next = [&] {
        auto frame = service().poll_frame(now);
        return frame || !state_server ? frame : state_server->poll_frame(now);
    };
    while (const auto frame = next()) {
        const auto sent = mesh->send(now, *frame);
        if (!sent && log.wants(base::LogLevel::debug)) {
            log.debug("not sent: " + base::sentence(sent.error()));
        }
    }
    services.send_frames(now, *mesh);
}

std::expected<std::size_t, base::Error> Node::send(base::Now now, const wire::Outgoing& frame) {
    Parts& parts = *parts_;
    if (!parts.lifecycle.is_running()) {
        return base::failure(base::Errc::closed, "the node does not run", "node", "start it first");
    }
    return parts.services.send(now, *parts.mesh, frame);
}

std::vector<ServiceView> Node::services() const { return parts_->services.views(); }
wire::PeerChoice& Node::peer_choice() { return *parts_; }
const wire::Neighbourhood& Node::neighbourhood() const { return *parts_->mesh; }

void Node::Parts::drain_mesh(base::Now now) {
    const auto id = [](const crypto::PublicKey& key) { return runtime::EventId{key.bytes, 0}; };
    while (const auto event = mesh->poll_event()) {
        if (const auto* found = std::get_if<mesh::PeerDiscovered>(&*event)) {
            tell(runtime::EventType::peer_discovered, id(found->peer));
        } else if (const auto* lost = std::get_if<mesh::PeerLost>(&*event)) {
            ++peers_lost;
            handle_peer_lost(now, lost->peer);
            tell(runtime::EventType::peer_lost, id(lost->peer));
        } else if (const auto* hello = std::get_if<mesh::PeerStatus>(&*event)) {
            note_time_stated(now, hello->peer, hello->status.slot, hello->status.slot_phase, false);
            handle_peer(now, hello->peer, hello->status.slot,
                        {hello->status.height, hello->status.final_height});
        } else if (const auto* beat = std::get_if<mesh::PeerHeartbeat>(&*event)) {
            note_time_stated(now, beat->peer, beat->heartbeat.slot, beat->heartbeat.slot_phase,
                             beat->air.has_value());
            handle_peer(now, beat->peer, beat->heartbeat.slot,
                        {beat->heartbeat.height, beat->heartbeat.final_height},
                        !beat->air || beat->air->is_direct);
        } else if (const auto* settled = std::get_if<mesh::RoutedSettled>(&*event)) {
            note_settled(*settled);
        } else if (const auto* answer = std::get_if<mesh::ClockStated>(&*event)) {
            note_clock_answer(now, *answer);
        }
    }
}

void Node::Parts::tell(runtime::EventType type, const runtime::EventData& data,
                       runtime::EventPriority priority) {
    events.enqueue({type, priority, "node", data});
}

void Node::Parts::drain_chain(base::Now now) {
    using runtime::EventType;
    while (const auto event = poll_chain_event()) {
        tell_wallet(*event);
        if (const auto* applied = std::get_if<chain::BlockApplied>(&*event)) {
            ++blocks_applied;
            const runtime::EventId id{applied->hash.bytes, applied->height.value};
            if (applied->own) tell(EventType::block_proposed, id);
            tell(EventType::block_added, id, runtime::EventPriority::high);
        } else if (const auto* reverted = std::get_if<chain::BlockReverted>(&*event)) {
            ++blocks_reverted;
            log.info("block " + std::to_string(reverted->height.value) + " was taken back");
        } else if (const auto* accepted = std::get_if<chain::TransactionAccepted>(&*event)) {
            tell(EventType::transaction_added,
                 runtime::EventId{accepted->transaction.txid.hash.bytes, 0});
        } else if (const auto* final = std::get_if<chain::CheckpointFinal>(&*event)) {
            tell(EventType::transaction_confirmed,
                 runtime::EventId{final->checkpoint.block.bytes, final->height.value},
                 runtime::EventPriority::high);
        } else if (const auto* chosen = std::get_if<chain::ProposerSelected>(&*event)) {
            tell(EventType::validator_selected, std::uint64_t{chosen->slot.value});
        } else if (const auto* vote = std::get_if<chain::BlockApproved>(&*event)) {
            tell(EventType::block_approved,
                 runtime::EventId{vote->target.bytes, vote->round.value});
        } else if (const auto* evidence = std::get_if<chain::EvidenceFound>(&*event)) {
            ++evidence_found;
            log.warning("validator " + std::to_string(evidence->validator.value) +
                        " signed twice; the evidence is kept");
        } else if (const auto* sync = std::get_if<chain::SyncChanged>(&*event)) {
            if (sync->state == chain::SyncState::syncing) tell(EventType::sync_started);
            if (sync->state == chain::SyncState::synced) {
                tell(EventType::sync_completed);
                tell(EventType::node_synced);
            }
        } else if (const auto* fault = std::get_if<chain::PeerFault>(&*event)) {
            mesh->report_failure(fault->peer);
        } else if (std::holds_alternative<chain::HelloWanted>(*event)) {
            mesh->request_hello(now);
        } else if (const auto* wanted = std::get_if<chain::ClocksWanted>(&*event)) {
            ask_clocks(now, wanted->validators);
        }
    }
}

void Node::Parts::update_state(base::Now now) {
    using runtime::NodeState;
    const NodeState current = state.state();
    if (!lifecycle.is_running() || current == NodeState::shutting_down) return;
    const bool alone = is_alone();
    NodeState next = NodeState::synchronized;
    if (!chain) {
        next = state_without_chain();
    } else if (chain->fault()) {
        next = NodeState::error;
    } else if (mesh->connected_count() == 0 && !alone) {
        next = NodeState::waiting_peers;
    } else if (chain->progress().state() == chain::SyncState::syncing ||
               chain->progress().state() == chain::SyncState::error) {
        next = NodeState::syncing;
    } else if (chain->engine().self() && chain->engine().is_clock_checked()) {
        next = NodeState::validating;
    }
    if (next == current) return;
    // Some ways lead through another state: the table of StateManager says which.
    for (const NodeState way :
         {next, NodeState::waiting_peers, NodeState::syncing, NodeState::synchronized}) {
        if (!runtime::StateManager::allowed(current, way)) continue;
        static_cast<void>(state.set_state(now.instant, way));
        if (way == next || runtime::StateManager::allowed(way, next)) {
            static_cast<void>(state.set_state(now.instant, next));
            return;
        }
    }
}

runtime::EventLoop& Node::events() { return parts_->events; }

}  // namespace meshchain::node
