// A certificate of 43 of 64 validators with half-aggregated signatures, beside its single votes:
// what it saves in bytes and what it costs to check.

#include <sodium.h>

#include <cstdio>
#include <cstdlib>

#include "bench/workloads.h"
#include "consensus/certificate.h"

namespace meshchain::bench {
namespace {

constexpr std::uint16_t members = 64;
constexpr std::uint16_t voters = 43;

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "consensus_bench: %s\n", what);
    std::abort();
}

struct Proof {
    Proof() {
        require(sodium_init() >= 0, "libsodium does not start");
        std::vector<consensus::Validator> seats;
        std::vector<crypto::SigningKey> keys;
        for (std::uint16_t i = 0; i < members; ++i) {
            crypto::SigningKey::Seed seed{};
            seed[0] = static_cast<std::byte>(i + 1);
            keys.push_back(crypto::SigningKey::from_seed(seed));
            const crypto::PublicKey& key = keys.back().public_key();
            seats.push_back({.identity = key, .key = key, .stake = {100}});
        }
        validators.emplace(std::move(seats));
        whole.final = {{7}, {6}, {}};
        for (std::uint16_t i = 0; i < voters; ++i) {
            wire::Vote vote{.validator = {i},
                            .round = {8},
                            .source = whole.final,
                            .target = whole.final.block,
                            .heard = 0x5555'5555'5555'5555,
                            .signature = {}};
            vote.signature = keys[i].sign(preimage(chain, vote, keys[i].public_key()));
            whole.votes.push_back(vote);
        }
        auto less = consensus::aggregate(chain, *validators, whole);
        require(less.has_value(), "the votes do not verify");
        aggregated = *std::move(less);
    }

    wire::ChainId chain;
    std::optional<consensus::ValidatorSet> validators;
    wire::Certificate whole;
    wire::AggregatedCertificate aggregated;
};

template <class Certificate>
double check_ms(const Proof& proof, const Certificate& certificate) {
    constexpr int times = 10;
    return 1000 / times * seconds([&] {
               for (int i = 0; i < times; ++i) {
                   require(
                       verify_certificate(proof.chain, *proof.validators, certificate).has_value(),
                       "the certificate does not verify");
               }
           });
}

}  // namespace

void consensus_workloads(Report& report) {
    if (!report.wants("certificate_bytes") && !report.wants("certificate_check")) return;
    const Proof proof;
    report.compare(
        {.name = "certificate_bytes", .unit = "B", .peer = "single_votes", .better = Better::lower},
        [&] { return static_cast<double>(encode(proof.aggregated).size()); },
        [&] { return static_cast<double>(encode(proof.whole).size()); });
    report.compare(
        {.name = "certificate_check",
         .unit = "ms",
         .peer = "single_votes",
         .better = Better::lower},
        [&] { return check_ms(proof, proof.aggregated); },
        [&] { return check_ms(proof, proof.whole); });
}

}  // namespace meshchain::bench
