#include "wallet/wallet_state.h"

#include <algorithm>
#include <ranges>

namespace meshchain::wallet {
namespace {

/// Small enough for any engine's batch, large enough that nearly every block is one.
constexpr std::size_t operations_per_batch = 512;
constexpr std::size_t bytes_per_batch = 512 * 1024;

template <class Map, class Key>
void remember(std::map<Key, std::optional<typename Map::mapped_type>>& old, const Map& now,
              const Key& key) {
    const auto found = now.find(key);
    old.try_emplace(key, found == now.end()
                             ? std::nullopt
                             : std::optional<typename Map::mapped_type>(found->second));
}

template <class Map, class Key>
void restore(std::map<Key, std::optional<typename Map::mapped_type>>& old, Map& now) {
    for (auto& [key, value] : old) {
        now.erase(key);
        if (value) now.emplace(key, *std::move(value));
    }
    old.clear();
}

template <class Map>
const typename Map::mapped_type* find(const Map& map, const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
}

}  // namespace

std::expected<WalletState, base::Error> WalletState::load(kv::Store& store, kv::Table table,
                                                          const wire::ChainId& chain,
                                                          const crypto::PublicKey& wallet,
                                                          std::size_t keys) {
    WalletState state(store, table);
    state.meta_.keys_scanned = static_cast<std::uint16_t>(keys);  // of a table that is empty
    MESH_CHECK(state.read_meta(chain, wallet));
    MESH_CHECK(state.read_entries(Row::held_payment, state.held_));
    MESH_CHECK(state.read_coins());
    MESH_CHECK(state.read_entries(Row::open_entry, state.open_));
    state.turn_back_what_is_ahead_of_tip();
    MESH_CHECK(state.commit());
    if (state.meta_.keys_scanned != keys || state.meta_.starting_over) {
        MESH_CHECK(state.start_over(keys));
    }
    return state;
}

std::expected<void, base::Error> WalletState::read_meta(const wire::ChainId& chain,
                                                        const crypto::PublicKey& wallet) {
    MESH_TRY(const auto row, store_->get(table_, meta_key()));
    if (!row) {
        meta_.chain = chain;
        meta_.wallet = wallet;
        was_empty_ = true;
        return {};
    }
    MESH_TRY(meta_, parse_meta(*row));
    committed_meta_ = meta_;
    if (meta_.chain == chain && meta_.wallet == wallet) return {};
    return base::failure(base::Errc::conflict,
                         meta_.chain == chain ? "the scan belongs to another wallet's keys"
                                              : "the scan belongs to another chain",
                         "wallet table", "use the key file and data folder that belong together");
}

std::expected<void, base::Error> WalletState::read_coins() {
    std::expected<void, base::Error> result;
    const base::Buffer from{static_cast<std::byte>(Row::coin)};
    const base::Buffer to = kv::end_of_prefix(from);
    MESH_CHECK(store_->scan({table_, from, to}, [&](base::Bytes key, base::Bytes value) {
        const auto coin = parse_coin(key, value);
        if (!coin) result = std::unexpected(coin.error());
        if (coin) coins_.emplace(coin->outpoint, *coin);
        return coin.has_value();
    }));
    return result;
}

std::expected<void, base::Error> WalletState::read_entries(Row row, Entries& entries) {
    std::expected<void, base::Error> result;
    const base::Buffer from{static_cast<std::byte>(row)};
    const base::Buffer to = kv::end_of_prefix(from);
    MESH_CHECK(store_->scan({table_, from, to}, [&](base::Bytes, base::Bytes value) {
        auto entry = parse_entry(value);
        if (!entry) result = std::unexpected(entry.error());
        if (entry) {
            const wire::Txid txid = entry->txid;
            entries.emplace(txid, *std::move(entry));
        }
        return result.has_value();
    }));
    return result;
}

void WalletState::turn_back_what_is_ahead_of_tip() {
    const auto ahead = [&](const std::optional<wire::Height>& height) {
        return height && (!meta_.tip || *height > *meta_.tip);
    };
    for (HistoryEntry entry : std::views::values(Entries(open_))) {
        meta_.next_sequence = std::max(meta_.next_sequence, entry.sequence + 1);
        if (!ahead(entry.height)) continue;
        entry.height.reset();
        entry.state = EntryState::pending;
        put(entry);
    }
    for (const Coin& stored : std::views::values(Coins(coins_))) {
        Coin coin = stored;
        if (ahead(coin.created)) coin.created.reset();
        if (ahead(coin.spent)) coin.spent.reset();
        // Entries are written before coins: one whose entry is missing was dead, or is spent in a
        // FINAL block.
        const bool spender_is_closed = coin.spent_by && find_open(*coin.spent_by) == nullptr;
        if (spender_is_closed && !coin.spent) coin.spent_by.reset();
        const bool maker_is_dead = !coin.created && find_open(coin.outpoint.txid) == nullptr;
        if (maker_is_dead || (spender_is_closed && coin.spent)) {
            erase_coin(coin.outpoint);
        } else if (coin != stored) {
            put(coin);
        }
    }
}

const Coin* WalletState::find_coin(const wire::Outpoint& outpoint) const {
    return find(coins_, outpoint);
}

const HistoryEntry* WalletState::find_open(const wire::Txid& txid) const {
    return find(open_, txid);
}

std::expected<std::optional<HistoryEntry>, base::Error> WalletState::find_closed(
    const wire::Txid& txid) const {
    std::expected<std::optional<HistoryEntry>, base::Error> result;
    const base::Buffer from{static_cast<std::byte>(Row::closed_entry)};
    const base::Buffer to = kv::end_of_prefix(from);
    MESH_CHECK(store_->scan({.table = table_, .from = from, .to = to, .reverse = true},
                            [&](base::Bytes, base::Bytes value) {
                                auto entry = parse_entry(value);
                                if (!entry) {
                                    result = std::unexpected(entry.error());
                                } else if (entry->txid == txid) {
                                    result = *std::move(entry);
                                }
                                return result && !*result;
                            }));
    return result;
}

std::expected<std::string, base::Error> WalletState::label(const wire::Txid& txid) const {
    MESH_TRY(const auto row, store_->get(table_, label_key(txid)));
    return row ? std::string(base::as_text(*row)) : std::string();
}

std::vector<wire::Outpoint> WalletState::coins_of(const wire::Txid& txid) const {
    std::vector<wire::Outpoint> result;
    for (auto i = coins_.lower_bound({txid, 0}); i != coins_.end() && i->first.txid == txid; ++i) {
        result.push_back(i->first);
    }
    return result;
}

std::expected<wire::Hash, base::Error> WalletState::block_hash(wire::Height height) const {
    MESH_TRY(const auto row, store_->get(table_, block_key(height)));
    if (row && row->size() == wire::Hash::size) {
        return wire::Hash{base::Reader(*row).array<wire::Hash::size>()};
    }
    return base::failure(base::Errc::corrupt,
                         "no hash of the block at height " + std::to_string(height.value),
                         "wallet table", "scan the chain again");
}

std::expected<std::vector<HistoryEntry>, base::Error> WalletState::closed_entries(
    std::size_t count, std::uint64_t before) const {
    std::vector<HistoryEntry> entries;
    std::expected<void, base::Error> result;
    const base::Buffer from{static_cast<std::byte>(Row::closed_entry)};
    const base::Buffer to = closed_entry_key(before);
    MESH_CHECK(
        store_->scan({.table = table_, .from = from, .to = to, .reverse = true, .limit = count},
                     [&](base::Bytes, base::Bytes value) {
                         auto entry = parse_entry(value);
                         if (!entry) result = std::unexpected(entry.error());
                         if (entry) entries.push_back(*std::move(entry));
                         return result.has_value();
                     }));
    MESH_CHECK(result);
    return entries;
}

void WalletState::set_tip(wire::Height height, const wire::Hash& hash) {
    meta_.tip = height;
    meta_.tip_hash = hash;
}

void WalletState::set_final(wire::Height height) { meta_.final = height; }

void WalletState::put(const Coin& coin) {
    remember(old_coins_, coins_, coin.outpoint);
    coins_.insert_or_assign(coin.outpoint, coin);
}

void WalletState::erase_coin(const wire::Outpoint& outpoint) {
    remember(old_coins_, coins_, outpoint);
    coins_.erase(outpoint);
}

void WalletState::put(const HistoryEntry& entry) {
    remember(old_entries_, open_, entry.txid);
    open_.insert_or_assign(entry.txid, entry);
}

void WalletState::close_entry(const wire::Txid& txid, EntryState state) {
    HistoryEntry entry = open_.at(txid);
    entry.state = state;
    entry.transaction.reset();
    other_rows_[closed_entry_key(entry.sequence)] = encode(entry);
    erase_entry(txid);
}

void WalletState::erase_entry(const wire::Txid& txid) {
    remember(old_entries_, open_, txid);
    open_.erase(txid);
}

void WalletState::put_block(wire::Height height, const wire::Hash& hash) {
    other_rows_[block_key(height)] = base::to_buffer(hash.span());
}

void WalletState::erase_block(wire::Height height) { other_rows_[block_key(height)].clear(); }

void WalletState::erase_held(const wire::Txid& txid) {
    const auto found = held_.find(txid);
    if (found == held_.end()) return;
    other_rows_[held_payment_key(txid)].clear();
    old_held_.insert(held_.extract(found));
}

void WalletState::set_label(const wire::Txid& txid, std::string_view label) {
    other_rows_[label_key(txid)] = base::to_buffer(base::as_bytes(label));
}

std::expected<void, base::Error> WalletState::start_over(std::size_t keys) {
    const Entries held_before = held_;
    meta_.keys_scanned = static_cast<std::uint16_t>(keys);
    meta_.starting_over = true;
    for (const auto& [txid, entry] : open_) {
        if (!entry.transaction) continue;
        HistoryEntry held = entry;
        held.height.reset();
        held.state = EntryState::pending;
        other_rows_[held_payment_key(txid)] = encode(held);
        held_.insert_or_assign(txid, std::move(held));
    }
    // Held before anything is erased; both may be done again.
    if (auto held = commit(); !held) {
        held_ = held_before;
        return held;
    }
    return go_on_starting_over();
}

std::expected<void, base::Error> WalletState::go_on_starting_over() {
    for (const Row row : {Row::block, Row::coin, Row::open_entry, Row::closed_entry}) {
        MESH_CHECK(erase_all(row));
    }
    coins_.clear();
    open_.clear();
    meta_.tip.reset();
    meta_.tip_hash = {};
    meta_.final = {};
    meta_.next_sequence = 0;
    meta_.starting_over = false;
    auto erased = commit();
    if (!erased) half_written_ = true;  // memory has let go of what the store may still hold
    return erased;
}

std::expected<void, base::Error> WalletState::erase_all(Row row) {
    const base::Buffer from{static_cast<std::byte>(row)};
    const base::Buffer to = kv::end_of_prefix(from);
    MESH_CHECK(store_->scan({table_, from, to}, [&](base::Bytes key, base::Bytes) {
        other_rows_[base::to_buffer(key)].clear();
        return true;
    }));
    return {};
}

std::expected<void, base::Error> WalletState::commit() {
    auto written = write_changes();
    if (written) {
        forget_changes();
    } else {
        roll_back();
    }
    return written;
}

std::expected<void, base::Error> WalletState::write_changes() {
    if (half_written_) {
        return base::failure(base::Errc::unavailable, "a write was cut off half-way",
                             "wallet table", "restart the node");
    }
    kv::Batch batch;
    const auto write = [&](const base::Buffer& key,
                           const base::Buffer& value) -> std::expected<void, base::Error> {
        value.empty() ? batch.erase(table_, key) : batch.put(table_, key, value);
        if (batch.size() < operations_per_batch && batch.bytes() < bytes_per_batch) return {};
        MESH_CHECK(store_->commit(batch));
        half_written_ = true;
        batch.clear();
        return {};
    };
    // Closed entries before the open ones they were, those before coins, and the tip last: what a
    // cut-off write leaves behind can then be told from what was meant, and is put right at load.
    for (const auto& [key, value] : other_rows_) MESH_CHECK(write(key, value));
    for (const auto& [key, old] : old_entries_) {
        const HistoryEntry* entry = find_open(key);
        MESH_CHECK(write(open_entry_key(key), entry ? encode(*entry) : base::Buffer()));
    }
    for (const auto& [key, old] : old_coins_) {
        const Coin* coin = find_coin(key);
        MESH_CHECK(write(coin_key(key), coin ? encode(*coin) : base::Buffer()));
    }
    if (meta_ != committed_meta_) batch.put(table_, meta_key(), encode(meta_));
    MESH_CHECK(store_->commit(batch));
    half_written_ = false;
    return {};
}

void WalletState::roll_back() {
    meta_ = committed_meta_;
    restore(old_coins_, coins_);
    restore(old_entries_, open_);
    held_.merge(old_held_);
    forget_changes();
}

void WalletState::forget_changes() {
    committed_meta_ = meta_;
    old_coins_.clear();
    old_entries_.clear();
    old_held_.clear();
    other_rows_.clear();
}

}  // namespace meshchain::wallet
