#pragma once
// What a wallet remembers: its coins, and one history entry a transaction.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/transaction.h"

namespace meshchain::wallet {

struct Coin {
    wire::Outpoint outpoint;
    wire::Amount amount;
    std::uint16_t key = 0;                ///< which of the wallet's keys owns it
    std::optional<wire::Height> created;  ///< block it is in; nothing while pending
    std::optional<wire::Txid> spent_by;   ///< the transaction that spends or reserves it
    std::optional<wire::Height> spent;    ///< block that holds that transaction
    friend bool operator==(const Coin&, const Coin&) = default;
};

enum class Direction : std::uint8_t {
    incoming = 0,
    outgoing = 1,
    self = 2,  ///< from own keys to own keys
};
std::string_view name(Direction direction);

enum class EntryState : std::uint8_t {
    pending = 0,  ///< in no block of the chain followed
    live = 1,     ///< in a block that can still be undone
    final = 2,    ///< paid
    dead = 3,     ///< can never happen: FINAL has passed its expiry, or spent its coin otherwise
};
std::string_view name(EntryState state);

struct HistoryEntry {
    std::uint64_t sequence = 0;  ///< order in which the wallet learned of it
    wire::Txid txid;
    Direction direction = Direction::incoming;
    EntryState state = EntryState::pending;
    wire::Amount amount;                            ///< without fee and change
    wire::Amount fee;                               ///< what this wallet paid; zero for incoming
    std::vector<crypto::PublicKey> counterparties;  ///< senders, or payees; none for genesis
    wire::Expiry expiry;
    std::optional<wire::Height> height;
    std::vector<wire::Outpoint> spends;  ///< own coins
    /// Of an own payment while it may have to be sent again; its input's coin gives compact form.
    std::optional<wire::Transaction> transaction;
    std::string label = {};  ///< the owner's, kept in a row of its own
    friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

}  // namespace meshchain::wallet
