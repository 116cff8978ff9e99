#pragma once
// Judging a certificate by itself (row J4; PROTOCOL.md P3 Checkpoint): whoever holds the validator
// set needs nothing else but its epoch to know that a block is final.

#include <expected>

#include "base/error.h"
#include "consensus/epochs.h"
#include "wire/aggregated_certificate.h"

namespace meshchain::consensus {

/// Whether votes of more than 2/3 of stake, of the set of the block's `epoch` and of the one
/// before, have exactly this source and the next round, each signed. Costs one signature check a
/// vote; the stake is counted first. That the block is of this epoch is the caller's to know: its
/// hash names it. Errors: unavailable (the sets of this epoch are not known), malformed (no quorum,
/// a vote that does not belong), bad_signature.
std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const Epochs& epochs, std::uint32_t epoch,
                                                    const wire::Certificate& certificate);
/// Of a chain that has one epoch.
std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::Certificate& certificate);

/// The same proof in fewer bytes; nothing unless every vote of the certificate, one at least, is
/// signed by its validator.
std::optional<wire::AggregatedCertificate> aggregate(const wire::ChainId& chain,
                                                     const ValidatorSet& validators,
                                                     const wire::Certificate& certificate);
/// As verify_certificate; costs about four signature checks a vote.
std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const Epochs& epochs, std::uint32_t epoch,
                                                    const wire::AggregatedCertificate& certificate);
/// Of a chain that has one epoch.
std::expected<void, base::Error> verify_certificate(const wire::ChainId& chain,
                                                    const ValidatorSet& validators,
                                                    const wire::AggregatedCertificate& certificate);

}  // namespace meshchain::consensus
