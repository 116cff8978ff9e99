#pragma once
// Reads everything on the wire, and finds who signed what can be slashed: two votes of a round, a
// surround vote, two blocks of a slot (PROTOCOL.md P3). Whatever an honest validator crashed in, it
// must not.
//
// Ownership: findings outlive it.
// Limits:    memory grows with what is signed; of what is said in short and names blocks that are
// not
//            known yet the last waiting_max are kept, and tried tries_max times.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "ledger/genesis.h"
#include "sim/findings.h"
#include "wire/short_block.h"
#include "wire/short_vote.h"

namespace meshchain::sim {

class SignatureWatch {
public:
    /// `dishonest`: validating keys whose owners do as they like. `people`: those who may take a
    /// seat besides the validators of genesis.
    SignatureWatch(const ledger::Genesis& genesis, std::set<crypto::PublicKey> dishonest,
                   Findings& findings, std::span<const crypto::PublicKey> people = {});

    void handle_datagram(base::Bytes datagram);
    /// The same of what a radio carries; a message in pieces is not read.
    void handle_packet(base::Bytes packet);
    /// What a short block stands for, as somebody has it who can tell; nothing where nobody can.
    std::function<std::optional<wire::BlockHeader>(const wire::ShortBlock&)> expand_block;
    /// Tries again what could not be read when it was said, as nobody had the blocks it names.
    void retry();

    /// Those against whom there is proof.
    const std::set<crypto::PublicKey>& guilty() const { return guilty_; }
    /// What honest validators signed.
    std::uint64_t votes() const { return votes_; }
    std::uint64_t blocks() const { return blocks_; }
    /// What was said in short by whomever, and could not be read, or not yet.
    std::uint64_t unchecked() const { return given_up_ + waiting_.size(); }

    static constexpr std::size_t waiting_max = 256;
    static constexpr int tries_max = 60;

private:
    using Statement = std::pair<crypto::PublicKey, std::uint32_t>;

    void handle_object(wire::MessageType type, base::Bytes payload);
    /// False: the blocks that it names are not known yet.
    bool read(wire::MessageType type, base::Bytes payload);
    void note_vote(const wire::Vote& vote);
    bool note_short_vote(const wire::ShortVote& vote);
    bool note_short_block(const wire::ShortBlock& block);
    std::optional<wire::BlockHeader> expand_like_sibling(const wire::ShortBlock& block) const;
    void note_block(const wire::BlockHeader& header);
    void condemn(const crypto::PublicKey& key, std::string what);
    bool is_honest(const crypto::PublicKey& key) const { return !dishonest_.contains(key); }
    /// Who signed it as the holder of this seat.
    template <class Signed>
    const crypto::PublicKey* signer(wire::ValidatorIndex seat, const Signed& statement) const;

    wire::ChainId chain_;
    std::vector<crypto::PublicKey> people_;  ///< validators of genesis, in order, and then others
    bool may_change_ = false;                ///< who holds a seat
    std::set<crypto::PublicKey> dishonest_;
    Findings& findings_;
    std::set<crypto::PublicKey> guilty_;
    std::set<wire::Hash> known_;  ///< payloads that were read already
    std::multimap<Statement, wire::Vote> votes_of_round_;
    std::map<Statement, wire::Hash> block_of_slot_;
    struct Named {
        wire::Hash hash;
        wire::Slot slot;
    };
    std::map<wire::BlockName, Named> named_;
    std::map<wire::Hash, wire::BlockHeader> headers_;  ///< that were signed
    struct Waiting {
        wire::MessageType type;
        base::Buffer payload;
        int tries = 0;
    };
    std::deque<Waiting> waiting_;  ///< the oldest first
    std::uint64_t given_up_ = 0;
    std::uint64_t votes_ = 0;
    std::uint64_t blocks_ = 0;
};

}  // namespace meshchain::sim
