#include "host/views_json.h"

#include "crypto/identity.h"
#include "host/json_document.h"
#include "host/time_text.h"
#include "host/wire_json.h"
#include "radio/mesh_packet.h"
#include "wallet/address.h"

namespace meshchain::host {
namespace {

std::int64_t ms(base::Duration duration) {
    return std::chrono::duration_cast<base::Milliseconds>(duration).count();
}

Json to_json(const node::ClockView& clock) {
    const auto& offset = clock.validators_offset;
    return {{"source", std::string(name(clock.source))},
            {"validators_offset_ms", offset ? Json(ms(*offset)) : Json()},
            {"heard_percent", clock.heard_percent},
            {"off", clock.off}};
}

}  // namespace

Json to_json(const node::StatusView& status) {
    const auto& left = status.sync.remaining;
    return {{"node_id", status.node_id},
            {"node_name", status.node_name},
            {"identity", crypto::to_hex(status.identity)},
            {"role", std::string(name(status.role))},
            {"state", std::string(name(status.state))},
            {"chain_id", crypto::to_hex(status.chain)},
            {"uptime_ms", ms(status.uptime)},
            {"slot", status.slot.value},
            {"history_start", status.history_start.value},
            {"height", status.height.value},
            {"tip", crypto::to_hex(status.tip)},
            {"final_height", status.final_height.value},
            {"final_block", crypto::to_hex(status.final_block)},
            {"justified", to_json(status.justified)},
            {"validator", status.validator},
            {"clock_checked", status.clock_checked},
            {"clock", to_json(status.clock)},
            {"online_percent", status.online_percent},
            {"peers", status.peers},
            {"mempool_transactions", status.mempool_transactions},
            {"mempool_bytes", status.mempool_bytes},
            {"supply", status.supply.units},
            {"blocks_applied", status.blocks_applied},
            {"blocks_reverted", status.blocks_reverted},
            {"blocks_proposed", status.blocks_proposed},
            {"frames_received", status.frames_received},
            {"frames_sent", status.frames_sent},
            {"frames_dropped", status.frames_dropped},
            {"evidence_found", status.evidence_found},
            {"sync",
             {{"state", std::string(status.sync.state)},
              {"target", status.sync.target.value},
              {"percent", status.sync.percent},
              {"remaining_ms", left ? Json(ms(*left)) : Json()}}},
            {"stalled", status.stalled},
            {"undo", {{"blocks", status.undo_blocks}, {"limit", status.undo_blocks_max}}},
            {"blocks_pruned", status.blocks_pruned},
            {"storage_bytes", status.storage_bytes},
            {"storage_limit_bytes", status.storage_limit_bytes},
            {"storage_level", std::string(status.storage_level)},
            {"storage_read_only", status.storage_read_only},
            {"storage_refused", status.storage_refused},
            {"storage_damaged", status.storage_damaged},
            {"storage_healed", status.storage_healed},
            {"problems", status.problems}};
}

Json to_json(const node::HealthView& health) {
    Json parts = Json::array();
    for (const node::PartHealth& part : health.parts) {
        Json problems = Json::array();
        for (const node::Problem& problem : part.problems) {
            problems.push_back({{"id", problem.id},
                                {"state", name(problem.state)},
                                {"what", problem.what},
                                {"why", problem.why},
                                {"advice", problem.advice}});
        }
        parts.push_back(
            {{"part", part.part}, {"state", name(part.state)}, {"problems", std::move(problems)}});
    }
    return {{"state", name(health.state)}, {"parts", std::move(parts)}};
}

Json to_json(const node::PeerView& peer) {
    return {{"node_id", peer.node_id},
            {"identity", crypto::to_hex(peer.identity)},
            {"address", peer.radio ? radio::to_text(radio::NodeNumber{*peer.radio})
                                   : base::to_string(peer.address)},
            {"role", std::string(name(peer.role))},
            {"validator", peer.validator},
            {"static", peer.is_static},
            {"score", peer.score},
            {"height", peer.height.value},
            {"final_height", peer.final_height.value},
            {"last_heard_ms", ms(peer.last_heard)},
            {"name", peer.name}};
}

Json to_json(const node::TopologyView& topology) {
    Json nodes = Json::array();
    for (const node::TopologyNodeView& one : topology.nodes) {
        Json json = {{"node_id", one.node_id},
                     {"identity", crypto::to_hex(one.identity)},
                     {"name", one.name},
                     {"segments", one.segments}};
        if (one.role) json["role"] = std::string(name(*one.role));
        if (one.hops) json["hops"] = *one.hops;
        if (one.expires_in) json["expires_in_ms"] = ms(*one.expires_in);
        nodes.push_back(std::move(json));
    }
    Json edges = Json::array();
    for (const auto& [a, b] : topology.edges) edges.push_back(Json::array({a, b}));
    return {{"nodes", std::move(nodes)}, {"edges", std::move(edges)}, {"near", topology.near}};
}

Json to_json(const node::ProbeView& probe) {
    // A number of 64 bits does not survive every JSON reader.
    return {{"probe", std::to_string(probe.sequence)},
            {"to", crypto::to_hex(probe.to)},
            {"state", std::string(probe.state)},
            {"attempts", probe.attempts},
            {"hops_there", probe.hops_there},
            {"hops_back", probe.hops_back},
            {"round_trip_us",
             std::chrono::duration_cast<std::chrono::microseconds>(probe.round_trip).count()}};
}

Json to_json(const node::ValidatorView& validator) {
    Json json = {{"index", validator.index.value},
                 {"node_id", crypto::to_hex(crypto::node_id(validator.identity))},
                 {"identity", crypto::to_hex(validator.identity)},
                 {"key", crypto::to_hex(validator.key)},
                 {"stake", validator.stake.units},
                 {"self", validator.is_self},
                 {"connected", validator.is_connected},
                 {"signed_twice", validator.signed_twice}};
    if (const auto& seat = validator.seat) {
        json["bonded"] = seat->bonded.units;
        json["unbonding"] = seat->unbonding.units;
        json["earned"] = seat->earned.units;
        json["slashed"] = seat->slashed;
        json["proximity"] = seat->proximity;
        json["withheld"] = seat->withheld;
    }
    return json;
}

Json to_json(const node::StakesView& stakes) {
    Json bonds = Json::array();
    for (const node::BondView& bond : stakes.bonds) {
        bonds.push_back({{"validator", crypto::to_hex(bond.validator)},
                         {"owner", wallet::encode_address(bond.owner)},
                         {"amount", bond.amount.units},
                         {"from_epoch", bond.from_epoch ? Json(*bond.from_epoch) : Json()}});
    }
    return {{"epoch", stakes.epoch},
            {"final_epoch", stakes.final_epoch},
            {"rises_from_slot", stakes.rises_from.value},
            {"epoch_slots", stakes.epoch_slots},
            {"unbond_epochs", stakes.unbond_epochs},
            {"stake_min", stakes.stake_min.units},
            {"burnt", stakes.burnt.units},
            {"bonds", std::move(bonds)}};
}

Json to_json(const node::BlockView& block) {
    Json transactions = Json::array();
    for (const wire::Txid& txid : block.transactions) {
        transactions.push_back(crypto::to_hex(txid.hash));
    }
    return {{"height", block.header.height.value},
            {"hash", crypto::to_hex(block.hash)},
            {"certainty", std::string(name(block.certainty))},
            {"time", to_iso(block.time)},
            {"proposer_key", crypto::to_hex(block.proposer)},
            {"bytes", block.bytes},
            {"transactions", std::move(transactions)},
            {"header", to_json(block.header)}};
}

Json to_json(const node::TransactionView& view) {
    Json json = {{"txid", crypto::to_hex(view.txid.hash)},
                 {"certainty", std::string(name(view.certainty))},
                 {"live_percent", view.live_percent},
                 {"fee", view.fee.units},
                 {"bytes", view.bytes}};
    if (view.height) json["height"] = view.height->value;
    if (view.block) json["block"] = crypto::to_hex(*view.block);
    if (view.transaction) json["transaction"] = to_json(*view.transaction);
    return json;
}

Json to_json(const node::MempoolView& mempool) {
    Json entries = Json::array();
    for (const node::TransactionView& entry : mempool.entries) entries.push_back(to_json(entry));
    return {{"transactions", mempool.transactions},
            {"bytes", mempool.bytes},
            {"entries", std::move(entries)}};
}

Json to_json(const node::PaymentView& payment) {
    return {{"txid", crypto::to_hex(payment.txid.hash)},
            {"amount", payment.amount.units},
            {"fee", payment.fee.units},
            {"expiry", payment.expiry.units},
            {"expires", to_iso(payment.expires)},
            {"bytes", payment.bytes}};
}

}  // namespace meshchain::host
