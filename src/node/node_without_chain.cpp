// What a node shows and does while it has no chain (rows A10, F5): in role light, and until a state
// to start from has come. And proofs of payments, which a node of any kind gives.

#include "node/node_parts.h"

namespace meshchain::node {
namespace {

ProofView view_of(const wire::Txid& txid, const chain::TransactionProof& proof) {
    return {
        txid, true, 100, proof.inclusion.height, proof.headers.back().height, chain::encode(proof)};
}

}  // namespace

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
        view.final_block = view.justified.block = light->chain_id();  // as every chain begins
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

std::expected<ProofView, base::Error> Node::Parts::prove_from_chain(const wire::Txid& txid) const {
    const auto& certificate = chain->engine().certificate();
    if (!certificate) {
        return base::failure(base::Errc::not_found, "nothing is FINAL yet", "transaction proof",
                             "wait until `meshchain tx` says FINAL");
    }
    consensus::ProvenHeight above{chain->final_height(), *certificate};
    MESH_TRY(const auto place, chain->store().find(txid));
    if (place && place->height < above.height) {
        // The nearest one makes the shortest proof.
        MESH_TRY(auto kept, chain->certificates().find(place->height, place->height));
        if (kept && kept->height < above.height) above = *std::move(kept);
    }
    MESH_TRY(const auto proof, chain::make_proof(chain->store(), chain->engine().validators(),
                                                 above.certificate, above.height, txid));
    return view_of(txid, proof);
}

std::expected<ProofView, base::Error> Node::prove(base::Now system, const wire::Txid& txid) {
    Parts& parts = *parts_;
    if (parts.chain) return parts.prove_from_chain(txid);
    if (!parts.light) return std::unexpected(parts.no_chain("the blocks"));
    const base::Now now = parts.clock->at(system.instant);
    MESH_TRY(const auto progress, parts.light->prove(now, txid));
    parts.send_all(now);
    if (progress.proof != nullptr) return view_of(txid, *progress.proof);
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
