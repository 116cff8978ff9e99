// Payments from the node's wallet: what they cost, making them, making them again, their history.

#include <algorithm>

#include "node/node_parts.h"

namespace meshchain::node {
namespace {

/// What a payment offers when nothing competes with it.
constexpr wire::Amount usual_fee{2};
constexpr wire::Amount lowest_fee{1};
/// A payment of one coin, which fees are quoted for.
constexpr std::uint64_t usual_bytes = 110;

/// The fee at which a payment of usual size has a better rate than this one.
wire::Amount outbid(const ledger::CheckedTransaction& other) {
    return {other.fee.units * usual_bytes / other.shortest_bytes + 1};
}

}  // namespace

FeesView Node::fees() const {
    const Parts& parts = *parts_;
    if (!parts.chain) return {code_for(lowest_fee), code_for(usual_fee), code_for(usual_fee)};
    const chain::Mempool& mempool = parts.chain->mempool();
    const std::size_t room = parts.config.max_block_size;
    wire::Amount normal = usual_fee;
    wire::Amount best;
    const auto chosen =
        mempool.select(room, parts.chain->slot(parts.clock->at(parts.last.instant)));
    for (const auto* waiting : chosen) best = std::max(best, outbid(*waiting));
    if (mempool.bytes() > room && !chosen.empty()) {
        wire::Amount cheapest = outbid(*chosen.front());
        for (const auto* waiting : chosen) cheapest = std::min(cheapest, outbid(*waiting));
        normal = std::max(normal, cheapest);
    }
    const wire::Amount high = std::max(best, wire::Amount{2 * normal.units});
    return {code_for(lowest_fee), code_for(normal), code_for(high)};
}

base::WallTime Node::Parts::end_of(wire::Expiry expiry) const {
    const wire::Slot after{(expiry.units + 1) * wire::Expiry::slots_per_unit};
    return genesis.start + base::Milliseconds{std::int64_t{genesis.block_time_ms} * after.value};
}

std::expected<wallet::Wallet*, base::Error> Node::Parts::paying_wallet() const {
    if (!wallet) {
        return base::failure(base::Errc::unavailable, "this node has no wallet", "payment",
                             "make one with `meshchain wallet create` and restart the node");
    }
    if (!chain) return std::unexpected(no_chain("this wallet's coins"));
    if (!wallet_is_behind) return wallet.get();
    return base::failure(base::Errc::unavailable, "the wallet is still reading the chain",
                         "payment", "see `meshchain wallet show`, and try again then");
}

wallet::PaymentOrder Node::Parts::order(base::Now now, const crypto::PublicKey& payee,
                                        wire::Amount amount,
                                        std::optional<wire::FeeCode> fee) const {
    const std::uint32_t units = wire::expiry_units(chain->slot(now));
    return {payee, amount, fee.value_or(code_for(usual_fee)), {units + payment_life_units}};
}

std::expected<PaymentView, base::Error> Node::Parts::send_payment(base::Now now,
                                                                  const wallet::PaymentOrder& order,
                                                                  const wallet::Payment& payment) {
    if (auto sent = chain->submit(now, payment.wire); !sent) {
        // It never left this node, so its coins are free again.
        static_cast<void>(wallet->discard_payment(payment.txid));
        return std::unexpected(std::move(sent).error());
    }
    send_all(now);
    drain_chain(now);
    return PaymentView{payment.txid, order.amount,         order.fee.amount(),
                       order.expiry, end_of(order.expiry), wire::encoded_bytes(payment.wire)};
}

std::expected<PaymentView, base::Error> Node::pay(base::Now system, const crypto::PublicKey& payee,
                                                  wire::Amount amount,
                                                  std::optional<wire::FeeCode> fee) {
    Parts& parts = *parts_;
    MESH_TRY(wallet::Wallet* const wallet, parts.paying_wallet());
    const base::Now now = parts.clock->at(system.instant);
    const wallet::PaymentOrder order = parts.order(now, payee, amount, fee);
    MESH_TRY(const wallet::Payment payment, wallet->create_payment(order, parts.chain->slot(now)));
    return parts.send_payment(now, order, payment);
}

std::expected<PaymentView, base::Error> Node::reissue(base::Now system, const wire::Txid& txid,
                                                      std::optional<wire::FeeCode> fee) {
    Parts& parts = *parts_;
    MESH_TRY(wallet::Wallet* const wallet, parts.paying_wallet());
    MESH_TRY(const auto entry, wallet->find(txid));
    const base::Now now = parts.clock->at(system.instant);
    if (!entry) {
        return base::failure(base::Errc::not_found,
                             "no payment " + crypto::to_hex(txid.hash) + " in this wallet",
                             "payment", "look at the history");
    }
    const crypto::PublicKey payee =
        entry->counterparties.empty() ? wallet->addresses().front() : entry->counterparties.front();
    const wallet::PaymentOrder order = parts.order(
        now, payee, entry->amount, fee.value_or(code_for(std::max(entry->fee, usual_fee))));
    MESH_TRY(const wallet::Payment payment,
             wallet->reissue_payment(txid, order, parts.chain->slot(now)));
    return parts.send_payment(now, order, payment);
}

std::expected<std::vector<PaymentHistoryView>, base::Error> Node::wallet_history(
    std::size_t count, std::uint64_t before) const {
    const Parts& parts = *parts_;
    if (!parts.wallet) return std::unexpected(parts.paying_wallet().error());
    MESH_TRY(auto entries, parts.wallet->history(count, before));
    std::vector<PaymentHistoryView> views;
    for (wallet::HistoryEntry& entry : entries) {
        PaymentHistoryView view{std::move(entry), Certainty::seen, 0, std::nullopt};
        switch (view.entry.state) {
            case wallet::EntryState::pending: view.expires = parts.end_of(view.entry.expiry); break;
            case wallet::EntryState::dead: view.certainty = Certainty::expired; break;
            case wallet::EntryState::final: view.certainty = Certainty::final; break;
            case wallet::EntryState::live: {
                if (!parts.chain) break;
                view.certainty = parts.certainty_of(view.entry.height.value_or(wire::Height{}));
                MESH_TRY(const auto hash, parts.chain->store().hash_at(*view.entry.height));
                const auto confirmed =
                    parts.chain->engine().confirmation(hash.value_or(wire::Hash{}));
                if (confirmed) view.live_percent = confirmed->percent;
            }
        }
        if (view.certainty == Certainty::final) view.live_percent = 100;
        views.push_back(std::move(view));
    }
    return views;
}

}  // namespace meshchain::node
