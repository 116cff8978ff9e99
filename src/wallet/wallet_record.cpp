// What one transaction, seen, applied or dead, does to the wallet's coins and history.

#include <algorithm>

#include "base/assert.h"
#include "wallet/wallet_parts.h"

namespace meshchain::wallet {
namespace {

constexpr std::size_t counterparties_max = 8;

void add_once(std::vector<crypto::PublicKey>& keys, const crypto::PublicKey& key) {
    if (keys.size() < counterparties_max && std::ranges::find(keys, key) == keys.end()) {
        keys.push_back(key);
    }
}

}  // namespace

wire::Amount bounded_sum(wire::Amount a, wire::Amount b) {
    return wire::add(a, b).value_or(wire::Amount{wire::Amount::units_max});
}

std::optional<std::uint16_t> Wallet::Parts::own_key(const crypto::PublicKey& owner) const {
    const auto found = key_index.find(owner);
    return found == key_index.end() ? std::nullopt : std::optional(found->second);
}

void Wallet::Parts::index_keys() {
    key_index.clear();
    for (std::size_t i = 0; i < keys.keys.size(); ++i) {
        key_index.emplace(keys.keys[i], static_cast<std::uint16_t>(i));
    }
}

HistoryEntry Wallet::Parts::describe(const TransactionChange& change) const {
    HistoryEntry entry;
    entry.txid = change.txid;
    entry.expiry = change.body.expiry;
    wire::Amount spent;
    wire::Amount received;
    wire::Amount to_others;
    for (const wire::Input& input : change.body.inputs) {
        if (state.find_coin(input.outpoint) == nullptr) continue;
        entry.spends.push_back(input.outpoint);
        spent = bounded_sum(spent, input.amount);
    }
    for (const wire::Output& output : change.body.outputs) {
        wire::Amount& side = own_key(output.owner) ? received : to_others;
        side = bounded_sum(side, output.amount);
    }
    const bool all_inputs_own =
        !entry.spends.empty() && entry.spends.size() == change.body.inputs.size();
    if (!all_inputs_own) {
        // With inputs of several owners only the difference says what this wallet gained or lost.
        const bool gained = received >= spent;
        entry.direction = gained ? Direction::incoming : Direction::outgoing;
        entry.amount = gained ? *wire::subtract(received, spent) : *wire::subtract(spent, received);
        for (const wire::Output& coin : change.spent) {
            if (!own_key(coin.owner)) add_once(entry.counterparties, coin.owner);
        }
        return entry;
    }
    entry.fee = change.body.fee.amount();
    if (const auto& operation = change.body.operation) {
        const wire::Amount staked = wire::bound(*operation);
        entry.direction = staked.units > 0 ? Direction::outgoing : Direction::self;
        entry.amount = staked.units > 0 ? staked : wire::released(*operation);
        return entry;
    }
    entry.direction = to_others.units > 0 ? Direction::outgoing : Direction::self;
    entry.amount = to_others.units > 0 ? to_others : change.body.outputs.front().amount;
    for (const wire::Output& output : change.body.outputs) {
        if (!own_key(output.owner)) add_once(entry.counterparties, output.owner);
    }
    return entry;
}

bool Wallet::Parts::record(const TransactionChange& change, std::optional<wire::Height> height) {
    const HistoryEntry* known = state.find_open(change.txid);
    HistoryEntry entry = describe(change);
    const bool receives = std::ranges::any_of(change.body.outputs, [&](const wire::Output& output) {
        return own_key(output.owner).has_value();
    });
    if (known == nullptr && entry.spends.empty() && !receives) return false;
    if (known && known->spends.size() >= entry.spends.size()) {
        entry = *known;
    } else if (known) {  // a coin it spends became known only after it was first seen
        entry.sequence = known->sequence;
        entry.transaction = known->transaction;
    } else {
        entry.sequence = state.take_sequence();
    }
    if (const auto held = state.held_payments().find(change.txid);
        held != state.held_payments().end()) {
        entry.transaction = held->second.transaction;
        state.erase_held(change.txid);
    }
    entry.height = height;
    entry.state = height ? EntryState::live : EntryState::pending;
    state.put(entry);
    spend_coins(entry);
    create_coins(change.txid, change.body, height);
    return true;
}

void Wallet::Parts::spend_coins(const HistoryEntry& entry) {
    for (const wire::Outpoint& outpoint : entry.spends) {
        const Coin* found = state.find_coin(outpoint);
        if (found == nullptr) continue;  // made by a payment that gave way to another
        if (found->spent_by && *found->spent_by != entry.txid) displace(*found->spent_by);
        Coin coin = *found;
        coin.spent_by = entry.txid;
        coin.spent = entry.height;
        state.put(coin);
    }
}

void Wallet::Parts::create_coins(const wire::Txid& txid, const wire::TransactionBody& body,
                                 std::optional<wire::Height> height) {
    for (std::size_t i = 0; i < body.outputs.size(); ++i) {
        const auto key = own_key(body.outputs[i].owner);
        if (!key) continue;
        if (*key >= handed_out()) state.set_handed_out(static_cast<std::uint16_t>(*key + 1));
        const wire::Outpoint outpoint{txid, static_cast<std::uint16_t>(i)};
        const Coin* found = state.find_coin(outpoint);
        Coin coin = found ? *found : Coin{};
        coin.outpoint = outpoint;
        coin.amount = body.outputs[i].amount;
        coin.key = *key;
        coin.created = height;
        state.put(coin);
    }
}

void Wallet::Parts::displace(const wire::Txid& txid) {
    for (const wire::Outpoint& outpoint : state.coins_of(txid)) {
        const Coin coin = *state.find_coin(outpoint);
        state.erase_coin(outpoint);
        if (coin.spent_by) displace(*coin.spent_by);
    }
}

void Wallet::Parts::release(const wire::Outpoint& outpoint, const wire::Txid& spender) {
    const Coin* found = state.find_coin(outpoint);
    if (found == nullptr || found->spent_by != spender) return;
    Coin coin = *found;
    coin.spent_by.reset();
    // A competitor signed earlier may still happen, so the coin stays tied to it.
    const auto& entries = state.open_entries();
    const auto other = std::ranges::find_if(entries, [&](const auto& each) {
        return std::ranges::find(each.second.spends, outpoint) != each.second.spends.end();
    });
    if (other != entries.end()) coin.spent_by = other->first;
    state.put(coin);
    if (other == entries.end() || !other->second.transaction) return;
    if (is_foremost(other->second)) {
        create_coins(other->first, other->second.transaction->body, other->second.height);
    }
}

std::vector<wire::Txid> Wallet::Parts::spenders_of(const wire::Txid& parent) const {
    std::vector<wire::Txid> children;
    for (const auto& [txid, entry] : state.open_entries()) {
        const auto builds_on_it = [&](const wire::Outpoint& spent) { return spent.txid == parent; };
        if (std::ranges::any_of(entry.spends, builds_on_it)) children.push_back(txid);
    }
    return children;
}

void Wallet::Parts::kill(const wire::Txid& txid) {
    const HistoryEntry* found = state.find_open(txid);
    if (found == nullptr) return;
    const HistoryEntry entry = *found;
    MESH_ASSERT(!entry.height);
    state.close_entry(txid, EntryState::dead);
    for (const wire::Txid& child : spenders_of(txid)) kill(child);
    for (const wire::Outpoint& outpoint : state.coins_of(txid)) state.erase_coin(outpoint);
    for (const wire::Outpoint& outpoint : entry.spends) release(outpoint, txid);
}

void Wallet::Parts::forget(const wire::Txid& txid) {
    const HistoryEntry entry = *state.find_open(txid);
    state.erase_entry(txid);
    for (const wire::Outpoint& outpoint : state.coins_of(txid)) state.erase_coin(outpoint);
    for (const wire::Outpoint& outpoint : entry.spends) release(outpoint, txid);
}

bool Wallet::Parts::is_foremost(const HistoryEntry& entry) const {
    return std::ranges::all_of(entry.spends, [&](const wire::Outpoint& outpoint) {
        const Coin* coin = state.find_coin(outpoint);
        return coin != nullptr && coin->spent_by == entry.txid;
    });
}

void Wallet::Parts::finish(const HistoryEntry& entry) {
    const auto taken_by_entry = [&](const wire::Outpoint& outpoint) {
        return std::ranges::find(entry.spends, outpoint) != entry.spends.end();
    };
    std::vector<wire::Txid> competitors;
    for (const auto& [txid, other] : state.open_entries()) {
        if (txid != entry.txid && std::ranges::any_of(other.spends, taken_by_entry)) {
            competitors.push_back(txid);
        }
    }
    for (const wire::Txid& txid : competitors) kill(txid);
    state.close_entry(entry.txid, EntryState::final);
}

void Wallet::Parts::take_up(const HistoryEntry& held) {
    TransactionChange change{held.txid, held.transaction->body, {}};
    for (const wire::Input& input : change.body.inputs) {
        const Coin* coin = state.find_coin(input.outpoint);
        if (coin == nullptr || coin->spent) break;
        change.spent.push_back({keys.keys[coin->key], coin->amount});
    }
    if (change.spent.size() == change.body.inputs.size()) {
        record(change, std::nullopt);
        return;
    }
    // Another transaction, in a block, has taken a coin of it.
    HistoryEntry dead = held;
    dead.sequence = state.take_sequence();
    state.erase_held(held.txid);
    state.put(dead);
    state.close_entry(held.txid, EntryState::dead);
}

std::uint16_t Wallet::Parts::handed_out() const {
    const std::uint16_t most = std::max(keys.handed_out, state.meta().handed_out);
    return std::min(most, static_cast<std::uint16_t>(keys.keys.size()));
}

std::size_t Wallet::Parts::pending_incoming() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(state.open_entries(), [](const auto& each) {
            return each.second.direction == Direction::incoming && !each.second.height;
        }));
}

}  // namespace meshchain::wallet
