#pragma once
// The only place that signs votes and blocks: refuses what could be slashed, and returns a
// signature only after what it signs is durable.
//
// Errors: unauthorized (refused), those of the store (nothing was signed as far as others can
//         tell; asking again is safe).

#include <expected>
#include <optional>

#include "base/log.h"
#include "consensus/validator_set.h"
#include "consensus/vote_store.h"

namespace meshchain::consensus {

class Signer {
public:
    /// `store` outlives the signer. No key: refuses everything.
    Signer(const wire::ChainId& chain, std::optional<crypto::SigningKey> key, VoteStore& store,
           base::Log log);

    /// Takes over what was durable. Errors: those of the store, conflict (another key's record).
    std::expected<void, base::Error> load(const VoteStore::Content& content);

    const std::optional<crypto::SigningKey>& key() const { return key_; }
    const SigningRecord& record() const { return record_; }
    /// Somebody else signed with this key since the start.
    bool is_key_used_elsewhere() const { return used_elsewhere_; }
    const std::optional<wire::Vote>& last_vote() const { return last_vote_; }
    const std::optional<wire::Block>& last_block() const { return last_block_; }

    /// The clock is checked, and a clock that agrees with it says this round at most: fixes what
    /// FINAL must pass.
    void note_checked_round(wire::Round round);
    void note_final(wire::Round round);
    /// A vote of this key that this record does not know: somebody else signs with it.
    void note_foreign_vote(const wire::Vote& vote);
    void note_foreign_block(wire::Slot slot);

    /// What this key commits to in an epoch: always the same, and known to its holder alone.
    Hash secret(std::uint32_t epoch) const;
    bool may_vote(const wire::Checkpoint& source, wire::Round round) const;
    bool may_propose(wire::Slot slot) const;
    /// Fills in the signature.
    std::expected<void, base::Error> sign_vote(wire::Vote& vote);
    std::expected<void, base::Error> sign_block(wire::Block& block);

private:
    void save(const SigningRecord& record);

    wire::ChainId chain_;
    std::optional<crypto::SigningKey> key_;
    VoteStore* store_;
    base::Log log_;
    SigningRecord record_;
    bool used_elsewhere_ = false;
    std::optional<wire::Vote> last_vote_;
    std::optional<wire::Block> last_block_;
};

}  // namespace meshchain::consensus
