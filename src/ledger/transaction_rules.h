#pragma once
// When a transaction is valid, against a view of the coins (rows A1, A3, A7; PROTOCOL.md P2). The
// one verifier of transactions: node, mempool and blocks all ask it.
//
// A spent coin is the nonce and expiry the timestamp (P2.8): a transaction that was applied finds
// its coins gone, on this chain and its forks; on another chain its signature fails.

#include "ledger/signature_queue.h"
#include "ledger/stake_book.h"

namespace meshchain::ledger {

/// Transactions whose signatures were judged good before, so that they are not judged again: a
/// wtxid covers the coins spent (and so their owners) and every signature.
class VerifiedSet {
public:
    virtual ~VerifiedSet() = default;
    virtual bool contains(const wire::Wtxid& id) const = 0;
};
class NothingVerified final : public VerifiedSet {
public:
    bool contains(const wire::Wtxid&) const override { return false; }
};

/// A transaction that is valid where it was checked.
struct CheckedTransaction {
    wire::Transaction transaction;  ///< expanded, whatever form it came in
    wire::Txid txid;
    wire::Wtxid wtxid;
    wire::Amount fee;
    std::vector<wire::Output> spent;  ///< the coin of each input
    StakeWrites stakes;               ///< what its operation does to rows of stakes
    wire::WireTransaction shortest;   ///< the form to store and relay
    std::size_t shortest_bytes = 0;   ///< of that form
    friend bool operator==(const CheckedTransaction&, const CheckedTransaction&) = default;
};

/// Judges `transaction` for a block of `slot` on top of `coins`. A compact form is expanded to the
/// first of its at most four candidates whose owner signed it.
/// Errors: not_found (no such coin, or spent), bad_signature, stale (expired), future (expires too
/// far ahead), invalid_argument (amounts, counts, a coin twice), and those of the view, which are
/// no verdict: see is_rule_violation.
///
/// With `later`, signatures that are not in `verified` are taken for right and put there, except
/// where they decide which of several coins is spent.
std::expected<CheckedTransaction, base::Error> check(const wire::ChainId& chain,
                                                     const wire::WireTransaction& transaction,
                                                     wire::Slot slot, const CoinView& coins,
                                                     const VerifiedSet& verified,
                                                     SignatureQueue* later = nullptr);

/// Whether an error of `check` or `execute` says that the input is invalid. If not, the storage
/// behind the view failed and nothing is known.
bool is_rule_violation(const base::Error& error);

/// The coins it makes: output i at (txid, i).
std::vector<Coin> created_coins(const CheckedTransaction& transaction);

}  // namespace meshchain::ledger
