#pragma once
// Reads everything on the wire, and finds an honest validator that signed what could be slashed:
// two votes of a round, a surround vote, two blocks of a slot (PROTOCOL.md P3). Whatever it crashed
// in, it must not.
//
// Ownership: findings and genesis outlive it.
// Limits:    memory grows with what is signed.

#include <map>
#include <set>

#include "ledger/genesis.h"
#include "sim/findings.h"
#include "wire/vote.h"

namespace meshchain::sim {

class SignatureWatch {
public:
    /// `dishonest`: validating keys whose owners do as they like.
    SignatureWatch(const ledger::Genesis& genesis, std::set<crypto::PublicKey> dishonest,
                   Findings& findings);

    void handle_datagram(base::Bytes datagram);

    std::uint64_t votes() const { return votes_; }
    std::uint64_t blocks() const { return blocks_; }

private:
    using Statement = std::pair<wire::ValidatorIndex, std::uint32_t>;

    void note_vote(const wire::Vote& vote);
    void note_block(const wire::BlockHeader& header);
    bool is_signed(const wire::Vote& vote) const;
    bool is_honest(wire::ValidatorIndex validator) const;
    std::string who(wire::ValidatorIndex validator) const;

    const ledger::Genesis& genesis_;
    wire::ChainId chain_;
    std::set<crypto::PublicKey> dishonest_;
    Findings& findings_;
    std::set<wire::Hash> known_;  ///< payloads that were read already
    std::map<Statement, wire::Vote> vote_of_round_;
    std::map<Statement, wire::Hash> block_of_slot_;
    std::uint64_t votes_ = 0;
    std::uint64_t blocks_ = 0;
};

}  // namespace meshchain::sim
