#pragma once
// Proof that a final block holds a transaction (rows A10, J4): whoever has the genesis can check
// it, with no other node at hand.
//
// It holds the transaction with its Merkle branch, the headers from its block up to one that more
// than 2/3 of the stake made FINAL, and their votes, half-aggregated. Headers need no signatures:
// each is named by the next one, the last by the votes.
//
// Limits: `headers_max` headers between the block and the certificate.
// Errors: malformed, wrong_version, wrong_chain, bad_signature; not_found.
// Format: docs/formats/proof.md

#include "chain/chain_store.h"
#include "consensus/validator_set.h"
#include "wire/aggregated_certificate.h"
#include "wire/state.h"

namespace meshchain::chain {

struct TransactionProof {
    static constexpr std::size_t headers_max = 4096;

    wire::ChainId chain;
    wire::InclusionResponse inclusion;
    std::vector<wire::BlockHeader> headers;   ///< ascending; the first is the block's own
    wire::AggregatedCertificate certificate;  ///< of the last header
    friend bool operator==(const TransactionProof&, const TransactionProof&) = default;
};

base::Buffer encode(const TransactionProof& proof);
/// Errors: malformed, wrong_version, too_large.
std::expected<TransactionProof, base::Error> parse_transaction_proof(base::Bytes bytes);

/// The name of a header of this chain; nothing if its proposer is no validator.
std::optional<wire::Hash> name_of(const wire::ChainId& chain,
                                  const consensus::ValidatorSet& validators,
                                  const wire::BlockHeader& header);
/// Whether the branch leads from the transaction to the header's root.
bool is_included(const wire::ChainId& chain, const wire::InclusionResponse& inclusion,
                 const wire::BlockHeader& header);

/// Checks everything about the proof and returns the id of the transaction it proves.
std::expected<wire::Txid, base::Error> verify(const TransactionProof& proof,
                                              const wire::ChainId& chain,
                                              const consensus::ValidatorSet& validators);

/// Where the applied chain holds the transaction; nothing if it does not.
std::expected<std::optional<wire::InclusionResponse>, base::Error> find_inclusion(
    const ChainStore& store, const wire::Txid& txid);
/// Errors: not_found (no such transaction up to `final`), too_large (headers_max), corrupt.
std::expected<TransactionProof, base::Error> make_proof(const ChainStore& store,
                                                        const consensus::ValidatorSet& validators,
                                                        const wire::Certificate& certificate,
                                                        wire::Height final, const wire::Txid& txid);

}  // namespace meshchain::chain
