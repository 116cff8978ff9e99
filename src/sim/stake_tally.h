#pragma once
// Stakes as the FINAL history moves them, kept outside the nodes and by rules of its own
// (PROTOCOL.md P2.11): who holds which seat, what is bonded there, waits and was earned, and what
// was burnt. It finds
//
//   stake           an operation that moves what is not there, or too early
//   slashed-once    what was burnt moves again, or burns again
//   slashed-honest  an honest validator lost its stake, or somebody without proof
//
// Ownership: findings outlive it.
// Limits:    memory grows with the operations.

#include <map>
#include <set>
#include <vector>

#include "ledger/genesis.h"
#include "sim/findings.h"
#include "wire/block.h"

namespace meshchain::sim {

class StakeTally {
public:
    /// `dishonest`: validating keys whose owners may lose what they staked.
    StakeTally(const ledger::Genesis& genesis, std::set<crypto::PublicKey> dishonest,
               Findings& findings);

    /// The next FINAL block: its transactions in their order, then its end.
    void begin(const wire::BlockHeader& header) { header_ = header; }
    void apply(const wire::TransactionBody& body, const std::string& what);
    void end();

    /// What a node's rows say must be this; `whose` is in the complaint.
    void compare(const std::string& whose, const ledger::StakeRows& rows);
    std::size_t slashed() const { return gone_.size(); }
    bool is_slashed(const crypto::PublicKey& key) const { return gone_.contains(key); }
    /// Zero for who is no validator.
    std::uint64_t bonded(const crypto::PublicKey& key) const;
    std::size_t operations() const { return operations_; }
    struct Holder {
        std::uint16_t seat = 0;
        crypto::PublicKey key;
        std::uint64_t bonded = 0;
    };
    /// Of every seat that was ever taken, ascending.
    std::vector<Holder> holders() const;

private:
    struct Seat {
        crypto::PublicKey identity;
        crypto::PublicKey key;
        std::uint64_t bonded = 0;
        std::uint64_t waiting = 0;
        std::uint64_t earned = 0;
        std::uint32_t emptied = 0;
        bool slashed = false;
    };
    using BondKey = std::pair<crypto::PublicKey, crypto::PublicKey>;  ///< validator, owner

    void run(const wire::Register& operation);
    void run(const wire::Delegate& operation);
    void run(const wire::Unbond& operation);
    void run(const wire::Withdraw& operation);
    void run(const wire::Claim& operation);
    void run(const wire::Report& operation);
    void run(const wire::Testimony& operation);
    void complain(std::string rule, std::string text);
    /// Of a key that holds one and has its stake; complains otherwise.
    Seat* sound_seat(const crypto::PublicKey& key);
    bool is_vacant(const Seat& seat) const;

    wire::ChainId chain_;
    std::uint32_t unbond_epochs_;
    std::set<crypto::PublicKey> dishonest_;
    Findings& findings_;
    wire::BlockHeader header_;
    std::uint64_t fees_ = 0;  ///< of the block so far
    std::string what_;        ///< the transaction that is applied
    std::map<std::uint16_t, Seat> seats_;
    std::map<BondKey, std::uint64_t> bonds_;
    std::map<std::pair<std::uint32_t, BondKey>, std::uint64_t> waiting_;  ///< by first epoch
    std::set<crypto::PublicKey> gone_;  ///< validating keys that were slashed
    std::set<crypto::PublicKey> gone_identities_;
    std::uint64_t burnt_ = 0;
    std::size_t operations_ = 0;
};

}  // namespace meshchain::sim
