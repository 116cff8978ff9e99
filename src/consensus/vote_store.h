#pragma once
// What consensus keeps on disk, in one kv table: the signing record, own votes and the last own
// block, the proofs of justified checkpoints from FINAL on, FINAL with its certificate, evidence.
//
// Errors: a value that does not parse is corrupt: signing on without it could be slashed, so the
//         node must not start. Each write is one durable commit, or several when only erasing.
// Format: docs/formats/consensus-record.md

#include <expected>
#include <optional>
#include <vector>

#include "consensus/block_tree.h"
#include "consensus/certificate_store.h"
#include "kv/store.h"
#include "wire/vote.h"

namespace meshchain::consensus {

/// What this key has signed. Without it a key cannot know what would be slashed.
struct SigningRecord {
    crypto::PublicKey key;
    wire::Round last_round;        ///< target round of the last vote
    wire::Checkpoint last_source;  ///< of the last vote; zero before the first
    wire::Slot last_block_slot;
    bool waiting = false;                       ///< restored: signs nothing yet
    std::optional<wire::Round> waiting_beyond;  ///< FINAL must pass this; once known
};

struct StoredFinal {
    wire::Height height;
    wire::Certificate certificate;
};

/// Implicit: where no certificates are kept by height, the record's table is all.
struct VoteTables {
    VoteTables(kv::Table record_in, std::optional<kv::Table> certificates_in = {})
        : record(record_in), certificates(certificates_in) {}
    kv::Table record;
    std::optional<kv::Table> certificates;
};

class VoteStore {
public:
    /// Rounds in which this node voted whose votes stay on disk.
    static constexpr std::size_t own_votes_kept = 4;

    VoteStore(kv::Store& store, VoteTables tables) : store_(&store), table_(tables.record) {
        if (tables.certificates) certificates_.emplace(store, *tables.certificates);
    }

    /// Writes the empty record that belongs to a key made just now. A key whose record is missing
    /// is taken for restored and must wait until FINAL has passed its start.
    /// Errors: exists, those of the store.
    static std::expected<void, base::Error> create(kv::Store& store, kv::Table table,
                                                   const crypto::PublicKey& key);

    /// The record alone, of a store or as a batch writes it; nothing where there is none.
    static std::expected<std::optional<SigningRecord>, base::Error> read_record(kv::View& view,
                                                                                kv::Table table);
    static std::expected<std::optional<SigningRecord>, base::Error> record_in(
        const kv::Batch& batch, kv::Table table);

    struct Content {
        std::optional<SigningRecord> record;
        std::vector<wire::Vote> own_votes;  ///< ascending by round
        std::optional<wire::Block> own_block;
        std::vector<wire::Vote> proofs;  ///< ascending by round
        std::optional<StoredFinal> final;
        std::vector<wire::Evidence> evidence;
    };
    std::expected<Content, base::Error> load();

    std::expected<void, base::Error> write_record(const SigningRecord& record);
    /// Record and vote in one commit; drops all but the last own votes.
    std::expected<void, base::Error> write_vote(const SigningRecord& record,
                                                const wire::Vote& vote);
    std::expected<void, base::Error> write_block(const SigningRecord& record,
                                                 const wire::Block& block);
    std::expected<void, base::Error> write_proofs(const std::vector<wire::Vote>& votes);
    std::expected<void, base::Error> erase_proofs_below(wire::Round round);
    /// In place of FINAL at height `previous`; its certificate is kept by height as well.
    std::expected<void, base::Error> write_final(wire::Height previous, const StoredFinal& final,
                                                 bool new_epoch = false);
    /// FINAL and the proofs above it, where the chain does not hold them any more.
    std::expected<void, base::Error> forget_final();
    std::expected<void, base::Error> write_evidence(wire::ValidatorIndex against,
                                                    const wire::Evidence& evidence);

private:
    kv::Store* store_;
    kv::Table table_;
    std::optional<CertificateStore> certificates_;
    std::vector<wire::Round> own_rounds_;  ///< on disk, ascending
};

}  // namespace meshchain::consensus
