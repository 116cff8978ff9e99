// What a node says about itself.

#include <algorithm>
#include <array>

#include "node/node_parts.h"

namespace meshchain::node {

std::string_view name(Certainty certainty) {
    switch (certainty) {
        case Certainty::unknown: return "UNKNOWN";
        case Certainty::seen: return "SEEN";
        case Certainty::live: return "LIVE";
        case Certainty::justified: return "JUSTIFIED";
        case Certainty::final: return "FINAL";
        case Certainty::expired: return "EXPIRED";
    }
    return "UNKNOWN";
}

Certainty Node::Parts::certainty_of(wire::Height height) const {
    if (height <= chain->final_height()) return Certainty::final;
    const auto hash = chain->store().hash_at(height);
    if (!hash || !*hash) return Certainty::unknown;
    const auto confirmation = chain->engine().confirmation(**hash);
    return confirmation && confirmation->justified ? Certainty::justified : Certainty::live;
}

namespace {

void fill_chain(StatusView& view, const chain::Chain& chain, base::Now now) {
    const consensus::Engine& engine = chain.engine();
    view.slot = chain.slot(now);
    view.history_start = chain.store().base().height;
    view.height = chain.store().tip().height;
    view.tip = chain.store().tip().hash;
    view.final_height = chain.final_height();
    view.final_block = engine.final().block;
    view.justified = engine.justified();
    view.validator = engine.self().has_value();
    view.clock_checked = engine.is_clock_checked();
    view.online_percent = engine.online_percent(now.wall);
    view.mempool_transactions = chain.mempool().size();
    view.mempool_bytes = chain.mempool().bytes();
    view.blocks_proposed = chain.blocks_proposed();
    view.arrival_times = chain.arrival_times();
    view.stalled = chain.is_stalled();
    view.undo_blocks = chain.undo_blocks();
    view.undo_blocks_max = chain.undo_blocks_max();
    view.blocks_pruned = chain.blocks_pruned();
    view.storage_damaged = chain.store().damage().rows().size();
    view.storage_healed = chain.store().damage().healed();
    view.sync = {chain::name(chain.progress().state()), chain.progress().target(),
                 chain.progress().percent(), chain.progress().remaining()};
}

/// By seat: in how many of the last epochs its holder kept the secret it was bound to.
std::array<unsigned, wire::validators_max> withheld_by_seat(const chain::Chain& chain) {
    constexpr std::uint32_t epochs_shown = 8;
    std::array<unsigned, wire::validators_max> counts{};
    const std::uint32_t newest = chain.engine().epochs().now() + 1;
    for (std::uint32_t i = 0; i < std::min(newest, epochs_shown); ++i) {
        const auto roster = chain.store().roster(newest - i);
        if (!roster || !*roster) continue;
        for (const wire::Roster::Member& member : (*roster)->members) {
            if (member.standing == wire::Roster::Standing::withheld) ++counts[member.seat.value];
        }
    }
    return counts;
}

}  // namespace

StatusView Node::status(base::Now system) const {
    const Parts& parts = *parts_;
    const base::Now now = parts.clock->at(system.instant);
    StatusView view;
    view.identity = parts.identity;
    view.node_id = crypto::to_hex(crypto::node_id(parts.identity));
    view.node_name = parts.config.node_name;
    view.role = parts.config.role;
    view.state = parts.state.state();
    view.chain = chain_id();
    view.uptime = now.instant - parts.started_at;
    if (parts.chain) {
        fill_chain(view, *parts.chain, now);
    } else {
        parts.fill_without_chain(view, now);
    }
    view.clock = {parts.clock->source(), parts.clock->validators_offset(),
                  parts.clock->heard_percent(), parts.clock->is_off()};
    view.peers = parts.mesh->connected_count();
    view.supply = ledger::supply(parts.genesis).value_or(wire::Amount{});
    view.blocks_applied = parts.blocks_applied;
    view.blocks_reverted = parts.blocks_reverted;
    view.evidence_found = parts.evidence_found;
    for (const mesh::TypeCounters& type : parts.mesh->stats().types) {
        view.frames_received += type.received;
        view.frames_sent += type.sent;
    }
    for (const std::uint64_t drops : parts.mesh->stats().drops) view.frames_dropped += drops;
    const kv::Quota quota = parts.doors.store.quota();
    view.storage_bytes = quota.used_bytes;
    view.storage_limit_bytes = quota.limit_bytes;
    view.storage_level = kv::name(quota.level());
    view.storage_read_only = parts.doors.store.is_read_only();
    view.storage_refused = parts.refusals.reason();
    for (const Problem& problem : health(now).problems()) {
        view.problems.push_back(sentence(problem));
    }
    return view;
}

std::vector<PeerView> Node::peers(base::Now now) const {
    std::vector<PeerView> views;
    for (const mesh::Peer& peer : parts_->mesh->peers()) {
        if (!peer.connected) continue;
        PeerView view;
        view.identity = peer.key;
        view.node_id = crypto::to_hex(peer.id);
        view.address = peer.address;
        view.radio = peer.radio;
        view.role = peer.role;
        view.validator = peer.is_validator;
        view.is_static = peer.is_static;
        view.score = peer.score.value();
        view.height = peer.height;
        view.final_height = peer.final_height;
        view.last_heard = now.instant - peer.last_heard;
        if (parts_->mesh->announced() != nullptr) {
            const mesh::KnownNode* known = parts_->mesh->announced()->find(peer.key);
            if (known != nullptr) view.name = known->announcement.name;
        }
        views.push_back(view);
    }
    return views;
}

std::vector<ValidatorView> Node::validators() const {
    const consensus::Engine* engine = parts_->chain ? &parts_->chain->engine() : nullptr;
    std::vector<ValidatorView> views;
    if (parts_->genesis.stakes && parts_->chain) return parts_->validators_by_seat();
    for (std::size_t i = 0; i < parts_->genesis.validators.size(); ++i) {
        const wire::ValidatorIndex index{static_cast<std::uint8_t>(i)};
        const ledger::GenesisValidator& validator = parts_->genesis.validators[i];
        views.push_back({.index = index,
                         .identity = validator.identity,
                         .key = validator.key,
                         .stake = validator.stake,
                         .is_self = engine != nullptr && engine->self() == index,
                         .is_connected = parts_->mesh->is_connected(validator.identity),
                         .signed_twice = engine != nullptr &&
                                         (engine->equivocators() & consensus::bit(index)) != 0});
    }
    return views;
}

/// Whoever has a seat by now, with the stake that he votes with in FINAL's epoch.
std::vector<ValidatorView> Node::Parts::validators_by_seat() const {
    const consensus::Engine& engine = chain->engine();
    const consensus::ValidatorSet& present = engine.epochs().set(engine.epochs().now());
    const ledger::StakeBook book(chain->store());
    const auto withheld = withheld_by_seat(*chain);
    std::vector<ValidatorView> views;
    for (std::uint16_t i = 0; i < wire::validators_max; ++i) {
        const wire::ValidatorIndex index{i};
        const auto found = book.seat(index);
        if (!found || !*found) continue;
        const ledger::Seat& seat = **found;
        ValidatorView view;
        view.index = index;
        view.identity = seat.identity;
        view.key = seat.key;
        if (present.contains(index)) view.stake = present[index].stake;
        view.is_self = engine.self() == index;
        view.is_connected = mesh->is_connected(seat.identity);
        view.signed_twice = (engine.equivocators() & consensus::bit(index)) != 0;
        const std::uint8_t proximity =
            present.contains(index) ? present[index].proximity : std::uint8_t{0};
        view.seat = ValidatorView::Seat{seat.bonded,  seat.unbonding, seat.earned,
                                        seat.slashed, proximity,      withheld[i]};
        views.push_back(view);
    }
    return views;
}

const mesh::Stats& Node::traffic() const { return parts_->mesh->stats(); }

/// The identity of who made it.
std::expected<crypto::PublicKey, base::Error> Node::Parts::proposer_of(
    const wire::BlockHeader& header) const {
    MESH_TRY(const auto roster, chain->store().roster(header.epoch));
    if (roster) {
        const auto found =
            std::ranges::find(roster->members, header.proposer, &wire::Roster::Member::seat);
        if (found != roster->members.end()) return found->identity;
    }
    return base::failure(
        base::Errc::corrupt,
        "the proposer of block " + std::to_string(header.height.value) + " is unknown", "chain",
        "stop the node and run `meshchain store salvage`");
}

std::expected<BlockView, base::Error> Node::Parts::view(const wire::Hash& hash,
                                                        const chain::StoredBlock& stored) const {
    const wire::BlockHeader& header = stored.block.header;
    BlockView view;
    view.hash = hash;
    view.header = header;
    view.time = chain->engine().schedule().start_of(header.slot);
    MESH_TRY(view.proposer, proposer_of(header));
    view.bytes = wire::encoded_bytes(stored.block);
    MESH_TRY(const auto transactions, chain->store().expand(stored));
    for (const wire::Transaction& transaction : transactions) {
        view.transactions.push_back(wire::txid(chain->store().chain_id(), transaction.body));
    }
    view.certainty = certainty_of(header.height);
    return view;
}

std::expected<BlockView, base::Error> Node::block(const wire::Hash& hash) const {
    if (!parts_->chain) return std::unexpected(parts_->no_chain("blocks"));
    MESH_TRY(const auto stored, parts_->chain->store().block(hash));
    if (!stored) {
        return base::failure(base::Errc::not_found, "no block " + crypto::to_hex(hash), "blocks",
                             "ask for a hash or height of the chain this node follows");
    }
    return parts_->view(hash, *stored);
}

std::expected<BlockView, base::Error> Node::block(wire::Height height) const {
    if (!parts_->chain) return std::unexpected(parts_->no_chain("blocks"));
    const chain::ChainStore& store = parts_->chain->store();
    MESH_TRY(const auto hash, store.hash_at(height));
    if (!hash || height <= store.base().height) {
        return base::failure(
            base::Errc::not_found, "no block at height " + std::to_string(height.value), "blocks",
            "heights here go from " + std::to_string(store.base().height.value + 1) + " to " +
                std::to_string(store.tip().height.value));
    }
    return block(*hash);
}

std::expected<std::vector<BlockView>, base::Error> Node::blocks(wire::Height from,
                                                                std::size_t count) const {
    if (!parts_->chain) return std::unexpected(parts_->no_chain("blocks"));
    std::vector<BlockView> views;
    const chain::ChainStore& store = parts_->chain->store();
    std::uint32_t height = std::min(from, store.tip().height).value;
    for (; height > store.base().height.value && views.size() < count; --height) {
        MESH_TRY(BlockView view, block(wire::Height{height}));
        views.push_back(std::move(view));
    }
    return views;
}

namespace {

TransactionView view_of(const ledger::CheckedTransaction& waiting) {
    TransactionView view;
    view.txid = waiting.txid;
    view.certainty = Certainty::seen;
    view.transaction = waiting.transaction;
    view.fee = waiting.fee;
    view.bytes = waiting.shortest_bytes;
    return view;
}

}  // namespace

std::expected<TransactionView, base::Error> Node::transaction(const wire::Txid& txid) const {
    if (!parts_->chain) return parts_->transaction_without_chain(txid);
    const chain::Chain& chain = *parts_->chain;
    if (const auto* waiting = chain.mempool().find(txid)) return view_of(*waiting);
    TransactionView view;
    view.txid = txid;
    MESH_TRY(const auto location, chain.store().find(txid));
    if (!location) {
        if (parts_->is_dead_payment(txid)) view.certainty = Certainty::expired;
        return view;
    }
    MESH_TRY(const auto hash, chain.store().hash_at(location->height));
    MESH_TRY(const auto stored, chain.store().block(hash.value_or(wire::Hash{})));
    if (!stored) {
        return base::failure(base::Errc::corrupt, "the transaction index names a missing block",
                             "chain store", "let `meshchain doctor` check the store");
    }
    MESH_TRY(auto transactions, chain.store().expand(*stored));
    if (location->index >= transactions.size()) {
        return base::failure(base::Errc::corrupt, "the transaction index points behind its block",
                             "chain store", "let `meshchain doctor` check the store");
    }
    view.transaction = std::move(transactions[location->index]);
    view.bytes = wire::encoded_bytes(stored->block.transactions[location->index]);
    view.fee = view.transaction->body.fee.amount();
    view.height = location->height;
    view.block = *hash;
    view.certainty = parts_->certainty_of(location->height);
    if (view.certainty == Certainty::final) {
        view.live_percent = 100;
    } else if (const auto confirmation = chain.engine().confirmation(*hash)) {
        view.live_percent = confirmation->percent;
    }
    return view;
}

MempoolView Node::mempool() const {
    constexpr std::size_t entries_max = 100;
    if (!parts_->chain) return {};
    const chain::Mempool& mempool = parts_->chain->mempool();
    MempoolView view{mempool.size(), mempool.bytes(), {}};
    for (const auto* waiting : mempool.select(mempool.bytes(), parts_->chain->slot(parts_->last))) {
        if (view.entries.size() == entries_max) break;
        view.entries.push_back(view_of(*waiting));
    }
    return view;
}

std::expected<wire::Transaction, base::Error> Node::expand(
    base::Now system, const wire::WireTransaction& transaction) const {
    const base::Now now = parts_->clock->at(system.instant);
    if (!parts_->chain) return std::unexpected(parts_->no_chain("the coins it spends"));
    const chain::Chain& chain = *parts_->chain;
    MESH_TRY(auto checked, ledger::check(chain_id(), transaction, chain.slot(now),
                                         chain.mempool().coins(), ledger::NothingVerified{}));
    return std::move(checked.transaction);
}

const wire::ChainId& Node::chain_id() const { return parts_->chain_id; }

std::expected<wire::Txid, base::Error> Node::submit(base::Now system,
                                                    const wire::WireTransaction& transaction) {
    const base::Now now = parts_->clock->at(system.instant);
    if (!parts_->chain) return parts_->submit_without_chain(now, transaction);
    MESH_TRY(const auto accepted, parts_->chain->submit(now, transaction));
    parts_->send_all(now);
    parts_->drain_chain(now);
    return accepted.txid;
}

}  // namespace meshchain::node
