// The wallet that a node follows the chain for (row I1).

#include <algorithm>

#include "node/node_parts.h"

namespace meshchain::node {
namespace {

/// Own payments that no block has taken are sent again this often.
constexpr base::Duration payments_interval = std::chrono::seconds(10);
constexpr base::Duration wallet_retry_interval = std::chrono::seconds(10);
/// Blocks a wallet reads between two looks at the network: some milliseconds' worth.
constexpr unsigned blocks_per_step = 16;

/// How far back in its history a payment that no block holds is looked for.
constexpr std::size_t recent_payments = 256;

std::unexpected<base::Error> no_wallet() {
    return base::failure(base::Errc::unavailable, "this node has no wallet", "wallet",
                         "make one with `meshchain wallet create` and restart the node");
}

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
                             "block " + std::to_string(height.value) + " is missing", "node",
                             "stop the node and run `meshchain store salvage`");
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

std::expected<void, base::Error> Node::Parts::read_some_blocks() {
    const chain::ChainStore& store = chain->store();
    if (const auto known = wallet->tip(); known && known->height < store.base().height) {
        log.warning(
            "the wallet ends below where history starts here; it begins again with the "
            "coins of the FINAL state");
        MESH_CHECK(wallet->start_over());
    }
    MESH_CHECK(start_wallet_from_state());
    while (const auto tip = wallet->tip()) {
        MESH_TRY(const auto applied, store.hash_at(tip->height));
        if (applied == tip->hash) break;
        MESH_CHECK(wallet->handle_block_reverted(tip->height, tip->hash));
    }
    const auto tip = wallet->tip();
    // What it knew lies below where history starts here now: it begins again with the FINAL state.
    if (!tip && store.base().height != wire::Height{}) return {};
    std::uint32_t height = tip ? tip->height.value + 1 : 0;
    for (unsigned i = 0; i < blocks_per_step && height <= store.tip().height.value; ++i) {
        MESH_TRY(const wallet::BlockChange change, stored_change({height++}));
        MESH_CHECK(wallet->handle_block_applied(change));
    }
    if (height <= store.tip().height.value) return {};
    MESH_CHECK(wallet->handle_chain_read());
    const consensus::BlockRef& final = chain->engine().final_block();
    MESH_CHECK(wallet->handle_final(final.height, final.slot));
    wallet_is_behind = false;
    return {};
}

void Node::Parts::read_chain_for_wallet() {
    if (!chain || !wallet_is_behind || last.instant < wallet_read_due) return;
    const auto read = read_some_blocks();
    if (read) return;
    log.error("the wallet cannot read the chain: " + base::sentence(read.error()));
    wallet_read_due = last.instant + wallet_retry_interval;
}

std::expected<void, base::Error> Node::open_wallet(base::Now system, base::Bytes sealed_key_file) {
    Parts& parts = *parts_;
    MESH_TRY(wallet::KeyFile keys, wallet::parse_key_file(sealed_key_file));
    MESH_TRY(parts.wallet,
             wallet::Wallet::open(parts.doors.store, tables::wallet, chain_id(), std::move(keys)));
    if (parts.wallet->is_new()) parts.tell(runtime::EventType::wallet_created);
    parts.wallet_is_behind = true;
    parts.wallet_read_due = system.instant;
    parts.payments_due = system.instant;
    return {};
}

std::expected<void, base::Error> Node::unlock_wallet(base::Now now, wallet::SecretKeys keys) {
    Parts& parts = *parts_;
    if (!parts.wallet) return no_wallet();
    MESH_CHECK(parts.wallet->unlock(std::move(keys)));
    const base::Duration after = parts.config.wallet.lock_after;
    parts.wallet_lock_due = after == base::Duration::zero() ? base::never : now.instant + after;
    parts.tell(runtime::EventType::wallet_unlocked);
    return {};
}

void Node::lock_wallet() { parts_->lock_wallet(); }

void Node::Parts::lock_wallet() {
    wallet_lock_due = base::never;
    if (!wallet || !wallet->is_unlocked()) return;
    wallet->lock();
    tell(runtime::EventType::wallet_locked);
}

std::expected<void, base::Error> Node::handle_key_file(wallet::KeyFile keys) {
    Parts& parts = *parts_;
    if (!parts.wallet) return no_wallet();
    parts.lock_wallet();
    MESH_CHECK(parts.wallet->handle_key_file(std::move(keys)));
    parts.wallet_is_behind = true;
    return {};
}

std::optional<ScanView> Node::wallet_scan() const {
    if (!parts_->wallet) return std::nullopt;
    const auto tip = parts_->wallet->tip();
    const wire::Height reached = tip ? tip->height : wire::Height{};
    return ScanView{reached, parts_->chain ? parts_->chain->store().tip().height : reached,
                    parts_->wallet_is_behind};
}

wallet::Wallet* Node::wallet() { return parts_->wallet.get(); }
const wallet::Wallet* Node::wallet() const { return parts_->wallet.get(); }

void Node::Parts::tell_wallet(const chain::Event& event) {
    if (!wallet || wallet_is_behind) return;  // what is missed now is read from the store
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
    wallet_is_behind = true;
}

bool Node::Parts::is_dead_payment(const wire::Txid& txid) const {
    if (!wallet) return false;
    const auto history = wallet->history(recent_payments);
    return history && std::ranges::any_of(*history, [&](const wallet::HistoryEntry& entry) {
               return entry.txid == txid && entry.state == wallet::EntryState::dead;
           });
}

void Node::Parts::send_waiting_payments(base::Now now) {
    if (!wallet || wallet_is_behind || now.instant < payments_due) return;
    payments_due = now.instant + payments_interval;
    for (const wallet::Payment& payment : wallet->payments_to_send()) {
        const auto sent = chain->submit(now, payment.wire);
        if (!sent && sent.error().code != base::Errc::exists) {
            log.info("payment " + crypto::to_hex(payment.txid.hash) +
                     " waits: " + base::sentence(sent.error()));
        }
    }
}

}  // namespace meshchain::node
