#pragma once
// Valid transactions that wait for a block (rows A5, A7; PROTOCOL.md P2.10).
//
// Order:     fee per byte decides who is proposed first and who leaves when it is full. A
//            transaction counts for the better of its own rate and that together with all that
//            spend its outputs; the newcomer loses ties.
// One coin, one spender: a second one is a conflict, whatever it pays.
// Chains:    unconfirmed outputs can be spent; who leaves takes its descendants along.
// Time:      the caller states the slot. The coins are those of the applied tip, and every call
//            that follows a change of the tip is named below.
// Ownership: borrows the coins, which outlive it. Returned pointers hold until the next change.
// Limits:    MempoolLimits, always kept. Several of one rate leave newest first.

#include <deque>
#include <map>
#include <set>
#include <span>

#include "chain/fee_rate.h"
#include "ledger/block_rules.h"

namespace meshchain::chain {

struct MempoolLimits {
    std::size_t transactions_max = 1000;
    std::size_t bytes_max = 1'000'000;  ///< of their shortest forms
    std::size_t per_key_max = 100;      ///< transactions spending coins of one key
    std::size_t per_ingress_max = 500;  ///< handed in by one peer
    std::size_t chain_max = 25;         ///< a transaction with its ancestors or descendants
    /// Of the last blocks, so that another one with the same is put together without asking.
    std::size_t included_max = 32;
};

class Mempool final : public ledger::VerifiedSet {
public:
    /// Who handed a transaction in; nobody for our own, which no ingress quota counts.
    using Ingress = std::optional<crypto::PublicKey>;

    Mempool(const wire::ChainId& chain, const ledger::CoinView& coins, MempoolLimits limits = {});

    /// Takes a transaction that is valid in a block of `slot`, and evicts worse ones if it must.
    /// Errors, with nothing changed: exists (held already, in whatever form), conflict (another
    /// one spends a coin of it, or its outputs have no short outpoint left), full (its fee rate is
    /// too low for what room there is, or its chain is too long), invalid_argument (it spends no
    /// coin), those of ledger::check.
    std::expected<const ledger::CheckedTransaction*, base::Error> submit(
        const wire::WireTransaction& transaction, wire::Slot slot, const Ingress& from);

    /// The best transactions valid at `slot`, parents before children, in at most `bytes_limit`
    /// bytes (without block header) and as many as a block may hold.
    std::vector<const ledger::CheckedTransaction*> select(std::size_t bytes_limit,
                                                          wire::Slot slot) const;

    /// After a block was applied on the tip: forgets its transactions and those that it made
    /// impossible. Returns the latter.
    std::vector<wire::Txid> remove_included(const ledger::BlockEffects& block);
    /// After a reorganisation: judges everything again on the new tip, and with it the transactions
    /// of the blocks left behind, given in chain order. No signature is verified twice. Returns
    /// what does not wait any more, because the new branch includes it or rules it out.
    std::vector<wire::Txid> put_back(std::span<const ledger::CheckedTransaction> reverted,
                                     wire::Slot slot);
    /// Forgets, and returns, what no block from `slot` on may hold.
    std::vector<wire::Txid> remove_expired(wire::Slot slot);

    bool contains(const wire::Wtxid& id) const override { return by_wtxid_.contains(id); }
    const ledger::CheckedTransaction* find(const wire::Txid& id) const;
    struct Matched {
        /// Nothing where none or several match.
        std::vector<std::optional<wire::WireTransaction>> transactions;
        /// What a header over them would commit to; nothing while one is missing.
        std::optional<wire::Hash> root;
    };
    /// The transactions that a block's announcement names, of those that wait and of those that the
    /// last blocks included. The ids are signed by nobody and short:
    /// the root says whether they are the block's.
    Matched match(const wire::Hash& block_hash, std::span<const std::uint32_t> short_ids) const;
    /// The coins after all transactions in here: what a wallet may spend next.
    const ledger::CoinView& coins() const { return coins_; }

    std::size_t size() const { return entries_.size(); }
    std::size_t bytes() const { return bytes_; }
    const MempoolLimits& limits() const { return limits_; }
    std::uint64_t evicted_count() const { return evicted_count_; }

    /// Asserts everything that is kept twice, and the limits.
    void check_invariants() const;

private:
    using Family = std::set<wire::Txid>;

    struct Entry {
        ledger::CheckedTransaction transaction;
        Ingress from;
        std::uint64_t arrival = 0;  ///< parents come before children
        Family parents;             ///< those that are in here
        Family children;
        FeeRate score;
    };
    /// In by_score_ the worst comes first, and of equals the newest.
    struct Rank {
        FeeRate score;
        std::uint64_t arrival;
        wire::Txid txid;
        bool operator<(const Rank& other) const;
    };

    const Entry& entry(const wire::Txid& id) const;
    Entry& entry(const wire::Txid& id);
    Family relatives(const Family& first, Family Entry::* direction) const;
    Family ancestors(const wire::Txid& id) const { return relatives({id}, &Entry::parents); }
    Family descendants(const wire::Txid& id) const { return relatives({id}, &Entry::children); }
    Family parents_of(const ledger::CheckedTransaction& transaction) const;

    /// A limit that a newcomer would exceed, and so whose entries may give way to it.
    struct Quota {
        Ingress key;
        Ingress ingress;
        bool covers(const Entry& entry) const;
    };
    struct Newcomer {
        ledger::CheckedTransaction transaction;
        Ingress from;
        Family parents;
    };

    std::expected<void, base::Error> check_alone(const wire::TransactionBody& body) const;
    base::Error explain_missing_coin(const wire::WireTransaction& transaction, wire::Slot slot,
                                     const base::Error& reason) const;
    std::expected<void, base::Error> check_chain(const Family& ancestors) const;
    std::optional<Quota> exceeded(const Newcomer& newcomer, const Family& doomed) const;
    std::optional<Family> find_victims(const Newcomer& newcomer, const Family& kept) const;
    std::expected<const ledger::CheckedTransaction*, base::Error> admit(
        ledger::CheckedTransaction transaction, const Ingress& from);
    std::expected<void, base::Error> spend_and_create(
        const ledger::CheckedTransaction& transaction);
    const ledger::CheckedTransaction* insert(Newcomer newcomer);
    Family impossible_operations() const;
    void rescore(const wire::Txid& id);
    void remove(const wire::Txid& id);
    std::vector<wire::Txid> remove_all(const Family& doomed);
    /// Entries in order of arrival, which is one of parents before children.
    std::vector<const Entry*> in_order(const Family& ids) const;

    wire::ChainId chain_;
    const ledger::CoinView* chain_coins_;
    MempoolLimits limits_;
    ledger::CoinOverlay coins_;
    std::map<wire::Txid, Entry> entries_;
    std::map<wire::Wtxid, wire::Txid> by_wtxid_;
    std::map<wire::Outpoint, wire::Txid> spenders_;
    std::set<Rank> by_score_;
    std::map<crypto::PublicKey, std::size_t> key_counts_;
    std::map<crypto::PublicKey, std::size_t> ingress_counts_;
    std::size_t bytes_ = 0;
    std::uint64_t arrivals_ = 0;
    struct Included {
        wire::Wtxid wtxid;
        wire::WireTransaction shortest;
    };
    std::deque<Included> included_;  ///< the newest last
    std::uint64_t evicted_count_ = 0;
};

}  // namespace meshchain::chain
