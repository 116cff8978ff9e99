#include "wallet/wallet.h"

#include <algorithm>
#include <ranges>

#include "base/assert.h"
#include "wallet/wallet_parts.h"

namespace meshchain::wallet {

std::expected<std::unique_ptr<Wallet>, base::Error> Wallet::open(kv::Store& store, kv::Table table,
                                                                 const wire::ChainId& chain,
                                                                 KeyFile keys) {
    MESH_ASSERT(!keys.keys.empty());
    MESH_TRY(WalletState state, WalletState::load(store, table, chain, keys.keys.front()));
    auto parts = std::make_unique<Parts>(Parts{.chain = chain,
                                               .keys = std::move(keys),
                                               .key_index = {},
                                               .state = std::move(state),
                                               .secret = std::nullopt});
    parts->index_keys();
    return std::unique_ptr<Wallet>(new Wallet(std::move(parts)));
}

Wallet::Wallet(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Wallet::~Wallet() = default;

const KeyFile& Wallet::key_file() const { return parts_->keys; }

std::expected<void, base::Error> Wallet::handle_key_file(KeyFile keys) {
    const auto& old = parts_->keys.keys;
    if (keys.keys.size() < old.size() || !std::equal(old.begin(), old.end(), keys.keys.begin())) {
        return base::failure(base::Errc::conflict, "a key file of another wallet", "wallet",
                             "use the file that add_key made of the present one");
    }
    lock();
    parts_->keys = std::move(keys);
    parts_->index_keys();
    return {};
}

std::expected<void, base::Error> Wallet::unlock(base::Kdf& kdf, base::Bytes passphrase) {
    auto secret = open_key_file(kdf, passphrase, parts_->keys);
    if (secret) {
        parts_->secret = *std::move(secret);
        parts_->wrong_tries = 0;
        return {};
    }
    base::Error error = std::move(secret).error();
    if (error.code == base::Errc::unauthorized) {
        ++parts_->wrong_tries;
        error.what += ", try " + std::to_string(parts_->wrong_tries);
    }
    return std::unexpected(std::move(error));
}

void Wallet::lock() { parts_->secret.reset(); }
bool Wallet::is_unlocked() const { return parts_->secret.has_value(); }
std::uint32_t Wallet::wrong_tries() const { return parts_->wrong_tries; }

Balance Wallet::balance() const {
    Balance result;
    const auto add_to = [](wire::Amount& sum, wire::Amount more) { sum = bounded_sum(sum, more); };
    for (const Coin& coin : std::views::values(parts_->state.coins())) {
        if (coin.spent_by) {
            add_to(result.locked, coin.amount);
        } else if (!coin.created) {
            add_to(result.pending_in, coin.amount);
        } else {
            const bool is_final = *coin.created <= parts_->state.meta().final;
            add_to(is_final ? result.final : result.live, coin.amount);
        }
    }
    for (const HistoryEntry& entry : std::views::values(parts_->state.open_entries())) {
        if (entry.direction == Direction::incoming || !parts_->is_foremost(entry)) continue;
        if (entry.direction == Direction::outgoing) add_to(result.pending_out, entry.amount);
        add_to(result.pending_out, entry.fee);
    }
    return result;
}

std::vector<Coin> Wallet::coins() const {
    std::vector<Coin> result;
    for (const Coin& coin : std::views::values(parts_->state.coins())) {
        if (!coin.spent_by) result.push_back(coin);
    }
    return result;
}

std::expected<std::vector<HistoryEntry>, base::Error> Wallet::history(std::size_t count,
                                                                      std::uint64_t before) const {
    MESH_TRY(auto entries, parts_->state.closed_entries(count, before));
    for (const HistoryEntry& entry : std::views::values(parts_->state.open_entries())) {
        if (entry.sequence < before) entries.push_back(entry);
    }
    std::ranges::sort(entries, std::ranges::greater(), &HistoryEntry::sequence);
    if (entries.size() > count) entries.resize(count);
    return entries;
}

const HistoryEntry* Wallet::find_open(const wire::Txid& txid) const {
    return parts_->state.find_open(txid);
}

void Wallet::check_invariants() const {
    const WalletState& state = parts_->state;
    const Meta& meta = state.meta();
    for (const auto& [outpoint, coin] : state.coins()) {
        MESH_ASSERT(coin.outpoint == outpoint && coin.key < parts_->keys.keys.size());
        MESH_ASSERT(!coin.created || (meta.tip && *coin.created <= *meta.tip));
        MESH_ASSERT(coin.created || state.find_open(outpoint.txid) != nullptr);
        MESH_ASSERT(!coin.spent || coin.spent_by);
        if (!coin.spent_by) continue;
        const HistoryEntry* spender = state.find_open(*coin.spent_by);
        MESH_ASSERT(spender != nullptr && spender->height == coin.spent);
        MESH_ASSERT(std::ranges::find(spender->spends, outpoint) != spender->spends.end());
    }
    for (const auto& [txid, entry] : state.open_entries()) {
        MESH_ASSERT(entry.txid == txid && entry.sequence < meta.next_sequence);
        MESH_ASSERT(entry.height.has_value() == (entry.state == EntryState::live));
        MESH_ASSERT(!entry.height || *entry.height > meta.final);
        MESH_ASSERT(!entry.height || parts_->is_foremost(entry));
    }
}

}  // namespace meshchain::wallet
