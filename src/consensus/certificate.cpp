#include "consensus/certificate.h"

#include <algorithm>
#include <span>

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";

/// Whether these votes, if signed, prove the checkpoint.
std::expected<void, base::Error> check_quorum(const Epochs& epochs, std::uint32_t epoch,
                                              const wire::Checkpoint& checkpoint,
                                              std::span<const wire::Vote> votes) {
    if (!epochs.knows(epoch)) {
        return base::failure(base::Errc::unavailable,
                             "the validators of epoch " + std::to_string(epoch) +
                                 " are not known here, whose FINAL lies in epoch " +
                                 std::to_string(epochs.now()),
                             module, "prove a FINAL of the epochs between first");
    }
    const ValidatorBits electors = epochs.electors(epoch);
    ValidatorBits voters = 0;
    bool sound = votes.size() <= wire::validators_max;
    for (const wire::Vote& vote : votes) {
        sound = sound && vote.validator.value < wire::validators_max &&
                (electors & bit(vote.validator)) != 0 && vote.source == checkpoint &&
                vote.round.value == std::uint64_t{checkpoint.round.value} + 1;
        if (sound) voters |= bit(vote.validator);
    }
    if (!sound || !epochs.is_quorum(epoch, voters)) {
        return base::failure(base::Errc::malformed, "the certificate does not prove its block",
                             module);
    }
    return {};
}

/// What each of them signed.
std::vector<crypto::Statement> statements_of(const wire::ChainId& chain,
                                             const ValidatorSet& validators,
                                             std::span<const wire::Vote> votes) {
    std::vector<crypto::Statement> statements;
    for (const wire::Vote& vote : votes) {
        const crypto::PublicKey& key = validators[vote.validator].key;
        statements.push_back({key, preimage(chain, vote, key)});
    }
    return statements;
}

}  // namespace

std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const Epochs& epochs, std::uint32_t epoch,
                                                    const wire::Certificate& certificate) {
    MESH_CHECK(check_quorum(epochs, epoch, certificate.final, certificate.votes));
    const auto is_signed = [&](const wire::Vote& vote) {
        const crypto::PublicKey& key = epochs.voters()[vote.validator].key;
        return crypto::verify(key, preimage(chain, vote, key), vote.signature);
    };
    if (!std::ranges::all_of(certificate.votes, is_signed)) {
        return base::failure(base::Errc::bad_signature, "a vote of the certificate", module);
    }
    return {};
}

std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Certificate& certificate) {
    return verify_certificate(chain, Epochs(validators), 0, certificate);
}

std::optional<wire::AggregatedCertificate> aggregate(const wire::ChainId& chain,
                                                     const ValidatorSet& validators,
                                                     const wire::Certificate& certificate) {
    std::vector<crypto::Signature> signatures;
    wire::AggregatedCertificate result{.final = certificate.final, .voters = {}};
    for (const wire::Vote& vote : certificate.votes) {
        if (!validators.contains(vote.validator)) return std::nullopt;
        signatures.push_back(vote.signature);
        result.voters.push_back({vote.validator, vote.target, vote.heard});
    }
    const auto statements = statements_of(chain, validators, certificate.votes);
    const auto halves = crypto::half_aggregate(statements, signatures);
    if (!halves || statements.empty()) return std::nullopt;
    for (std::size_t i = 0; i < result.voters.size(); ++i) {
        result.voters[i].nonce = halves->nonces[i];
    }
    result.sum = halves->sum;
    return result;
}

std::expected<void, base::Error> verify_certificate(
    const wire::ChainId& chain, const Epochs& epochs, std::uint32_t epoch,
    const wire::AggregatedCertificate& certificate) {
    const std::vector<wire::Vote> votes = votes_of(certificate);
    MESH_CHECK(check_quorum(epochs, epoch, certificate.final, votes));
    crypto::HalfAggregate halves{.nonces = {}, .sum = certificate.sum};
    for (const auto& voter : certificate.voters) halves.nonces.push_back(voter.nonce);
    if (!crypto::verify(statements_of(chain, epochs.voters(), votes), halves)) {
        return base::failure(base::Errc::bad_signature, "the votes of the certificate", module);
    }
    return {};
}

std::expected<void, base::Error> verify_certificate(
    const wire::ChainId& chain, const ValidatorSet& validators,
    const wire::AggregatedCertificate& certificate) {
    return verify_certificate(chain, Epochs(validators), 0, certificate);
}

}  // namespace meshchain::consensus
