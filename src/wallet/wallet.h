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

#include <memory>

#include "kv/schema.h"
#include "wallet/block_change.h"
#include "wallet/coin.h"
#include "wallet/key_file.h"

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
    wire::Amount locked{};       ///< own coins that those payments spend
    friend bool operator==(const Balance&, const Balance&) = default;
};

struct Tip {
    wire::Height height;
    wire::Hash hash;
    friend bool operator==(const Tip&, const Tip&) = default;
};

struct PaymentOrder {
    crypto::PublicKey payee;
    wire::Amount amount;
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
    /// Takes over what add_key made of key_file(). The wallet is locked afterwards.
    /// Errors: conflict (not the same wallet with more keys), those of the store.
    std::expected<void, base::Error> handle_key_file(KeyFile keys);

    /// Takes as long as the file's KdfCost. Tries are counted in memory: a restart forgets them.
    /// Errors: those of open_key_file; unauthorized names the number of wrong tries.
    std::expected<void, base::Error> unlock(base::Kdf& kdf, base::Bytes passphrase);
    /// Wipes the secret keys from memory.
    void lock();
    bool is_unlocked() const;
    std::uint32_t wrong_tries() const;

    /// The last block told; nothing before genesis.
    std::optional<Tip> tip() const;
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

    Balance balance() const;
    /// Coins that no transaction spends, in outpoint order.
    std::vector<Coin> coins() const;
    /// Newest first, at most `count` with a sequence below `before`.
    /// Errors: corrupt, those of the store.
    std::expected<std::vector<HistoryEntry>, base::Error> history(
        std::size_t count, std::uint64_t before = ~std::uint64_t{0}) const;
    /// An entry that is pending or live.
    const HistoryEntry* find_open(const wire::Txid& txid) const;

    /// Chooses coins, signs and reserves them: no other payment takes them until this one is dead.
    /// The change returns to the key of the first input. Durable when it returns.
    /// Errors: unauthorized (locked), invalid_argument (zero or too large an amount, a payee
    /// nobody can sign for, an expiry outside its window), full (insufficient), too_large (coins
    /// too small), those of the store.
    std::expected<Payment, base::Error> create_payment(const PaymentOrder& order,
                                                       wire::Slot now_slot);
    /// Pays again from exactly the same inputs, so that at most one of the two can happen
    /// (PROTOCOL.md P2.4). A payee of one's own is how a payment under way is called back.
    /// Errors: not_found (no such own pending payment), conflict (it is in a block), full (the
    /// inputs cannot bear it), and those of create_payment.
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

    std::unique_ptr<Parts> parts_;
};

}  // namespace meshchain::wallet
