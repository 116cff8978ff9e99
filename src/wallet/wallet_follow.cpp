// How a wallet follows the chain: blocks applied, taken back, and FINAL.

#include <algorithm>
#include <ranges>

#include "wallet/wallet_parts.h"

namespace meshchain::wallet {
namespace {

std::unexpected<base::Error> out_of_step(std::string what) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "wallet",
                         "compare the wallet's tip with the chain's");
}

std::string at(wire::Height height) { return std::to_string(height.value); }

}  // namespace

std::optional<Tip> Wallet::tip() const {
    const Meta& meta = parts_->state.meta();
    if (!meta.tip) return std::nullopt;
    return Tip{*meta.tip, meta.tip_hash};
}

std::expected<void, base::Error> Wallet::handle_block_applied(const BlockChange& block) {
    WalletState& state = parts_->state;
    const std::uint32_t next = state.meta().tip ? state.meta().tip->value + 1 : 0;
    if (block.height.value != next) {
        return out_of_step("told of height " + at(block.height) + ", expected " +
                           std::to_string(next));
    }
    for (const TransactionChange& change : block.transactions) {
        parts_->record(change, block.height);
        const HistoryEntry* entry = next == 0 ? state.find_open(change.txid) : nullptr;
        if (entry != nullptr) parts_->finish(HistoryEntry(*entry));  // nothing can undo genesis
    }
    state.put_block(block.height, block.hash);
    state.set_tip(block.height, block.hash);
    return state.commit();
}

std::expected<void, base::Error> Wallet::handle_block_reverted(wire::Height height,
                                                               const wire::Hash& hash) {
    WalletState& state = parts_->state;
    if (tip() != Tip{height, hash}) return out_of_step("height " + at(height) + " is not the tip");
    if (height <= state.meta().final) return out_of_step("height " + at(height) + " is FINAL");
    const wire::Height parent{height.value - 1};
    MESH_TRY(const wire::Hash parent_hash, state.block_hash(parent));
    for (Coin coin : std::views::values(WalletState::Coins(state.coins()))) {
        if (coin.created != height && coin.spent != height) continue;
        if (coin.created == height) coin.created.reset();
        if (coin.spent == height) coin.spent.reset();
        state.put(coin);
    }
    for (HistoryEntry entry : std::views::values(WalletState::Entries(state.open_entries()))) {
        if (entry.height != height) continue;
        entry.height.reset();
        entry.state = EntryState::pending;
        state.put(entry);
    }
    state.erase_block(height);
    state.set_tip(parent, parent_hash);
    return state.commit();
}

std::expected<void, base::Error> Wallet::handle_final(wire::Height height, wire::Slot slot) {
    WalletState& state = parts_->state;
    if (!state.meta().tip || height > *state.meta().tip) {
        return out_of_step("FINAL at " + at(height) + " is above the tip");
    }
    if (height <= state.meta().final) return {};
    const auto entries = state.open_entries();  // a copy: finish and kill take entries away
    for (const HistoryEntry& entry : std::views::values(entries)) {
        if (entry.height && *entry.height <= height) parts_->finish(entry);
    }
    for (const HistoryEntry& entry : std::views::values(entries)) {
        if (!entry.height && entry.expiry.units < wire::expiry_units(slot))
            parts_->kill(entry.txid);
    }
    for (const Coin& coin : std::views::values(WalletState::Coins(state.coins()))) {
        if (coin.spent && *coin.spent <= height) state.erase_coin(coin.outpoint);
    }
    for (std::uint32_t old = state.meta().final.value; old < height.value; ++old) {
        state.erase_block({old});
    }
    state.set_final(height);
    return state.commit();
}

std::expected<void, base::Error> Wallet::handle_chain_read() {
    WalletState& state = parts_->state;
    if (state.held_payments().empty()) return {};
    std::vector<HistoryEntry> held;
    for (const HistoryEntry& entry : std::views::values(state.held_payments())) {
        held.push_back(entry);
    }
    // In the order they were made: a later one may spend the change of an earlier one.
    std::ranges::sort(held, {}, &HistoryEntry::sequence);
    for (const HistoryEntry& entry : held) parts_->take_up(entry);
    return state.commit();
}

std::expected<void, base::Error> Wallet::start_over() {
    return parts_->state.start_over(parts_->keys.keys.size());
}

bool Wallet::is_reading_again() const { return !parts_->state.held_payments().empty(); }

std::expected<void, base::Error> Wallet::start_from(std::span<const OwnedCoin> coins,
                                                    const Tip& block) {
    WalletState& state = parts_->state;
    if (state.meta().tip) return out_of_step("blocks were told already");
    for (const OwnedCoin& owned : coins) {
        const auto key = parts_->own_key(owned.output.owner);
        if (!key) continue;
        state.put(Coin{owned.outpoint, owned.output.amount, *key, block.height, {}, {}});
        if (*key >= parts_->handed_out()) {
            state.set_handed_out(static_cast<std::uint16_t>(*key + 1));
        }
    }
    state.put_block(block.height, block.hash);
    state.set_tip(block.height, block.hash);
    state.set_final(block.height);
    return state.commit();
}

std::expected<void, base::Error> Wallet::handle_transaction_seen(const TransactionChange& change) {
    WalletState& state = parts_->state;
    if (state.find_open(change.txid) != nullptr) return {};
    bool spends = false;
    for (const wire::Input& input : change.body.inputs) {
        const Coin* coin = state.find_coin(input.outpoint);
        if (coin == nullptr) continue;
        // Only a block decides against what this wallet has signed.
        if (coin->spent_by) return {};
        spends = true;
    }
    if (!spends && parts_->pending_incoming() >= pending_incoming_max) return {};
    if (!parts_->record(change, std::nullopt)) return {};
    return state.commit();
}

}  // namespace meshchain::wallet
