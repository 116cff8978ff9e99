#pragma once
// A wallet: follows the chain for its own coins and payments, locked or not, and signs payments
// while it is unlocked.
//
// What is told by handle_* and what is reserved by a payment is in the store before the call
// returns, so a restart at any point shows the same wallet, and a payment signed before a crash is
// still there to be sent. The store may be behind or ahead of the node's chain after a crash: the
// node compares tip() with its own, reverts and applies until they agree.
//
// Ownership: the store outlives the wallet, which owns one of its tables.
// Time:      none; slots come with blocks and calls.
// Limits:    memory grows with the coins that are unspent and the payments that are not final, of
//            which incoming ones in no block are at most pending_incoming_max; the rest of the
//            history is read from the store.
// Threads:   one owner.
// Errors:    of the store: after one of handle_*, memory and store are as before the call.
// Format:    docs/formats/wallet-key-file.md (secrets), docs/formats/wallet-table.md (scan state)

#include <functional>
#include <memory>

#include "kv/schema.h"
#include "wallet/block_change.h"
#include "wallet/coin.h"
#include "wallet/key_file.h"
#include "wallet/secret_keys.h"

namespace meshchain::kv {
class Store;
}

namespace meshchain::wallet {

/// Disjoint sums over own coins that nothing spends; their total is what the wallet would hold if
/// every payment under way succeeded.
struct Balance {
    wire::Amount final{};        ///< in FINAL blocks: nobody can take it back
    wire::Amount live{};         ///< in blocks that can still be undone
    wire::Amount pending_in{};   ///< in no block yet, change of own payments included
    wire::Amount pending_out{};  ///< amounts and fees of own payments that are not FINAL
    wire::Amount locked{};       ///< own coins that those payments spend, change among them once
    friend bool operator==(const Balance&, const Balance&) = default;
};

struct Tip {
    wire::Height height;
    wire::Hash hash;
    friend bool operator==(const Tip&, const Tip&) = default;
};

/// A coin of the chain's state, for start_from.
struct OwnedCoin {
    wire::Outpoint outpoint;
    wire::Output output;
};

struct PaymentOrder {
    crypto::PublicKey payee;
    wire::Amount amount;
    wire::FeeCode fee;
    wire::Expiry expiry;
};

/// An operation on stakes (PROTOCOL.md P2.11), paid for with own coins.
struct OperationOrder {
    wire::Operation operation;
    wire::FeeCode fee;
    wire::Expiry expiry;
};

struct Payment {
    wire::Txid txid;
    wire::TransactionBody body;
    wire::WireTransaction wire;  ///< compact where one coin pays
};

class Wallet {
public:
    static constexpr std::size_t pending_incoming_max = 256;
    static constexpr std::size_t label_bytes_max = 80;

    /// Reads the scan state; the wallet is locked. A table filled for other keys or another chain
    /// is refused.
    /// Errors: conflict, corrupt, those of the store.
    static std::expected<std::unique_ptr<Wallet>, base::Error> open(kv::Store& store,
                                                                    kv::Table table,
                                                                    const wire::ChainId& chain,
                                                                    KeyFile keys);
    ~Wallet();
    Wallet(const Wallet&) = delete;
    Wallet& operator=(const Wallet&) = delete;

    const KeyFile& key_file() const;
    /// False for a wallet that only watches.
    bool can_sign() const;
    /// Takes over a key file with more keys, or sealed otherwise. The wallet is locked afterwards,
    /// and with more keys it starts over: tip() is nothing until the chain is told again.
    /// Errors: conflict (not the same wallet with at least its keys), those of the store.
    std::expected<void, base::Error> handle_key_file(KeyFile keys);

    /// The keys that were handed out or that somebody has paid. At least one.
    std::span<const crypto::PublicKey> addresses() const;
    /// Errors: full (no derived key is left: see keys_wanted), those of the store.
    std::expected<crypto::PublicKey, base::Error> hand_out_address();
    /// How many keys the file should have; more than it has when the lookahead runs short, for who
    /// opens it next (OpenedKeyFile::with_keys).
    std::size_t keys_wanted() const;

    /// Errors: conflict (keys of another wallet, or not all).
    std::expected<void, base::Error> unlock(SecretKeys secret);
    /// Wipes the secret keys from memory.
    void lock();
    bool is_unlocked() const;

    /// Whether open() found an empty table.
    bool is_new() const;
    /// The last block told; nothing before genesis.
    std::optional<Tip> tip() const;
    /// Forgets what it was told of the chain, and what it learned from that; tip() is nothing then.
    /// Errors: those of the store.
    std::expected<void, base::Error> start_over();
    /// `block` must follow tip(). Telling a block again after a failure is safe.
    /// Errors: invalid_argument (not the next height), those of the store.
    std::expected<void, base::Error> handle_block_applied(const BlockChange& block);
    /// Takes the tip back. Its transactions become pending.
    /// Errors: invalid_argument (not the tip, or FINAL), those of the store.
    std::expected<void, base::Error> handle_block_reverted(wire::Height height,
                                                           const wire::Hash& hash);
    /// Everything up to `height`, whose block has `slot`, is FINAL.
    /// Errors: invalid_argument (above the tip), those of the store.
    std::expected<void, base::Error> handle_final(wire::Height height, wire::Slot slot);
    /// A valid transaction in no block. Ignored unless it concerns this wallet, or when
    /// pending_incoming_max are known. Errors: those of the store.
    std::expected<void, base::Error> handle_transaction_seen(const TransactionChange& transaction);

    /// The chain was told to its end: own payments of before that it has not shown are taken up
    /// again, or are dead. Errors: those of the store.
    std::expected<void, base::Error> handle_chain_read();
    /// Whether own payments wait for handle_chain_read, so that none should be made.
    bool is_reading_again() const;
    /// In place of the blocks up to `block`, which is FINAL: the coins that owners of addresses
    /// have there. The history before it stays unknown.
    /// Errors: invalid_argument (blocks were told already), those of the store.
    std::expected<void, base::Error> start_from(std::span<const OwnedCoin> coins, const Tip& block);

    Balance balance() const;
    /// Coins that no transaction spends, in outpoint order.
    std::vector<Coin> coins() const;
    /// Newest first, at most `count` with a sequence below `before`.
    /// Errors: corrupt, those of the store.
    std::expected<std::vector<HistoryEntry>, base::Error> history(
        std::size_t count, std::uint64_t before = ~std::uint64_t{0}) const;
    /// An entry that is pending or live.
    const HistoryEntry* find_open(const wire::Txid& txid) const;
    /// Any entry; one that is over is looked for through the history.
    /// Errors: corrupt, those of the store.
    std::expected<std::optional<HistoryEntry>, base::Error> find(const wire::Txid& txid) const;
    /// Errors: too_large (label_bytes_max), invalid_argument (it is not for showing: base/utf8.h).
    static std::expected<void, base::Error> check_label(std::string_view label);
    /// Errors: not_found, those of check_label() and of the store.
    std::expected<void, base::Error> set_label(const wire::Txid& txid, std::string_view label);

    /// Chooses coins, signs and reserves them: no other payment takes them until this one is dead.
    /// The change returns to the key of the first input. Durable when it returns.
    /// Errors: unauthorized (locked), invalid_argument (zero or too large an amount, a payee
    /// nobody can sign for, an expiry outside its window), full (insufficient), too_large (coins
    /// too small), those of the store.
    std::expected<Payment, base::Error> create_payment(const PaymentOrder& order,
                                                       wire::Slot now_slot);
    /// Signs for a key that must agree to an operation and is none of the wallet's; nothing if it
    /// is not there.
    using Cosign = std::function<std::optional<crypto::Signature>(const crypto::PublicKey& key,
                                                                  base::Bytes preimage)>;
    /// As create_payment. What the operation releases, and the change, go to the key of the first
    /// input. Errors: unauthorized (locked, or nobody signs for a key that must agree), and those
    /// of create_payment.
    std::expected<Payment, base::Error> create_operation(const OperationOrder& order,
                                                         wire::Slot now_slot, const Cosign& cosign);
    /// Pays again from exactly the same inputs, so that at most one of the two can happen
    /// (PROTOCOL.md P2.4), whether the first is under way or dead. A payee of one's own is how a
    /// payment under way is called back.
    /// Errors: not_found (no such own payment), conflict (it is in a block, or another transaction
    /// spends a coin of it), full (the inputs cannot bear it), and those of create_payment.
    std::expected<Payment, base::Error> reissue_payment(const wire::Txid& txid,
                                                        const PaymentOrder& order,
                                                        wire::Slot now_slot);
    /// Forgets a payment that never left this node (its own mempool refused it) and frees its
    /// coins. Errors: not_found, conflict (it is in a block, or its change is spent).
    std::expected<void, base::Error> discard_payment(const wire::Txid& txid);
    /// Own payments in no block, to be sent (again), parents before children.
    std::vector<Payment> payments_to_send() const;

    /// Asserts what must always hold between coins and entries.
    void check_invariants() const;

private:
    struct Parts;
    explicit Wallet(std::unique_ptr<Parts> parts);
    /// Signs and reserves; `coins` suffice for `needed`.
    std::expected<Payment, base::Error> pay_from(const std::vector<Coin>& coins,
                                                 const PaymentOrder& order, wire::Amount needed);
    std::expected<const HistoryEntry*, base::Error> find_pending_payment(
        const wire::Txid& txid) const;
    std::expected<void, base::Error> check_signing() const;
    std::expected<std::vector<Coin>, base::Error> choose_coins(wire::Amount needed) const;
    std::expected<crypto::Signature, base::Error> sign_as(const crypto::PublicKey& key,
                                                          base::Bytes preimage,
                                                          const Cosign& cosign) const;
    std::expected<Payment, base::Error> keep_payment(const wire::Transaction& transaction,
                                                     const std::vector<Coin>& coins);
    std::expected<std::vector<Coin>, base::Error> coins_to_reuse(const wire::Txid& txid) const;

    std::unique_ptr<Parts> parts_;
};

}  // namespace meshchain::wallet
