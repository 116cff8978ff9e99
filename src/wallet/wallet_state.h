#pragma once
// What a wallet knows, in memory and in its table: changes are collected, then made durable
// together by commit(), or undone.
//
// Errors: after a failed commit() memory is as before the changes. If some of a large change may
//         be in the store all the same, further commits are refused until it is loaded again,
//         which turns everything ahead of the stored tip back.

#include <map>

#include "kv/store.h"
#include "wallet/records.h"

namespace meshchain::wallet {

class WalletState {
public:
    using Coins = std::map<wire::Outpoint, Coin>;
    using Entries = std::map<wire::Txid, HistoryEntry>;

    /// Errors: conflict (the table belongs to another wallet or chain), corrupt, wrong_version,
    /// those of the store.
    static std::expected<WalletState, base::Error> load(kv::Store& store, kv::Table table,
                                                        const wire::ChainId& chain,
                                                        const crypto::PublicKey& wallet,
                                                        std::size_t keys);

    const Meta& meta() const { return meta_; }
    /// Whether load() found nothing.
    bool was_empty() const { return was_empty_; }
    const Coins& coins() const { return coins_; }
    const Entries& open_entries() const { return open_; }
    const Coin* find_coin(const wire::Outpoint& outpoint) const;
    const HistoryEntry* find_open(const wire::Txid& txid) const;
    /// Reads the history backwards until it is found. Errors: corrupt, those of the store.
    std::expected<std::optional<HistoryEntry>, base::Error> find_closed(
        const wire::Txid& txid) const;
    /// Own payments that the chain being read again has not shown so far.
    const Entries& held_payments() const { return held_; }
    std::expected<std::string, base::Error> label(const wire::Txid& txid) const;
    /// The coins that `txid` makes for this wallet.
    std::vector<wire::Outpoint> coins_of(const wire::Txid& txid) const;
    /// Errors: corrupt (no such row), those of the store.
    std::expected<wire::Hash, base::Error> block_hash(wire::Height height) const;
    std::expected<std::vector<HistoryEntry>, base::Error> closed_entries(
        std::size_t count, std::uint64_t before) const;

    std::uint64_t take_sequence() { return meta_.next_sequence++; }
    void set_tip(wire::Height height, const wire::Hash& hash);
    void set_final(wire::Height height);
    void put(const Coin& coin);
    void erase_coin(const wire::Outpoint& outpoint);
    void put(const HistoryEntry& entry);
    /// Moves an open entry to the history, as `state`.
    void close_entry(const wire::Txid& txid, EntryState state);
    void erase_entry(const wire::Txid& txid);
    void put_block(wire::Height height, const wire::Hash& hash);
    void erase_block(wire::Height height);
    void erase_held(const wire::Txid& txid);
    void set_handed_out(std::uint16_t keys) { meta_.handed_out = keys; }
    void set_label(const wire::Txid& txid, std::string_view label);

    /// Erases what was learned from the chain, to read it again for `keys` keys. Own payments under
    /// way are held until the chain shows them, or is read. Survives being cut off anywhere.
    std::expected<void, base::Error> start_over(std::size_t keys);
    std::expected<void, base::Error> commit();
    void roll_back();

private:
    WalletState(kv::Store& store, kv::Table table) : store_(&store), table_(table) {}

    std::expected<void, base::Error> read_meta(const wire::ChainId& chain,
                                               const crypto::PublicKey& wallet);
    std::expected<void, base::Error> read_coins();
    std::expected<void, base::Error> read_entries(Row row, Entries& entries);
    std::expected<void, base::Error> erase_all(Row row);
    std::expected<void, base::Error> go_on_starting_over();
    void turn_back_what_is_ahead_of_tip();
    std::expected<void, base::Error> write_changes();
    void forget_changes();

    kv::Store* store_;
    kv::Table table_;
    Meta meta_;
    Coins coins_;
    Entries open_;
    Entries held_;

    // What changed since the last commit: the values before, for undoing …
    Meta committed_meta_;
    std::map<wire::Outpoint, std::optional<Coin>> old_coins_;
    std::map<wire::Txid, std::optional<HistoryEntry>> old_entries_;
    Entries old_held_;  ///< those that were taken away
    // … and the rows that memory does not hold; an empty value erases.
    std::map<base::Buffer, base::Buffer> other_rows_;
    bool half_written_ = false;
    bool was_empty_ = false;
};

}  // namespace meshchain::wallet
