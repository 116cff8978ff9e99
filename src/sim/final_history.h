#pragma once
// The one history that all honest nodes must call FINAL, kept outside of them and by rules of its
// own: each input is a coin that exists, with its amount, and is spent once; nothing is made of
// nothing; and what was called FINAL once stays so.
//
// Ownership: findings and genesis outlive it.
// Limits:    memory grows with the history.

#include <map>
#include <vector>

#include "ledger/genesis.h"
#include "node/node.h"
#include "sim/findings.h"

namespace meshchain::sim {

class FinalHistory {
public:
    FinalHistory(const ledger::Genesis& genesis, std::size_t machines, Findings& findings);

    /// What an honest node calls FINAL now: each block, or of a light node the newest.
    void look(std::size_t machine, const node::Node& node, base::Now now);
    /// Everything again, from its first block on.
    void look_again(std::size_t machine, const node::Node& node, base::Now now);
    /// Its disk is gone, and nobody can blame it for what it does not know.
    void forget(std::size_t machine) { seen_[machine] = 0; }
    /// Coins, fee balances and stakes in the tables of an honest node are all the supply.
    void check_supply(std::size_t machine, kv::Store& store);

    /// A transaction of the next FINAL block: against the coins of those before.
    void apply(const wire::Txid& txid, const wire::Transaction& transaction);
    /// A light node calls this FINAL; who is ahead of all others is judged when they come there.
    void look_at_proof(std::size_t machine, std::uint32_t height, const wire::Hash& block);

    std::size_t height() const { return blocks_.size(); }
    bool contains(const wire::Txid& txid) const { return transactions_.contains(txid); }

private:
    void look_at_block(std::size_t machine, const node::Node& node, std::uint32_t height,
                       std::uint32_t history_start);
    void append(std::size_t machine, const node::Node& node, const node::BlockView& block);
    void complain(std::size_t machine, std::string rule, std::string text);

    wire::ChainId chain_;
    std::uint64_t supply_;
    std::uint64_t stakes_ = 0;
    Findings& findings_;
    std::vector<wire::Hash> blocks_;   ///< of heights 1 …
    std::vector<std::uint32_t> seen_;  ///< by machine: the greatest FINAL it has told
    std::map<std::pair<std::uint32_t, std::size_t>, wire::Hash> proofs_;  ///< above `blocks_`
    std::map<wire::Outpoint, wire::Output> coins_;
    std::map<wire::Txid, std::uint32_t> transactions_;  ///< with their heights
};

}  // namespace meshchain::sim
