#pragma once
// The rows of a wallet's table. One byte in front of the key tells the kinds apart.
//
// Format: docs/formats/wallet-table.md

#include "wallet/coin.h"

namespace meshchain::wallet {

enum class Row : std::uint8_t {
    meta = 'm',          ///< one: what the table belongs to, and how far it is
    block = 'b',         ///< height -> hash, from FINAL to the tip
    coin = 'c',          ///< outpoint -> coin that is unspent, or spent but not FINAL
    open_entry = 'o',    ///< txid -> entry that is pending or live
    closed_entry = 'h',  ///< sequence -> entry that is final or dead
    label = 'l',         ///< txid -> what the owner calls it
    held_payment = 'p',  ///< txid -> open entry of an own payment, while the chain is read again
};

struct Meta {
    wire::ChainId chain;
    crypto::PublicKey wallet;  ///< its first key
    std::optional<wire::Height> tip;
    wire::Hash tip_hash;
    wire::Height final;
    std::uint64_t next_sequence = 0;
    /// How many keys were looked for in every block up to the tip.
    std::uint16_t keys_scanned = 0;
    std::uint16_t handed_out = 0;  ///< keys shown as addresses, or paid by anybody
    bool starting_over = false;    ///< all but held payments and labels is being erased
    friend bool operator==(const Meta&, const Meta&) = default;
};

base::Buffer meta_key();
base::Buffer block_key(wire::Height height);
base::Buffer coin_key(const wire::Outpoint& outpoint);
base::Buffer open_entry_key(const wire::Txid& txid);
base::Buffer closed_entry_key(std::uint64_t sequence);
base::Buffer label_key(const wire::Txid& txid);
base::Buffer held_payment_key(const wire::Txid& txid);

base::Buffer encode(const Meta& meta);
base::Buffer encode(const Coin& coin);  ///< without its outpoint, which is the key
base::Buffer encode(const HistoryEntry& entry);

/// Errors: corrupt (not what this version writes), wrong_version.
std::expected<Meta, base::Error> parse_meta(base::Bytes value);
std::expected<Coin, base::Error> parse_coin(base::Bytes key, base::Bytes value);
std::expected<HistoryEntry, base::Error> parse_entry(base::Bytes value);

}  // namespace meshchain::wallet
