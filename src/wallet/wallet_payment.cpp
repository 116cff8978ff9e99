// Making payments: choosing coins, signing, reserving.

#include <algorithm>
#include <ranges>

#include "base/assert.h"
#include "wallet/coin_selection.h"
#include "wallet/wallet_parts.h"

namespace meshchain::wallet {
namespace {

using Result = std::expected<Payment, base::Error>;

std::unexpected<base::Error> refused(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "payment", std::move(advice));
}

/// What the inputs must bring: amount and fee. All that can be said of an order without coins.
std::expected<wire::Amount, base::Error> check_order(const PaymentOrder& order,
                                                     wire::Slot now_slot) {
    using base::Errc;
    if (order.amount.units == 0) {
        return refused(Errc::invalid_argument, "an amount of zero", "pay at least 1 unit");
    }
    const auto needed = wire::add(order.amount, order.fee.amount());
    if (!needed) {
        return refused(Errc::invalid_argument,
                       "an amount of " + std::to_string(order.amount.units) + " with its fee",
                       "no chain holds more than " + std::to_string(wire::Amount::units_max));
    }
    if (!crypto::is_prime_order(order.payee)) {
        return refused(Errc::invalid_argument, "a payee's key for which nobody can sign",
                       "ask the payee for the address again: money sent there is lost");
    }
    if (!wire::is_valid_at(order.expiry, now_slot)) {
        return refused(Errc::invalid_argument,
                       "an expiry of " + std::to_string(order.expiry.units) + " at slot " +
                           std::to_string(now_slot.value),
                       "choose one from now to 945 units of 64 slots ahead");
    }
    return *needed;
}

wire::Amount sum(const std::vector<Coin>& coins) {
    wire::Amount total;
    for (const Coin& coin : coins) total = bounded_sum(total, coin.amount);
    return total;
}

wire::TransactionBody make_body(const PaymentOrder& order, wire::Amount needed,
                                const std::vector<Coin>& coins,
                                const crypto::PublicKey& change_to) {
    wire::TransactionBody body;
    for (const Coin& coin : coins) body.inputs.push_back({coin.outpoint, coin.amount});
    body.outputs.push_back({order.payee, order.amount});
    const wire::Amount change = wire::subtract(sum(coins), needed).value();
    if (change.units > 0) body.outputs.push_back({change_to, change});
    body.fee = order.fee;
    body.expiry = order.expiry;
    return body;
}

/// Compact where one coin pays, which is what fits a radio packet.
wire::WireTransaction shortest_form(const wire::ChainId& chain, const KeyFile& keys,
                                    const wire::Transaction& transaction,
                                    const std::vector<Coin>& coins) {
    if (coins.size() == 1) {
        const wire::Output coin{keys.keys[coins.front().key], coins.front().amount};
        if (const auto compact = wire::compact(chain, transaction, coin)) return *compact;
    }
    return transaction;
}

}  // namespace

std::expected<Payment, base::Error> Wallet::pay_from(const std::vector<Coin>& coins,
                                                     const PaymentOrder& order,
                                                     wire::Amount needed) {
    const crypto::PublicKey& change_to = parts_->keys.keys[coins.front().key];
    wire::Transaction transaction{make_body(order, needed, coins, change_to), {}};
    const base::Buffer preimage = wire::preimage(parts_->chain, transaction.body);
    for (const Coin& coin : coins) {
        transaction.signatures.push_back(parts_->secret->at(coin.key).sign(preimage));
    }
    return keep_payment(transaction, coins);
}

Result Wallet::keep_payment(const wire::Transaction& transaction, const std::vector<Coin>& coins) {
    TransactionChange change{wire::txid(parts_->chain, transaction.body), transaction.body, {}};
    for (const Coin& coin : coins) {
        change.spent.push_back({parts_->keys.keys[coin.key], coin.amount});
    }
    parts_->record(change, std::nullopt);
    HistoryEntry entry = *parts_->state.find_open(change.txid);
    entry.transaction = transaction;
    parts_->state.put(entry);
    MESH_CHECK(parts_->state.commit());
    return Payment{change.txid, transaction.body,
                   shortest_form(parts_->chain, parts_->keys, transaction, coins)};
}

std::expected<void, base::Error> Wallet::check_signing() const {
    if (is_unlocked()) return {};
    if (can_sign()) {
        return refused(base::Errc::unauthorized, "the wallet is locked", "unlock it first");
    }
    return refused(base::Errc::unsupported, "this wallet only watches; it cannot sign",
                   "pay from the wallet that has the keys");
}

std::expected<std::vector<Coin>, base::Error> Wallet::choose_coins(wire::Amount needed) const {
    const WalletState& state = parts_->state;
    std::vector<SpendableCoin> spendable;
    wire::Amount locked;
    for (const Coin& coin : std::views::values(state.coins())) {
        if (coin.spent_by) {
            locked = bounded_sum(locked, coin.amount);
        } else if (coin.created) {
            const bool is_final = *coin.created <= state.meta().final;
            spendable.push_back({coin, is_final ? Tier::final : Tier::live});
        } else if (state.find_open(coin.outpoint.txid)->direction != Direction::incoming) {
            spendable.push_back({coin, Tier::own_change});
        }
    }
    return select_coins(spendable, needed, locked);
}

Result Wallet::create_payment(const PaymentOrder& order, wire::Slot now_slot) {
    MESH_CHECK(check_signing());
    MESH_TRY(const wire::Amount needed, check_order(order, now_slot));
    MESH_TRY(const std::vector<Coin> coins, choose_coins(needed));
    return pay_from(coins, order, needed);
}

std::expected<const HistoryEntry*, base::Error> Wallet::find_pending_payment(
    const wire::Txid& txid) const {
    const HistoryEntry* entry = find_open(txid);
    if (entry == nullptr || !entry->transaction) {
        return refused(base::Errc::not_found,
                       "no payment " + crypto::to_hex(txid.hash) + " of this wallet is under way",
                       "look at the history");
    }
    if (entry->height) {
        return refused(base::Errc::conflict, "the payment is in a block already",
                       "wait until it is final");
    }
    return entry;
}

std::expected<std::vector<Coin>, base::Error> Wallet::coins_to_reuse(const wire::Txid& txid) const {
    MESH_TRY(const auto entry, find(txid));
    if (!entry || entry->direction == Direction::incoming) {
        return refused(base::Errc::not_found,
                       "no payment " + crypto::to_hex(txid.hash) + " was made by this wallet",
                       "look at the history");
    }
    if (entry->height) {
        return refused(base::Errc::conflict, "the payment is in a block already",
                       entry->state == EntryState::final ? "it is paid" : "wait until it is final");
    }
    std::vector<Coin> coins;
    for (const wire::Outpoint& outpoint : entry->spends) {
        const Coin* coin = parts_->state.find_coin(outpoint);
        // A dead payment's coin may serve another payment by now, perhaps its own successor.
        const bool is_taken =
            coin != nullptr && entry->state == EntryState::dead && coin->spent_by.has_value();
        if (coin == nullptr || coin->spent || is_taken) {
            return refused(base::Errc::conflict, "another transaction took its coin",
                           "look at the history: it may have been paid anew already");
        }
        coins.push_back(*coin);
    }
    return coins;
}

Result Wallet::reissue_payment(const wire::Txid& txid, const PaymentOrder& order,
                               wire::Slot now_slot) {
    MESH_CHECK(check_signing());
    MESH_TRY(const wire::Amount needed, check_order(order, now_slot));
    MESH_TRY(const std::vector<Coin> coins, coins_to_reuse(txid));
    if (sum(coins) < needed) {
        return refused(base::Errc::full,
                       "its coins hold " + std::to_string(sum(coins).units) + ", " +
                           std::to_string(needed.units) + " needed with the fee",
                       "pay less: the same coins must be used, or both could happen");
    }
    return pay_from(coins, order, needed);
}

std::expected<void, base::Error> Wallet::discard_payment(const wire::Txid& txid) {
    MESH_CHECK(find_pending_payment(txid));
    WalletState& state = parts_->state;
    for (const wire::Outpoint& outpoint : state.coins_of(txid)) {
        if (state.find_coin(outpoint)->spent_by) {
            return refused(base::Errc::conflict, "another payment spends its change",
                           "discard that one first");
        }
    }
    parts_->forget(txid);
    return state.commit();
}

std::vector<Payment> Wallet::payments_to_send() const {
    std::vector<const HistoryEntry*> entries;
    for (const HistoryEntry& entry : std::views::values(parts_->state.open_entries())) {
        if (!entry.height && entry.transaction && parts_->is_foremost(entry)) {
            entries.push_back(&entry);
        }
    }
    std::ranges::sort(entries, {}, &HistoryEntry::sequence);
    std::vector<Payment> payments;
    for (const HistoryEntry* entry : entries) {
        std::vector<Coin> coins;
        for (const auto& outpoint : entry->spends) {
            coins.push_back(*parts_->state.find_coin(outpoint));
        }
        payments.push_back(
            {entry->txid, entry->transaction->body,
             shortest_form(parts_->chain, parts_->keys, *entry->transaction, coins)});
    }
    return payments;
}

}  // namespace meshchain::wallet
