// The wallet that a node follows the chain for (row I1).

#include <algorithm>

#include "node/node_parts.h"

namespace meshchain::node {
namespace {

/// Own payments that no block has taken are sent again this often.
constexpr base::Duration payments_interval = std::chrono::seconds(10);
/// Units of 64 slots that a payment stays valid: a day at ten seconds a slot.
constexpr std::uint32_t payment_life_units = 135;
/// What a payment offers unless its sender says otherwise.
constexpr wire::Amount usual_fee{2};

/// How far back in its history a payment that no block holds is looked for.
constexpr std::size_t recent_payments = 256;

wallet::TransactionChange change_of(const ledger::CheckedTransaction& checked) {
    return {checked.txid, checked.transaction.body, checked.spent};
}

}  // namespace

wallet::BlockChange Node::Parts::genesis_change() const {
    const wire::ChainId id = ledger::chain_id(genesis);
    wallet::TransactionChange first{{id}, {}, {}};
    for (const ledger::Allocation& allocation : genesis.allocations) {
        first.body.outputs.push_back({allocation.owner, allocation.amount});
    }
    return {{}, {}, id, {std::move(first)}};
}

std::expected<wallet::BlockChange, base::Error> Node::Parts::stored_change(
    wire::Height height) const {
    if (height == wire::Height{}) return genesis_change();
    const chain::ChainStore& store = chain->store();
    MESH_TRY(const auto hash, store.hash_at(height));
    MESH_TRY(const auto stored, store.block(hash.value_or(wire::Hash{})));
    if (!stored) {
        return base::failure(base::Errc::corrupt,
                             "block " + std::to_string(height.value) + " is missing", "node");
    }
    MESH_TRY(const auto transactions, store.expand(*stored));
    wallet::BlockChange change{height, stored->block.header.slot, *hash, {}};
    auto coin = stored->spent.begin();
    for (const wire::Transaction& transaction : transactions) {
        wallet::TransactionChange one{
            wire::txid(store.chain_id(), transaction.body), transaction.body, {}};
        for (std::size_t i = 0; i < transaction.body.inputs.size(); ++i) {
            one.spent.push_back((coin++)->output);
        }
        change.transactions.push_back(std::move(one));
    }
    return change;
}

std::expected<void, base::Error> Node::Parts::catch_up_wallet() {
    const chain::ChainStore& store = chain->store();
    while (const auto tip = wallet->tip()) {
        MESH_TRY(const auto applied, store.hash_at(tip->height));
        if (applied == tip->hash) break;
        MESH_CHECK(wallet->handle_block_reverted(tip->height, tip->hash));
    }
    const auto tip = wallet->tip();
    for (std::uint32_t height = tip ? tip->height.value + 1 : 0; height <= store.tip().height.value;
         ++height) {
        MESH_TRY(const wallet::BlockChange change, stored_change({height}));
        MESH_CHECK(wallet->handle_block_applied(change));
    }
    const consensus::BlockRef& final = chain->engine().final_block();
    return wallet->handle_final(final.height, final.slot);
}

std::expected<void, base::Error> Node::open_wallet(base::Now system, base::Bytes sealed_key_file) {
    Parts& parts = *parts_;
    MESH_TRY(wallet::KeyFile keys, wallet::parse_key_file(sealed_key_file));
    MESH_TRY(parts.wallet,
             wallet::Wallet::open(parts.doors.store, tables::wallet, chain_id(), std::move(keys)));
    if (auto caught_up = parts.catch_up_wallet(); !caught_up) {
        parts.wallet.reset();
        return caught_up;
    }
    parts.payments_due = system.instant;
    return {};
}

wallet::Wallet* Node::wallet() { return parts_->wallet.get(); }
const wallet::Wallet* Node::wallet() const { return parts_->wallet.get(); }

void Node::Parts::tell_wallet(const chain::Event& event) {
    if (!wallet) return;
    std::expected<void, base::Error> told;
    if (const auto* applied = std::get_if<chain::BlockApplied>(&event)) {
        wallet::BlockChange change{applied->height, applied->slot, applied->hash, {}};
        for (const auto& checked : applied->transactions) {
            change.transactions.push_back(change_of(checked));
        }
        told = wallet->handle_block_applied(change);
    } else if (const auto* reverted = std::get_if<chain::BlockReverted>(&event)) {
        told = wallet->handle_block_reverted(reverted->height, reverted->hash);
    } else if (const auto* final = std::get_if<chain::CheckpointFinal>(&event)) {
        told = wallet->handle_final(final->height, final->checkpoint.slot);
    } else if (const auto* accepted = std::get_if<chain::TransactionAccepted>(&event)) {
        told = wallet->handle_transaction_seen(change_of(accepted->transaction));
    }
    if (told) return;
    // An event was missed or the store failed: read the chain itself again.
    log.warning("the wallet fell behind: " + base::sentence(told.error()));
    if (const auto again = catch_up_wallet(); !again) log.error(base::sentence(again.error()));
}

bool Node::Parts::is_dead_payment(const wire::Txid& txid) const {
    if (!wallet) return false;
    const auto history = wallet->history(recent_payments);
    return history && std::ranges::any_of(*history, [&](const wallet::HistoryEntry& entry) {
               return entry.txid == txid && entry.state == wallet::EntryState::dead;
           });
}

void Node::Parts::send_waiting_payments(base::Now now) {
    if (!wallet || now.instant < payments_due) return;
    payments_due = now.instant + payments_interval;
    for (const wallet::Payment& payment : wallet->payments_to_send()) {
        const auto sent = chain->submit(now, payment.wire);
        if (!sent && sent.error().code != base::Errc::exists) {
            log.info("payment " + crypto::to_hex(payment.txid.hash) +
                     " waits: " + base::sentence(sent.error()));
        }
    }
}

std::expected<PaymentView, base::Error> Node::pay(base::Now system, const crypto::PublicKey& payee,
                                                  wire::Amount amount,
                                                  std::optional<wire::FeeCode> fee) {
    Parts& parts = *parts_;
    if (!parts.wallet) {
        return base::failure(base::Errc::unavailable, "this node has no wallet", "payment",
                             "create one with 'meshchain wallet create' and restart the node");
    }
    const base::Now now = parts.clock->at(system.instant);
    const wire::Slot slot = parts.chain->slot(now);
    wallet::PaymentOrder order;
    order.payee = payee;
    order.amount = amount;
    order.fee = fee.value_or(*wire::fee_code_for(usual_fee));
    order.expiry = {wire::expiry_units(slot) + payment_life_units};
    MESH_TRY(const wallet::Payment payment, parts.wallet->create_payment(order, slot));
    if (auto sent = parts.chain->submit(now, payment.wire); !sent) {
        // It never left this node, so its coins are free again.
        static_cast<void>(parts.wallet->discard_payment(payment.txid));
        return std::unexpected(std::move(sent).error());
    }
    parts.send_all(now);
    parts.drain_chain(now);
    return PaymentView{payment.txid, amount, order.fee.amount(), order.expiry,
                       wire::encoded_bytes(payment.wire)};
}

}  // namespace meshchain::node
