#pragma once
// A certificate whose signatures are half-aggregated (rows A6, J4): what proves FINAL to whoever
// is not going to pass single votes on, in less than half the bytes.
//
// Format: docs/formats/vote.md

#include "crypto/half_aggregate.h"
#include "wire/vote.h"

namespace meshchain::wire {

struct AggregatedCertificate {
    struct Voter {
        ValidatorIndex validator;
        Hash target;
        std::uint64_t heard = 0;
        crypto::NoncePoint nonce{};  ///< the first half of its signature
        friend bool operator==(const Voter&, const Voter&) = default;
    };

    Checkpoint final;
    std::vector<Voter> voters;  ///< ascending by validator, at least one
    crypto::Scalar sum{};       ///< of the second halves
    friend bool operator==(const AggregatedCertificate&, const AggregatedCertificate&) = default;
};

/// The votes that it stands for, without their signatures.
std::vector<Vote> votes_of(const AggregatedCertificate& certificate);

/// Asserts at least one voter, ascending, and a round that has a next one.
base::Buffer encode(const AggregatedCertificate& certificate);
/// Errors: malformed.
std::expected<AggregatedCertificate, base::Error> parse_aggregated_certificate(base::Bytes bytes);

}  // namespace meshchain::wire
