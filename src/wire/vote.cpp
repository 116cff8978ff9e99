#include "wire/vote.h"

#include <algorithm>
#include <limits>

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t vote_type = 2;
constexpr std::uint8_t evidence_version = 1;
constexpr std::uint8_t vote_evidence_kind = 0;
constexpr std::uint8_t block_evidence_kind = 1;
constexpr std::string_view certificate_domain = "mc/cert/1";

bool strictly_ascending(const std::vector<Vote>& votes) {
    return std::ranges::adjacent_find(votes, [](const Vote& a, const Vote& b) {
               return a.validator >= b.validator;
           }) == votes.end();
}

bool supports(const Certificate& certificate, const Vote& vote) {
    return vote.source == certificate.final && vote.round.value != 0 &&
           vote.round.value - 1 == certificate.final.round.value;
}

std::optional<Evidence> read_vote_evidence(base::Reader& in) {
    const auto first = read_vote(in);
    const auto second = read_vote(in);
    if (!first || !second) return std::nullopt;
    const bool ordered = first->round != second->round ? first->round < second->round
                                                       : first->target <= second->target;
    if (first->validator != second->validator || !ordered) in.fail();
    return VoteEvidence{*first, *second};
}

std::optional<Evidence> read_block_evidence(base::Reader& in) {
    const auto first = read_block_header(in);
    const auto second = read_block_header(in);
    if (!first || !second) return std::nullopt;
    if (first->proposer != second->proposer || first->slot != second->slot) in.fail();
    return BlockEvidence{*first, *second};
}

}  // namespace

base::Buffer preimage(const ChainId& chain, const Vote& vote, const crypto::PublicKey& validator) {
    base::Buffer out = crypto::preimage("mc/ack/1", chain, vote_type);
    base::Writer writer(out);
    writer.bytes(validator.bytes).u32(vote.round.value);
    write(writer, vote.source);
    writer.bytes(vote.target.bytes).u64(vote.heard);
    return out;
}

void encode(const Vote& vote, base::Buffer& out) {
    base::Writer writer(out);
    writer.u16(vote.validator.value).u32(vote.round.value);
    write(writer, vote.source);
    writer.bytes(vote.target.bytes).u64(vote.heard).bytes(vote.signature.bytes);
}

base::Buffer encode(const Vote& vote) {
    base::Buffer out;
    out.reserve(Vote::size);
    encode(vote, out);
    return out;
}

std::optional<Vote> read_vote(base::Reader& in) {
    Vote vote;
    vote.validator = read_validator(in);
    vote.round.value = in.u32();
    vote.source = read_checkpoint(in);
    vote.target = read_hash(in);
    vote.heard = in.u64();
    vote.signature = read_signature(in);
    return in.ok() ? std::optional(vote) : std::nullopt;
}

std::expected<Vote, base::Error> parse_vote(base::Bytes bytes) {
    base::Reader in(bytes);
    const auto vote = read_vote(in);
    MESH_CHECK(in.finish("vote"));
    return *vote;
}

base::Buffer encode(const Certificate& certificate) {
    MESH_ASSERT(certificate.votes.size() <= validators_max);
    MESH_ASSERT(strictly_ascending(certificate.votes));
    base::Buffer out;
    base::Writer writer(out);
    write(writer, certificate.final);
    writer.u8(static_cast<std::uint8_t>(certificate.votes.size()));
    for (const Vote& vote : certificate.votes) {
        MESH_ASSERT(supports(certificate, vote));
        writer.u16(vote.validator.value)
            .bytes(vote.target.bytes)
            .u64(vote.heard)
            .bytes(vote.signature.bytes);
    }
    return out;
}

std::expected<Certificate, base::Error> parse_certificate(base::Bytes bytes) {
    base::Reader in(bytes);
    Certificate certificate;
    certificate.final = read_checkpoint(in);
    const std::size_t count = in.u8();
    if (in.ok() && count > validators_max) {
        return base::failure(base::Errc::too_large, std::to_string(count) + " votes",
                             "certificate");
    }
    const std::uint32_t final_round = certificate.final.round.value;
    if (count != 0 && final_round == std::numeric_limits<std::uint32_t>::max()) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        Vote vote;
        vote.validator = read_validator(in);
        vote.round.value = final_round + 1;
        vote.source = certificate.final;
        vote.target = read_hash(in);
        vote.heard = in.u64();
        vote.signature = read_signature(in);
        certificate.votes.push_back(vote);
    }
    if (!strictly_ascending(certificate.votes)) in.fail();
    MESH_CHECK(in.finish("certificate"));
    return certificate;
}

Hash certificate_hash(const Certificate& certificate) {
    base::Buffer out;
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(certificate_domain.size()))
        .text(certificate_domain);
    return crypto::hash(out, encode(certificate));
}

base::Buffer encode(const Evidence& evidence) {
    base::Buffer out;
    base::Writer(out).u8(evidence_version);
    if (const auto* votes = std::get_if<VoteEvidence>(&evidence)) {
        base::Writer(out).u8(vote_evidence_kind);
        encode(votes->first, out);
        encode(votes->second, out);
    } else {
        const auto& blocks = std::get<BlockEvidence>(evidence);
        base::Writer(out).u8(block_evidence_kind);
        encode(blocks.first, out);
        encode(blocks.second, out);
    }
    return out;
}

std::expected<Evidence, base::Error> parse_evidence(base::Bytes bytes) {
    MESH_CHECK(check_version(bytes, evidence_version, "evidence"));
    base::Reader in(bytes);
    in.u8();
    std::optional<Evidence> evidence;
    switch (in.u8()) {
        case vote_evidence_kind: evidence = read_vote_evidence(in); break;
        case block_evidence_kind: evidence = read_block_evidence(in); break;
        default: in.fail();
    }
    MESH_CHECK(in.finish("evidence"));
    return *evidence;
}

}  // namespace meshchain::wire
