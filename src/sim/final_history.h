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
#include "sim/stake_tally.h"
#include "sim/testimony_tally.h"

namespace meshchain::sim {

class FinalHistory {
public:
    /// `dishonest`: validating keys whose owners may lose what they staked.
    FinalHistory(const ledger::Genesis& genesis, std::size_t machines, Findings& findings,
                 std::set<crypto::PublicKey> dishonest = {});

    /// A third of the stake or more cheats: two FINAL histories can be. A node that has another one
    /// than the first is not asked any more.
    void expect_forks() { expects_forks_ = true; }
    /// Nodes that have another FINAL history.
    std::size_t forks() const { return forked_.size(); }

    /// What an honest node calls FINAL now: each block, or of a light node the newest.
    void look(std::size_t machine, const node::Node& node, base::Now now);
    /// Everything again, from its first block on.
    void look_again(std::size_t machine, const node::Node& node, base::Now now);
    /// Its disk is gone, and nobody can blame it for what it does not know.
    void forget(std::size_t machine) {
        seen_[machine] = seen_before_[machine] = 0;
        damaged_.erase(machine);
    }
    /// Bits of its disk were turned over: it may say of what it called FINAL that it is damaged;
    /// and of its newest batch, which nothing tells from one that was under way when power went,
    /// it may know nothing.
    void expect_damage(std::size_t machine) {
        damaged_.insert(machine);
        seen_[machine] = seen_before_[machine];
    }
    /// Coins, fee balances and stakes in the tables of an honest node are all the supply.
    void check_supply(std::size_t machine, kv::Store& store);
    /// Its tip is the end of this history: it has the stakes that follow from it, and the rosters.
    void check_stakes(std::size_t machine, kv::Store& store);

    /// A transaction of the next FINAL block: against the coins of those before.
    void apply(const wire::Txid& txid, const wire::Transaction& transaction);
    /// A light node calls this FINAL; who is ahead of all others is judged when they come there.
    void look_at_proof(std::size_t machine, std::uint32_t height, const wire::Hash& block);

    std::size_t height() const { return blocks_.size(); }
    bool contains(const wire::Txid& txid) const { return transactions_.contains(txid); }
    const wire::Hash& tip() const { return blocks_.empty() ? chain_ : blocks_.back(); }
    const StakeTally& stakes() const { return stakes_; }
    const TestimonyTally& testimonies() const { return testimonies_; }

private:
    /// Whether it could be looked at.
    bool look_at_block(std::size_t machine, const node::Node& node, std::uint32_t height,
                       std::uint32_t history_start);
    bool append(std::size_t machine, const node::Node& node, const node::BlockView& block);
    void note_fork(std::size_t machine, std::string text);
    bool is_excused(std::size_t machine, const base::Error& error) const {
        return error.code == base::Errc::corrupt && damaged_.contains(machine);
    }
    void follow(std::size_t machine, const node::Node& node, const node::StatusView& status);
    void complain(std::size_t machine, std::string rule, std::string text);

    wire::ChainId chain_;
    std::uint64_t supply_;
    std::uint64_t fixed_stakes_ = 0;  ///< of a chain on which they do not move
    StakeTally stakes_;
    TestimonyTally testimonies_;
    Findings& findings_;
    std::vector<wire::Hash> blocks_;  ///< of heights 1 …
    bool expects_forks_ = false;
    std::set<std::size_t> forked_;
    std::set<std::size_t> damaged_;
    std::vector<std::uint32_t> seen_;         ///< by machine: the greatest FINAL it has told
    std::vector<std::uint32_t> seen_before_;  ///< the one it told before that
    std::map<std::pair<std::uint32_t, std::size_t>, wire::Hash> proofs_;  ///< above `blocks_`
    std::map<wire::Outpoint, wire::Output> coins_;
    std::map<wire::Txid, std::uint32_t> transactions_;  ///< with their heights
};

}  // namespace meshchain::sim
