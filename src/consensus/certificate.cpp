#include "consensus/certificate.h"

#include <algorithm>

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";

}  // namespace

std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const Epochs& epochs, std::uint32_t epoch,
                                                    const wire::Certificate& certificate) {
    if (!epochs.knows(epoch)) {
        return base::failure(base::Errc::unavailable,
                             "the validators of epoch " + std::to_string(epoch) +
                                 " are not known here, whose FINAL lies in epoch " +
                                 std::to_string(epochs.now()),
                             module, "prove a FINAL of the epochs between first");
    }
    const ValidatorBits electors = epochs.electors(epoch);
    const wire::Checkpoint& checkpoint = certificate.final;
    ValidatorBits voters = 0;
    bool sound = certificate.votes.size() <= wire::validators_max;
    for (const wire::Vote& vote : certificate.votes) {
        sound = sound && vote.validator.value < wire::validators_max &&
                (electors & bit(vote.validator)) != 0 && vote.source == checkpoint &&
                vote.round.value == std::uint64_t{checkpoint.round.value} + 1;
        if (sound) voters |= bit(vote.validator);
    }
    if (!sound || !epochs.is_quorum(epoch, voters)) {
        return base::failure(base::Errc::malformed, "the certificate does not prove its block",
                             module);
    }
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

}  // namespace meshchain::consensus
