#pragma once
// The inside of a Wallet, shared by the files that implement it.

#include "wallet/wallet.h"
#include "wallet/wallet_state.h"

namespace meshchain::wallet {

struct Wallet::Parts {
    wire::ChainId chain;
    KeyFile keys;
    std::map<crypto::PublicKey, std::uint16_t> key_index;
    WalletState state;
    std::optional<SecretKeys> secret;

    std::optional<std::uint16_t> own_key(const crypto::PublicKey& owner) const;
    void index_keys();

    // Each of these changes `state` without committing it.

    /// Takes in a transaction of a block, or of none; false if it does not concern this wallet.
    /// A spender that is already recorded for one of its coins gives way to it.
    bool record(const TransactionChange& change, std::optional<wire::Height> height);
    /// Drops the coins a pending transaction would have made, as another spends its inputs now.
    void displace(const wire::Txid& txid);
    /// It can never happen any more: frees its coins, and takes what was built on it along.
    void kill(const wire::Txid& txid);
    /// As if it had never been: frees its coins. Nothing spends what it would have made.
    void forget(const wire::Txid& txid);
    /// It is FINAL: goes to the history, and its competitors are dead.
    void finish(const HistoryEntry& entry);
    std::size_t pending_incoming() const;
    /// Takes up again a payment of its own that the chain, read again, has not shown.
    void take_up(const HistoryEntry& held);
    /// Whether the coins it spends are noted as spent by it and by no competitor.
    bool is_foremost(const HistoryEntry& entry) const;

    std::uint16_t handed_out() const;

private:
    HistoryEntry describe(const TransactionChange& change) const;
    void create_coins(const wire::Txid& txid, const wire::TransactionBody& body,
                      std::optional<wire::Height> height);
    void spend_coins(const HistoryEntry& entry);
    void release(const wire::Outpoint& outpoint, const wire::Txid& spender);

    std::vector<wire::Txid> spenders_of(const wire::Txid& parent) const;
};

/// The sum, at most Amount::units_max, which sums over one chain never reach.
wire::Amount bounded_sum(wire::Amount a, wire::Amount b);

}  // namespace meshchain::wallet
