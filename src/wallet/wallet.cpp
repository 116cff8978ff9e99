#include "wallet/wallet.h"

#include <algorithm>
#include <ranges>

#include "base/assert.h"
#include "base/utf8.h"
#include "wallet/wallet_parts.h"

namespace meshchain::wallet {

std::expected<std::unique_ptr<Wallet>, base::Error> Wallet::open(kv::Store& store, kv::Table table,
                                                                 const wire::ChainId& chain,
                                                                 KeyFile keys) {
    MESH_ASSERT(!keys.keys.empty());
    MESH_TRY(WalletState state,
             WalletState::load(store, table, chain, keys.keys.front(), keys.keys.size()));
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
bool Wallet::can_sign() const { return parts_->keys.kind != KeyFile::Kind::watch_only; }

std::expected<void, base::Error> Wallet::handle_key_file(KeyFile keys) {
    const auto& old = parts_->keys.keys;
    if (keys.keys.size() < old.size() || !std::equal(old.begin(), old.end(), keys.keys.begin())) {
        return base::failure(base::Errc::conflict, "a key file of another wallet", "wallet",
                             "use the file that was made of the present one");
    }
    lock();
    if (keys.keys.size() > old.size()) MESH_CHECK(parts_->state.start_over(keys.keys.size()));
    parts_->keys = std::move(keys);
    parts_->index_keys();
    return {};
}

std::span<const crypto::PublicKey> Wallet::addresses() const {
    return std::span(parts_->keys.keys).first(parts_->handed_out());
}

std::expected<crypto::PublicKey, base::Error> Wallet::hand_out_address() {
    const std::uint16_t next = parts_->handed_out();
    if (next == parts_->keys.keys.size()) {
        return base::failure(base::Errc::full, "no address is left that was derived already",
                             "wallet",
                             can_sign() ? "unlock the wallet once, which derives more"
                                        : "this wallet only watches those it was given");
    }
    parts_->state.set_handed_out(static_cast<std::uint16_t>(next + 1));
    MESH_CHECK(parts_->state.commit());
    return parts_->keys.keys[next];
}

std::size_t Wallet::keys_wanted() const {
    const std::size_t now = parts_->keys.keys.size();
    const std::size_t handed_out = parts_->handed_out();
    const bool enough = now >= handed_out + KeyFile::lookahead || now == KeyFile::keys_max;
    if (enough || parts_->keys.kind != KeyFile::Kind::sealed) return now;
    return std::min(KeyFile::keys_max, handed_out + 2 * KeyFile::lookahead);
}

std::expected<void, base::Error> Wallet::unlock(SecretKeys secret) {
    const auto& keys = parts_->keys.keys;
    if (secret.size() != keys.size() || secret.at(0).public_key() != keys.front()) {
        return base::failure(base::Errc::conflict, "these are not the keys of this wallet",
                             "wallet", "use the key file that the node runs with");
    }
    parts_->secret = std::move(secret);
    return {};
}

bool Wallet::is_new() const { return parts_->state.was_empty(); }
void Wallet::lock() { parts_->secret.reset(); }
bool Wallet::is_unlocked() const { return parts_->secret.has_value(); }

Balance Wallet::balance() const {
    Balance result;
    const auto add_to = [](wire::Amount& sum, wire::Amount more) { sum = bounded_sum(sum, more); };
    for (const Coin& coin : std::views::values(parts_->state.coins())) {
        if (coin.spent_by) {
            // Change of one payment under way that another spends is money counted already.
            const HistoryEntry* maker = parts_->state.find_open(coin.outpoint.txid);
            const bool is_change = maker != nullptr && maker->direction != Direction::incoming;
            if (!is_change) add_to(result.locked, coin.amount);
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
    for (HistoryEntry& entry : entries) {
        MESH_TRY(entry.label, parts_->state.label(entry.txid));
    }
    return entries;
}

const HistoryEntry* Wallet::find_open(const wire::Txid& txid) const {
    return parts_->state.find_open(txid);
}

std::expected<std::optional<HistoryEntry>, base::Error> Wallet::find(const wire::Txid& txid) const {
    if (const HistoryEntry* open = find_open(txid)) return *open;
    return parts_->state.find_closed(txid);
}

std::expected<void, base::Error> Wallet::check_label(std::string_view label) {
    if (label.size() > label_bytes_max) {
        return base::failure(base::Errc::too_large,
                             "a label of " + std::to_string(label.size()) + " bytes", "label",
                             "use at most " + std::to_string(label_bytes_max));
    }
    if (base::is_displayable(label)) return {};
    return base::failure(base::Errc::invalid_argument, "a label with control characters", "label",
                         "write it in one line of UTF-8");
}

std::expected<void, base::Error> Wallet::set_label(const wire::Txid& txid, std::string_view label) {
    MESH_CHECK(check_label(label));
    MESH_TRY(const auto entry, find(txid));
    if (!entry) {
        return base::failure(base::Errc::not_found,
                             "no payment " + crypto::to_hex(txid.hash) + " in this wallet", "label",
                             "look at the history");
    }
    parts_->state.set_label(txid, label);
    return parts_->state.commit();
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
