#include "consensus/certificate.h"

#include <algorithm>

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";

}  // namespace

std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Certificate& certificate) {
    const wire::Checkpoint& checkpoint = certificate.final;
    ValidatorBits voters = 0;
    bool sound = certificate.votes.size() <= validators.size();
    for (const wire::Vote& vote : certificate.votes) {
        sound = sound && validators.contains(vote.validator) && vote.source == checkpoint &&
                vote.round.value == std::uint64_t{checkpoint.round.value} + 1;
        if (sound) voters |= bit(vote.validator);
    }
    if (!sound || !validators.is_quorum(validators.stake_of(voters))) {
        return base::failure(base::Errc::malformed, "the certificate does not prove its block",
                             module);
    }
    const auto is_signed = [&](const wire::Vote& vote) {
        const crypto::PublicKey& key = validators[vote.validator].key;
        return crypto::verify(key, preimage(chain, vote, key), vote.signature);
    };
    if (!std::ranges::all_of(certificate.votes, is_signed)) {
        return base::failure(base::Errc::bad_signature, "a vote of the certificate", module);
    }
    return {};
}

}  // namespace meshchain::consensus
