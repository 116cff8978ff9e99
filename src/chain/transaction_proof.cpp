#include "chain/transaction_proof.h"

#include "consensus/certificate.h"
#include "crypto/merkle.h"

namespace meshchain::chain {
namespace {

constexpr const char* where = "transaction proof";
constexpr std::uint8_t version = 2;
constexpr std::string_view magic = "MCPR";

std::unexpected<base::Error> unproven(std::string what) {
    return base::failure(base::Errc::malformed, std::move(what), where,
                         "do not accept it; ask for another proof");
}

base::Error corrupt(std::string what) {
    return {base::Errc::corrupt, std::move(what), "chain store",
            "stop the node and run `meshchain store salvage`"};
}

/// The inclusion as its message has it, behind its length.
void write_inclusion(base::Buffer& out, const wire::InclusionResponse& inclusion) {
    const base::Buffer bytes = wire::encode(wire::StateResponse(inclusion));
    base::Writer(out).u16(static_cast<std::uint16_t>(bytes.size())).bytes(bytes);
}

wire::InclusionResponse read_inclusion(base::Reader& in) {
    const base::Bytes bytes = in.take(in.u16());
    const auto response = wire::parse_state_response(bytes);
    const auto* inclusion = response ? std::get_if<wire::InclusionResponse>(&*response) : nullptr;
    if (inclusion != nullptr) return *inclusion;
    in.fail();
    return {};
}

}  // namespace

base::Buffer encode(const TransactionProof& proof) {
    MESH_ASSERT(!proof.headers.empty() && proof.headers.size() <= TransactionProof::headers_max);
    base::Buffer out;
    base::Writer(out).text(magic).u8(version).bytes(proof.chain.bytes);
    write_inclusion(out, proof.inclusion);
    base::Writer(out).u16(static_cast<std::uint16_t>(proof.headers.size()));
    for (const wire::BlockHeader& header : proof.headers) wire::encode(header, out);
    base::Writer(out).bytes(wire::encode(proof.certificate));
    return out;
}

std::expected<TransactionProof, base::Error> parse_transaction_proof(base::Bytes bytes) {
    base::Reader in(bytes);
    if (!base::equal(in.take(magic.size()), base::as_bytes(magic))) {
        return base::failure(base::Errc::malformed, "this is no transaction proof", where,
                             "name a file that `tx proof` wrote");
    }
    if (const std::uint8_t found = in.u8(); in.ok() && found != version) {
        return base::failure(base::Errc::wrong_version, "version " + std::to_string(found), where,
                             "use a program that knows this version");
    }
    TransactionProof proof;
    proof.chain = {in.array<wire::Hash::size>()};
    proof.inclusion = read_inclusion(in);
    const std::size_t count = in.u16();
    if (count == 0 || count > TransactionProof::headers_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        if (const auto header = wire::read_block_header(in)) proof.headers.push_back(*header);
    }
    const base::Bytes certificate = in.rest();
    MESH_CHECK(in.finish(where));
    MESH_TRY(proof.certificate, wire::parse_aggregated_certificate(certificate));
    return proof;
}

std::optional<wire::Hash> name_of(const wire::ChainId& chain,
                                  const consensus::ValidatorSet& validators,
                                  const wire::BlockHeader& header) {
    // Of a later epoch other validators may count than those given.
    if (header.epoch != 0 || !validators.contains(header.proposer)) return std::nullopt;
    return wire::block_hash(chain, header, validators[header.proposer].key);
}

bool is_included(const wire::ChainId& chain, const wire::InclusionResponse& inclusion,
                 const wire::BlockHeader& header) {
    const wire::Txid txid = wire::txid(chain, inclusion.transaction.body);
    const wire::Wtxid leaf = wire::wtxid(txid, inclusion.transaction.signatures);
    return inclusion.height == header.height &&
           crypto::merkle_root_by_branch(leaf.hash, inclusion.index, inclusion.count,
                                         inclusion.branch) == header.transaction_root;
}

std::expected<wire::Txid, base::Error> verify(const TransactionProof& proof,
                                              const wire::ChainId& chain,
                                              const consensus::ValidatorSet& validators) {
    if (proof.chain != chain) {
        return base::failure(base::Errc::wrong_chain,
                             "it is of chain " + crypto::to_hex(proof.chain), where,
                             "check it against the genesis of that chain");
    }
    MESH_CHECK(consensus::verify_certificate(chain, validators, proof.certificate));
    wire::Hash expected = proof.certificate.final.block;
    for (auto header = proof.headers.rbegin(); header != proof.headers.rend(); ++header) {
        if (name_of(chain, validators, *header) != expected) {
            return unproven("header " + std::to_string(header->height.value) +
                            " is not the one that the next names");
        }
        expected = header->parent;
    }
    if (proof.headers.empty() || !is_included(chain, proof.inclusion, proof.headers.front())) {
        return unproven("the block does not hold this transaction");
    }
    return wire::txid(chain, proof.inclusion.transaction.body);
}

std::expected<std::optional<wire::InclusionResponse>, base::Error> find_inclusion(
    const ChainStore& store, const wire::Txid& txid) {
    MESH_TRY(const auto location, store.find(txid));
    if (!location) return std::nullopt;
    MESH_TRY(const auto hash, store.hash_at(location->height));
    MESH_TRY(const auto stored, store.block(hash.value_or(wire::Hash{})));
    if (!stored) return std::unexpected(corrupt("the transaction index names a missing block"));
    MESH_TRY(const auto transactions, store.expand(*stored));
    std::vector<wire::Hash> leaves;
    for (const wire::Transaction& transaction : transactions) {
        const wire::Txid id = wire::txid(store.chain_id(), transaction.body);
        leaves.push_back(wire::wtxid(id, transaction.signatures).hash);
    }
    if (location->index >= leaves.size()) {
        return std::unexpected(corrupt("the transaction index points behind its block"));
    }
    return wire::InclusionResponse{
        location->height, location->index, static_cast<std::uint16_t>(leaves.size()),
        transactions[location->index], crypto::merkle_branch(leaves, location->index)};
}

std::expected<TransactionProof, base::Error> make_proof(const ChainStore& store,
                                                        const consensus::ValidatorSet& validators,
                                                        const wire::Certificate& certificate,
                                                        wire::Height final,
                                                        const wire::Txid& txid) {
    MESH_TRY(auto inclusion, find_inclusion(store, txid));
    if (!inclusion || inclusion->height > final) {
        return base::failure(base::Errc::not_found,
                             "no FINAL block here holds " + crypto::to_hex(txid.hash), where,
                             store.base().height == wire::Height{}
                                 ? "wait until `meshchain tx` says FINAL"
                                 : "wait until `meshchain tx` says FINAL; of blocks up to height " +
                                       std::to_string(store.base().height.value) +
                                       ", which are pruned here, ask a node that holds them");
    }
    if (final.value - inclusion->height.value >= TransactionProof::headers_max) {
        return base::failure(
            base::Errc::too_large,
            std::to_string(final.value - inclusion->height.value) +
                " blocks lie between it and the newest certificate",
            where,
            "proofs span " + std::to_string(TransactionProof::headers_max) + " blocks at most");
    }
    TransactionProof proof{store.chain_id(), *std::move(inclusion), {}, {}};
    for (std::uint32_t height = proof.inclusion.height.value; height <= final.value; ++height) {
        MESH_TRY(const auto hash, store.hash_at({height}));
        MESH_TRY(const auto stored, store.block(hash.value_or(wire::Hash{})));
        if (!stored) {
            return std::unexpected(corrupt("block " + std::to_string(height) + " is missing"));
        }
        proof.headers.push_back(stored->block.header);
    }
    if (proof.headers.back().epoch != 0) {
        return base::failure(base::Errc::unavailable,
                             "the payment became FINAL in epoch " +
                                 std::to_string(proof.headers.back().epoch) +
                                 ", whose validators a genesis does not name",
                             where, "show the payment on a node instead: `meshchain tx TXID`");
    }
    auto votes = consensus::aggregate(store.chain_id(), validators, certificate);
    if (!votes) return std::unexpected(corrupt("the newest certificate does not verify"));
    proof.certificate = *std::move(votes);
    return proof;
}

}  // namespace meshchain::chain
