#include "consensus/certificate_check.h"

namespace meshchain::consensus {
namespace {

std::unexpected<base::Error> unproven(base::Errc code, std::string what) {
    return base::failure(code, std::move(what), "certificate",
                         "ask another node for the proof of FINAL");
}

}  // namespace

bool is_signed(const wire::ChainId& chain, const ValidatorSet& validators, const wire::Vote& vote) {
    if (!validators.contains(vote.validator)) return false;
    const crypto::PublicKey& key = validators[vote.validator].key;
    return crypto::verify(key, wire::preimage(chain, vote, key), vote.signature);
}

std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Certificate& certificate) {
    ValidatorBits signers = 0;
    for (const wire::Vote& vote : certificate.votes) {
        const std::uint64_t round = std::uint64_t{certificate.final.round.value} + 1;
        if (vote.source != certificate.final || vote.round.value != round ||
            !validators.contains(vote.validator) || (signers & bit(vote.validator)) != 0) {
            return unproven(base::Errc::malformed, "a vote does not belong to it");
        }
        signers |= bit(vote.validator);
    }
    if (!validators.is_quorum(validators.stake_of(signers))) {
        return unproven(base::Errc::malformed, "2/3 of the stake or less signed it");
    }
    for (const wire::Vote& vote : certificate.votes) {
        if (is_signed(chain, validators, vote)) continue;
        return unproven(base::Errc::bad_signature,
                        "the vote of validator " + std::to_string(vote.validator.value));
    }
    return {};
}

}  // namespace meshchain::consensus
